/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* A byte buffer that grows. A failed growth sticks in `error` (-ENOMEM), later
 * appends are no-ops, and the writer checks once at its end. Zeroed is ready;
 * the bytes are not NUL-terminated. */
struct buf {
	char *data; /* owned */
	size_t len, capacity;
	int error;
};

void buf_fini(struct buf *buf);
/* Empties, keeps the memory, clears the error. */
void buf_clear(struct buf *buf);
/* Room for n more bytes: returns where they start, or NULL (error is set). The
 * caller then writes and adds what it wrote to buf->len. */
char *buf_reserve(struct buf *buf, size_t n);
void buf_append(struct buf *buf, const void *bytes, size_t n);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void buf_u64(struct buf *buf, uint64_t value);
void buf_i64(struct buf *buf, int64_t value);
/* Exactly `digits` lower-case hex digits, most significant first. */
void buf_hex64(struct buf *buf, uint64_t value, unsigned digits);
/* Drops the first n bytes (a delivered prefix). */
void buf_consume(struct buf *buf, size_t n);

#endif
