// SPDX-License-Identifier: Apache-2.0
/* A byte buffer that grows. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

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
	if (buf->data && n <= buf->capacity - buf->len)
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
	char *at = buf_reserve(buf, NUM_U64_SIZE);

	if (at)
		buf->len += (size_t)(num_put_u64(at, value) - at);
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
