// SPDX-License-Identifier: Apache-2.0
/* Which fields a person wants to see. */
#include "encode/columns.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/why.h"
#include "flow/field.h"

size_t columns_next(const char **list, const char **name)
{
	const char *comma = strchr(*list, ',');
	const size_t n = comma ? (size_t)(comma - *list) : strlen(*list);

	*name = *list;
	*list = comma ? comma + 1 : NULL;
	return n;
}

int columns_parse_fields(struct encode_conf *conf, const char *list, struct why *why)
{
	const char *name;
	size_t n;
	int id;

	conf->column_count = 0;
	while (list) {
		n = columns_next(&list, &name);
		id = field_find(name, n);
		if (id < 0) {
			struct nearest nearest = { .word = name, .n = n };

			for (int i = 0; i < FIELD_COUNT; i++)
				nearest_offer(&nearest, field_table[i].name);
			return why_set(why, -EINVAL, "unknown field \"%.*s\"%s%s%s", (int)n, name,
				       nearest.best ? ", did you mean \"" : "",
				       nearest.best ? nearest.best : "",
				       nearest.best ? "\"?" : "; weir help fields lists them");
		}
		if (conf->column_count == FIELD_COUNT)
			return why_set(why, -EINVAL, "more columns than there are fields");
		conf->column[conf->column_count++] = (uint8_t)id;
	}
	return 0;
}

uint64_t columns_mask(const struct encode_conf *conf, unsigned word)
{
	uint64_t mask = 0;

	if (!conf->column_count)
		return UINT64_MAX;
	for (size_t i = 0; i < conf->column_count; i++) {
		if (conf->column[i] / 64 == word)
			mask |= 1ULL << conf->column[i] % 64;
	}
	return mask;
}
