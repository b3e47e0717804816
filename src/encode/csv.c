// SPDX-License-Identifier: Apache-2.0
/* CSV as RFC 4180 has it, with a header; absent fields are empty. Lines end in
 * a bare newline, as every Unix tool wants them. */
#include <string.h>

#include "encode/columns.h"
#include "encode/value.h"

static size_t field_count(const struct encode_conf *conf)
{
	return conf->column_count ? conf->column_count : FIELD_COUNT;
}

static unsigned field_id(const struct encode_conf *conf, size_t i)
{
	return conf->column_count ? conf->column[i] : (unsigned)i;
}

static void csv_head(struct buf *buf, const struct encode_conf *conf)
{
	for (size_t i = 0; i < field_count(conf); i++) {
		if (i)
			buf_putc(buf, ',');
		buf_puts(buf, field_table[field_id(conf, i)].name);
	}
	buf_putc(buf, '\n');
}

static bool needs_quotes(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
			return true;
	}
	return n && (text[0] == ' ' || text[n - 1] == ' ');
}

static void quote(struct buf *buf, const char *text, size_t n)
{
	buf_putc(buf, '"');
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"')
			buf_putc(buf, '"');
		buf_putc(buf, text[i]);
	}
	buf_putc(buf, '"');
}

static void csv_record(struct buf *buf, const struct encode_conf *conf,
		       const struct record *record)
{
	char text[VALUE_SIZE];

	for (size_t i = 0; i < field_count(conf); i++) {
		const unsigned id = field_id(conf, i);
		const struct field *field = &field_table[id];
		size_t n;

		if (i)
			buf_putc(buf, ',');
		if (!record_has(record, id))
			continue;
		n = (size_t)(value_put(text, conf, field, record) - text);
		/* only texts can hold what needs quoting */
		if ((field->type == FIELD_TYPE_TEXT || field->type == FIELD_TYPE_HOST) &&
		    needs_quotes(text, n))
			quote(buf, text, n);
		else
			buf_append(buf, text, n);
	}
	buf_putc(buf, '\n');
}

const struct encoder encoder_csv = {
	.name = "csv",
	.help = "comma-separated values with a header (RFC 4180)",
	.content_type = "text/csv; header=present",
	.head = csv_head,
	.record = csv_record,
	.columns = columns_parse_fields,
};
