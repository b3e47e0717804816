/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_JSON_H
#define WEIR_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Append-only JSON writing (RFC 8259). 64-bit integers are written as
 * integers. Commas are the writer's business: every member or element call
 * looks at the last byte written and puts one where it belongs. */

/* A quoted string of n bytes: quote, backslash and control characters (DEL too,
 * which YAML has not) are escaped; bytes that are not UTF-8 (a comm may hold any) become U+FFFD. */
void json_append_string(struct buf *buf, const char *text, size_t n);
/* The same at `at`, at most 6 n + 2 bytes; returns its end. */
char *json_put_string(char *at, const char *text, size_t n);

void json_object_begin(struct buf *buf);
void json_object_end(struct buf *buf);
void json_array_begin(struct buf *buf);
void json_array_end(struct buf *buf);
/* [,]"key": */
void json_key(struct buf *buf, const char *key);
void json_member_u64(struct buf *buf, const char *key, uint64_t value);
void json_member_i64(struct buf *buf, const char *key, int64_t value);
void json_member_double(struct buf *buf, const char *key, double value);
void json_member_bool(struct buf *buf, const char *key, bool value);
void json_member_text(struct buf *buf, const char *key, const char *text);
/* [,]"text" inside an array */
void json_element_text(struct buf *buf, const char *text);

#endif
