// SPDX-License-Identifier: Apache-2.0
/* A byte buffer that grows, with the number writers that encoders need. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digit_pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

void buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->error = 0;
}

char *buf_reserve(struct buf *buf, size_t n)
{
	size_t capacity;
	char *data;

	if (buf->error)
		return NULL;
	if (n <= buf->capacity - buf->len)
		return buf->data + buf->len;
	if (n > SIZE_MAX / 4 - buf->len) {
		buf->error = -ENOMEM;
		return NULL;
	}
	capacity = buf->capacity ? buf->capacity : 256;
	while (capacity < buf->len + n)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->error = -ENOMEM;
		return NULL;
	}
	buf->data = data;
	buf->capacity = capacity;
	return data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t n)
{
	char *at = buf_reserve(buf, n);

	if (!at || !n)
		return;
	memcpy(at, bytes, n);
	buf->len += n;
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
	char *at = buf_reserve(buf, 1);

	if (!at)
		return;
	*at = c;
	buf->len++;
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	char *at;
	int n;

	at = buf_reserve(buf, 128);
	if (!at)
		return;
	va_copy(again, args);
	n = vsnprintf(at, buf->capacity - buf->len, format, args);
	if (n >= 0 && (size_t)n >= buf->capacity - buf->len) {
		at = buf_reserve(buf, (size_t)n + 1);
		if (at)
			vsnprintf(at, (size_t)n + 1, format, again);
	}
	va_end(again);
	if (at && n > 0)
		buf->len += (size_t)n;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void buf_u64(struct buf *buf, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(at, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, digit_pairs + value * 2, 2);
	} else {
		*--at = (char)('0' + value);
	}
	buf_append(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_i64(struct buf *buf, int64_t value)
{
	if (value < 0) {
		buf_putc(buf, '-');
		buf_u64(buf, 0 - (uint64_t)value);
		return;
	}
	buf_u64(buf, (uint64_t)value);
}

void buf_hex64(struct buf *buf, uint64_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";
	char *at = buf_reserve(buf, digits);

	if (!at)
		return;
	for (unsigned i = digits; i-- > 0; value >>= 4)
		at[i] = hex[value & 15];
	buf->len += digits;
}

void buf_consume(struct buf *buf, size_t n)
{
	if (!n)
		return;
	memmove(buf->data, buf->data + n, buf->len - n);
	buf->len -= n;
}
