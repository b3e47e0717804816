/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_VALUE_H
#define WEIR_ENCODE_VALUE_H

#include <arpa/inet.h>
#include <string.h>

#include "encode/encode.h"
#include "flow/field.h"

/* The most that value_put writes for any field. */
#define VALUE_SIZE 400

/* A field's bare text (no quotes, lists joined by '|') at `at`, not terminated;
 * texts are copied byte by byte. The caller has checked record_has. Returns the
 * end. */
char *value_put(char *at, const struct encode_conf *conf, const struct field *field,
		const struct record *record);
/* The same as JSON: numbers bare, lists as arrays, texts escaped, so that they take up to
 * six times as much. */
char *value_put_json(char *at, const struct encode_conf *conf, const struct field *field,
		     const struct record *record);
/* The value of a U8, U16, U32, U64 or PORT field. */
static inline uint64_t value_integer(const struct field *field, const struct record *record)
{
	const void *value = field_at(field, record);
	uint16_t port_be;

	switch (field->type) {
	case FIELD_TYPE_U8:
		return *(const uint8_t *)value;
	case FIELD_TYPE_U16:
		return *(const uint16_t *)value;
	case FIELD_TYPE_PORT:
		memcpy(&port_be, value, sizeof(port_be));
		return ntohs(port_be);
	case FIELD_TYPE_U32:
		return *(const uint32_t *)value;
	default:
		return *(const uint64_t *)value;
	}
}
/* A name from a table that a kernel newer than it may index past. */
const char *value_name(const struct field *field, unsigned index);

#endif
