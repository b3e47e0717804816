// SPDX-License-Identifier: Apache-2.0
/*
 * JSON lines: one object a record, fields in the table's order, absent where
 * the record has none. The hot encoder: it walks the set bits and writes
 * through a bare pointer into room reserved once.
 */
#include <string.h>

#include "base/json.h"
#include "encode/columns.h"
#include "encode/value.h"

/* every field, with its name, its texts escaped at their longest */
#define RECORD_JSON_SIZE (FIELD_COUNT * 64 + 6 * (size_t)VALUE_SIZE * 8)

static char *put_member(char *at, const struct encode_conf *conf, const struct field *field,
			const struct record *record)
{
	const size_t n = field->name_length;

	*at++ = '"';
	memcpy(at, field->name, n);
	at += n;
	*at++ = '"';
	*at++ = ':';
	return value_put_json(at, conf, field, record);
}

static void json_record(struct buf *buf, const struct encode_conf *conf,
			const struct record *record)
{
	char *start = buf_reserve(buf, RECORD_JSON_SIZE), *at = start;

	if (!start)
		return;
	*at++ = '{';
	for (unsigned word = 0; word < 2; word++) {
		uint64_t bits = record->has[word] & columns_mask(conf, word);

		for (; bits; bits &= bits - 1) {
			const unsigned id = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (id == FIELD_HOST && !conf->host)
				continue;
			at = put_member(at, conf, &field_table[id], record);
			*at++ = ',';
		}
	}
	if (at[-1] == ',')
		at--;
	*at++ = '}';
	*at++ = '\n';
	buf->len += (size_t)(at - start);
}

const struct encoder encoder_json = {
	.name = "json",
	.help = "one JSON object a line",
	.content_type = "application/x-ndjson",
	.record = json_record,
	.columns = columns_parse_fields,
};
