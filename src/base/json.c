// SPDX-License-Identifier: Apache-2.0
/* Append-only JSON writing (RFC 8259). */
#include "base/json.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static char *put_escape(char *at, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	*at++ = '\\';
	switch (c) {
	case '"':
	case '\\':
		*at++ = (char)c;
		return at;
	case '\n':
		*at++ = 'n';
		return at;
	case '\r':
		*at++ = 'r';
		return at;
	case '\t':
		*at++ = 't';
		return at;
	default:
		memcpy(at, "u00", 3);
		at[3] = hex[c >> 4];
		at[4] = hex[c & 15];
		return at + 5;
	}
}

char *json_put_string(char *at, const char *text, size_t n)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t i = 0, length;

	*at++ = '"';
	while (i < n) {
		const unsigned char c = from[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			*at++ = (char)c;
			i++;
			continue;
		}
		if (c < 0x80) {
			at = put_escape(at, c);
			i++;
			continue;
		}
		length = utf8_length(text + i, n - i);
		if (!length) {
			memcpy(at, "\xef\xbf\xbd", 3); /* U+FFFD */
			at += 3;
			i++;
			continue;
		}
		memcpy(at, from + i, length);
		at += length;
		i += length;
	}
	*at++ = '"';
	return at;
}

void json_append_string(struct buf *buf, const char *text, size_t n)
{
	/* the longest form of a byte is \u00xx */
	char *at = buf_reserve(buf, 6 * n + 2);

	if (at)
		buf->len += (size_t)(json_put_string(at, text, n) - at);
}

static void comma(struct buf *buf)
{
	const char last = buf->len ? buf->data[buf->len - 1] : '\n';

	if (last != '{' && last != '[' && last != ':' && last != '\n')
		buf_putc(buf, ',');
}

void json_object_begin(struct buf *buf)
{
	comma(buf);
	buf_putc(buf, '{');
}

void json_object_end(struct buf *buf)
{
	buf_putc(buf, '}');
}

void json_array_begin(struct buf *buf)
{
	comma(buf);
	buf_putc(buf, '[');
}

void json_array_end(struct buf *buf)
{
	buf_putc(buf, ']');
}

void json_key(struct buf *buf, const char *key)
{
	comma(buf);
	json_append_string(buf, key, strlen(key));
	buf_putc(buf, ':');
}

void json_member_u64(struct buf *buf, const char *key, uint64_t value)
{
	json_key(buf, key);
	buf_u64(buf, value);
}

void json_member_i64(struct buf *buf, const char *key, int64_t value)
{
	json_key(buf, key);
	buf_i64(buf, value);
}

void json_member_double(struct buf *buf, const char *key, double value)
{
	json_key(buf, key);
	/* JSON has no infinities */
	if (value != value || value > 1e300 || value < -1e300)
		buf_puts(buf, "null");
	else
		buf_printf(buf, "%.6f", value);
}

void json_member_bool(struct buf *buf, const char *key, bool value)
{
	json_key(buf, key);
	buf_puts(buf, value ? "true" : "false");
}

void json_member_text(struct buf *buf, const char *key, const char *text)
{
	json_key(buf, key);
	json_append_string(buf, text, strlen(text));
}

void json_element_text(struct buf *buf, const char *text)
{
	comma(buf);
	json_append_string(buf, text, strlen(text));
}
