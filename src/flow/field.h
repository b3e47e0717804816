/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_FIELD_H
#define WEIR_FLOW_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/record.h"

/* The one table of fields: JSON, CSV, columns, filters, the API, help and docs
 * are driven by it; no serialiser lists fields by hand. */

enum field_type {
	FIELD_TYPE_U8, FIELD_TYPE_U16, FIELD_TYPE_U32, FIELD_TYPE_U64, FIELD_TYPE_DOUBLE,
	FIELD_TYPE_BOOL,
	FIELD_TYPE_TIME,      /* uint64_t wall ns, written as RFC 3339 */
	FIELD_TYPE_ID,        /* uint64_t, 16 hex digits */
	FIELD_TYPE_ADDR,      /* struct addr */
	FIELD_TYPE_PORT,      /* uint16_t big endian */
	FIELD_TYPE_PROTO,     /* uint8_t, name or number */
	FIELD_TYPE_FAMILY,    /* struct tuple */
	FIELD_TYPE_COMMUNITY, /* struct tuple */
	FIELD_TYPE_NAME,      /* uint8_t, index into field->names */
	FIELD_TYPE_TEXT,      /* NUL-terminated char array */
	FIELD_TYPE_HOST,      /* the collector's host name: not in the record */
	FIELD_TYPE_LABELS,    /* uint8_t[16], hex */
	FIELD_TYPE_STATUS,    /* uint32_t of IPS_* bits, a list of names */
	FIELD_TYPE_ERRNO,     /* uint32_t, name */
};

struct field {
	const char *name;
	uint8_t name_length;
	enum field_type type;
	size_t offset;            /* into struct record */
	const char *const *names; /* FIELD_TYPE_NAME: NULL-terminated, NULL slots not allowed */
	const char *unit;         /* NULL: none */
	uint32_t ipfix_pen;       /* private enterprise number, 0: IANA */
	uint16_t ipfix_element;   /* 0: none */
	const char *ecs;          /* Elastic Common Schema name; below "weir" what that has not */
	const char *help;         /* one line for docs and `weir help fields` */
};

/* Indexed by enum field_id. */
extern const struct field field_table[FIELD_COUNT];

/* The field's id, or -ENOENT. */
int field_find(const char *name, size_t n);

static inline const void *field_at(const struct field *field, const struct record *record)
{
	return (const char *)record + field->offset;
}

/* Names of the bits of `status`: NULL for bits that have none. */
const char *status_bit_name(unsigned bit);
/* "ECONNREFUSED", or NULL. */
const char *errno_name(unsigned number);

#endif
