/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_ENCODE_H
#define WEIR_ENCODE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/record.h"

struct nearest;
struct why;

/* Record → bytes, pure functions. Zeroed but for host is ready. */
struct encode_conf {
	const char *host;       /* borrowed: the host field, may be NULL */
	/* enum field_id; for the table also its composite columns, which follow */
	uint8_t column[FIELD_COUNT];
	size_t column_count;    /* 0: the encoder's default */
	bool bits;              /* rates in bit/s, else byte/s (table) */
	bool exact_numbers;     /* 1234567, not 1.2M (table) */
};

struct encoder {
	const char *name, *help;
	const char *content_type;
	/* What comes before the first record (CSV header, column titles); may
	 * append nothing. */
	void (*head)(struct buf *buf, const struct encode_conf *conf);
	/* One record, terminated by a newline; nothing where the format has no such
	 * event. */
	void (*record)(struct buf *buf, const struct encode_conf *conf,
		       const struct record *record);
	/* Turns "a,b,c" into conf->column; -EINVAL with the nearest name. */
	int (*columns)(struct encode_conf *conf, const char *list, struct why *why);
};

/* json: one object a line. csv: RFC 4180. table: cells separated by tabs, which
 * the client aligns. trace: the event line of docs/interface.md. conntracct: the old
 * tool's lines, of flows alone. nettracer: that tool's log of TCP; nettracer_hex: its
 * lines for programs (nettracer.h), of live flows and of closes. */
extern const struct encoder encoder_json, encoder_csv, encoder_table, encoder_trace,
	encoder_conntracct, encoder_nettracer, encoder_nettracer_hex;

/* What the column of the table of that name or title shows: a field, and another
 * where that is absent, or FIELD_COUNT. 0 or -ENOENT. */
int table_column_fields(uint8_t ret[2], const char *name);
/* Offers every name and title. */
void table_columns_offer(struct nearest *nearest);

/* All of them, NULL-terminated. */
extern const struct encoder *const encoder_list[];
/* NULL when there is none of that name. */
const struct encoder *encoder_find(const char *name);

#endif
