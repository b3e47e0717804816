/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_VALUE_H
#define WEIR_ENCODE_VALUE_H

#include "encode/encode.h"
#include "flow/field.h"

/* The most that value_put writes for any field. */
#define VALUE_SIZE 400

/* A field's bare text (no quotes, lists joined by '|') at `at`, not terminated;
 * texts are copied byte by byte. The caller has checked record_has. Returns the
 * end. */
char *value_put(char *at, const struct encode_conf *conf, const struct field *field,
		const struct record *record);
/* Whether the text is a JSON number or literal, not a string. */
bool value_is_bare(const struct field *field, const struct record *record);
/* A name from a table that a kernel newer than it may index past. */
const char *value_name(const struct field *field, unsigned index);

#endif
