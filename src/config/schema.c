// SPDX-License-Identifier: Apache-2.0
/*
 * From text to value, as the row of a setting says: what a scalar means is
 * decided by its row, never by how the scalar looks ("no" is a word for a path,
 * a number never loses its unit). Decoding changes nothing unless all of the
 * text is right.
 */
#include "config/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/endpoint.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "config/list.h"
#include "config/report.h"
#include "config/settings.h"

const struct schema_row *schema_find(const struct schema_row *table, const char *key,
				     struct nearest *nearest)
{
	const struct schema_row *row;

	for (row = table; row->key; row++)
		if (!strcmp(row->key, key))
			return row;
	for (row = table; nearest && row->key; row++)
		nearest_offer(nearest, row->key);
	return NULL;
}

static int decode_word(const struct schema_row *row, int *ret, const char *text, struct why *why)
{
	struct nearest nearest = { .word = text, .n = strlen(text) };
	const struct schema_word *word;
	char possible[96];
	size_t n = 0;

	for (word = row->words; word->word; word++) {
		if (!strcmp(word->word, text)) {
			*ret = word->value;
			return 0;
		}
		nearest_offer(&nearest, word->word);
	}
	if (nearest.best)
		return why_set(why, -EINVAL, "\"%.60s\" is not possible; did you mean %s?", text,
			       nearest.best);
	for (word = row->words; word->word && n < sizeof(possible); word++)
		n += (size_t)snprintf(possible + n, sizeof(possible) - n, "%s%s", n ? ", " : "",
				      word->word);
	return why_set(why, -EINVAL, "\"%.60s\" is not possible; there are %s", text, possible);
}

static int decode_u32(const struct schema_row *row, uint32_t *ret, const char *text,
		      struct why *why)
{
	uint64_t value;
	int r;

	r = num_parse_u64(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a whole number", text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %" PRIu64 " and %" PRIu64, text,
			       row->min, row->max);
	*ret = (uint32_t)value;
	return 0;
}

static int decode_duration(const struct schema_row *row, uint64_t *ret, const char *text,
			   struct why *why)
{
	char least[24], most[24];
	uint64_t value;
	int r;

	r = num_parse_duration_ns(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a duration such as 500ms, 20s or 5m",
			       text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %s and %s", text,
			       num_print_duration(least, sizeof(least), row->min),
			       num_print_duration(most, sizeof(most), row->max));
	*ret = value;
	return 0;
}

static int decode_size(const struct schema_row *row, uint64_t *ret, const char *text,
		       struct why *why)
{
	char least[24], most[24];
	uint64_t value;
	int r;

	r = num_parse_size(&value, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "\"%.60s\" is not a size such as 64k or 4M", text);
	if (r < 0 || value < row->min || value > row->max)
		return why_set(why, -ERANGE, "%.60s is not between %s and %s", text,
			       num_print_size(least, sizeof(least), row->min),
			       num_print_size(most, sizeof(most), row->max));
	*ret = value;
	return 0;
}

static int decode_text(const struct schema_row *row, char *ret, const char *text, struct why *why)
{
	const size_t n = strlen(text);
	int ignored;

	if (row->words && decode_word(row, &ignored, text, why) < 0)
		return -EINVAL;
	if (n >= row->max)
		return why_set(why, -ERANGE, "more than %" PRIu64 " bytes", row->max - 1);
	memcpy(ret, text, n + 1);
	return 0;
}

static int decode_path(const struct schema_row *row, char *ret, const char *text, struct why *why)
{
	const size_t n = strlen(text);

	if (!n)
		return why_set(why, -EINVAL, "a path is wanted");
	if (n >= row->max)
		return why_set(why, -ERANGE, "the path is longer than %" PRIu64 " bytes",
			       row->max - 1);
	memcpy(ret, text, n + 1);
	return 0;
}

static int decode_endpoint(const struct schema_row *row, char *ret, const char *text,
			   struct why *why)
{
	struct sockaddr_storage ignored;

	if (strcmp(text, "off") && endpoint_parse(&ignored, text, why) < 0)
		return -EINVAL;
	return decode_text(row, ret, text, why);
}

int schema_decode(const struct schema_row *row, void *settings, const char *text, struct why *why)
{
	char *member = (char *)settings + row->offset;
	int r, value;

	switch (row->type) {
	case SCHEMA_BOOL:
		r = decode_word(row, &value, text, why);
		if (r == 0)
			*(bool *)(void *)member = value;
		return r;
	case SCHEMA_WORD:
		r = decode_word(row, &value, text, why);
		if (r == 0)
			memcpy(member, &value, sizeof(value));
		return r;
	case SCHEMA_U32:
		return decode_u32(row, (uint32_t *)(void *)member, text, why);
	case SCHEMA_DURATION:
		return decode_duration(row, (uint64_t *)(void *)member, text, why);
	case SCHEMA_SIZE:
		return decode_size(row, (uint64_t *)(void *)member, text, why);
	case SCHEMA_TEXT:
		return decode_text(row, member, text, why);
	case SCHEMA_PATH:
		return decode_path(row, member, text, why);
	case SCHEMA_ENDPOINT:
		return decode_endpoint(row, member, text, why);
	case SCHEMA_REPORT:
		return report_decode(settings, row->max, text, why);
	case SCHEMA_EVENTS:
	case SCHEMA_URLS:
	case SCHEMA_PORTS:
		return list_decode(row, settings, text, why);
	}
	return -EINVAL;
}

static const char *word_of(const struct schema_row *row, int value)
{
	const struct schema_word *word;

	for (word = row->words; word->word; word++) {
		if (word->value == value)
			return word->word;
	}
	return "";
}

void schema_print(const struct schema_row *row, const void *settings, struct buf *buf)
{
	const char *member = (const char *)settings + row->offset;
	char text[24];
	uint32_t u32;
	uint64_t u64;
	int value;

	switch (row->type) {
	case SCHEMA_BOOL:
		buf_puts(buf, word_of(row, *(const bool *)(const void *)member));
		break;
	case SCHEMA_WORD:
		memcpy(&value, member, sizeof(value));
		buf_puts(buf, word_of(row, value));
		break;
	case SCHEMA_U32:
		memcpy(&u32, member, sizeof(u32));
		buf_u64(buf, u32);
		break;
	case SCHEMA_DURATION:
		memcpy(&u64, member, sizeof(u64));
		buf_puts(buf, num_exact_duration(text, sizeof(text), u64));
		break;
	case SCHEMA_SIZE:
		memcpy(&u64, member, sizeof(u64));
		buf_puts(buf, num_exact_size(text, sizeof(text), u64));
		break;
	case SCHEMA_TEXT:
	case SCHEMA_PATH:
	case SCHEMA_ENDPOINT:
		json_append_string(buf, member, strlen(member));
		break;
	case SCHEMA_REPORT:
		report_print(settings, buf);
		break;
	case SCHEMA_EVENTS:
	case SCHEMA_URLS:
	case SCHEMA_PORTS:
		list_print(row, settings, buf);
		break;
	}
}
