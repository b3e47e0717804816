// SPDX-License-Identifier: Apache-2.0
/*
 * JSON lines: one object a record, fields in the table's order, absent where
 * the record has none. The hot encoder: it walks the set bits and writes
 * through a bare pointer into room reserved once.
 */
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "encode/columns.h"
#include "encode/value.h"

/* every field, with its name, its texts escaped at their longest */
#define RECORD_JSON_SIZE (FIELD_COUNT * 64 + 6 * (size_t)VALUE_SIZE * 8)

/* The names of a conntrack status: plain words, nothing to escape. */
static char *put_status(char *at, uint32_t status)
{
	*at++ = '[';
	for (; status; status &= status - 1) {
		const char *name = status_bit_name((unsigned)__builtin_ctz(status));
		const size_t n = name ? strlen(name) : 0;

		if (!name)
			continue;
		*at++ = '"';
		memcpy(at, name, n);
		at += n;
		*at++ = '"';
		*at++ = ',';
	}
	if (at[-1] == ',')
		at--;
	*at++ = ']';
	return at;
}

static char *put_value(char *at, const struct encode_conf *conf, const struct field *field,
		       const struct record *record)
{
	const char *text;

	switch (field->type) {
	case FIELD_TYPE_U8:
	case FIELD_TYPE_U16:
	case FIELD_TYPE_U32:
	case FIELD_TYPE_U64:
	case FIELD_TYPE_PORT:
		return num_put_u64(at, value_integer(field, record));
	case FIELD_TYPE_DOUBLE:
	case FIELD_TYPE_BOOL:
		return value_put(at, conf, field, record);
	case FIELD_TYPE_TEXT:
		text = field_at(field, record);
		return json_put_string(at, text, strlen(text));
	case FIELD_TYPE_HOST:
		return json_put_string(at, conf->host, strlen(conf->host));
	case FIELD_TYPE_STATUS:
		return put_status(at, record->status);
	default: /* names, times, addresses: nothing in them needs an escape */
		*at++ = '"';
		at = value_put(at, conf, field, record);
		*at++ = '"';
		return at;
	}
}

static char *put_member(char *at, const struct encode_conf *conf, const struct field *field,
			const struct record *record)
{
	const size_t n = field->name_length;

	*at++ = '"';
	memcpy(at, field->name, n);
	at += n;
	*at++ = '"';
	*at++ = ':';
	return put_value(at, conf, field, record);
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
