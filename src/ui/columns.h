/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_COLUMNS_H
#define WEIR_UI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/frame.h"
#include "ui/history.h"
#include "ui/snapshot.h"

struct names;

/* The columns of the live view: of flows, and of groups. */

/* How values are shown. */
struct show {
	bool bits;  /* rates in bits, else bytes, per second */
	bool utf8;  /* else ASCII */
	struct names *names; /* borrowed; NULL: numbers */
	const char *by;      /* of the kind */
	const struct history *history; /* borrowed */
	uint64_t now_ms; /* of the collector's clock */
	uint64_t now_boot_ns;
};

#define CELL_SIZE 320

struct cell {
	char text[CELL_SIZE];
	enum look look;
};

struct column {
	const char *title;  /* NULL: the kind's key_title */
	const char *order;  /* what /api/v1/top sorts by; NULL: it cannot */
	bool is_descending; /* at first: the greatest are wanted */
	bool is_right;      /* numbers */
	bool has_port;      /* the end of its text outlives a cut */
	unsigned rank, least, most;
	/* Writes cell->text; its look is LOOK_PLAIN before. width: what it will have, of a
	 * sparkline. */
	void (*put)(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		    unsigned width);
};

/* What rows can be. */
struct kind {
	const char *by;    /* of /api/v1/top */
	const char *title; /* for a person */
	const char *key_title; /* of its first column; NULL: of flows */
	const struct column *column;
	size_t count;
};

#define KINDS 8
extern const struct kind kind_table[KINDS]; /* flows first */

/* The column of that order, or -ENOENT. */
int kind_column(const struct kind *kind, const char *order);
/* The filter that chooses what a group's row stands for, into ret; NULL, or the sentence
 * that says why none can. */
const char *kind_filter(char *ret, size_t size, const struct kind *kind, const char *key);

/* "1.2M" of a rate in bits per second, as show wants it; "-" where it is absent. */
void show_rate(char ret[32], const struct show *show, uint64_t bps);
void show_bytes(char ret[32], uint64_t bytes);
void show_rtt(char ret[32], uint64_t us);
/* "address:port", with names where they are known. */
void show_end(char ret[CELL_SIZE], const struct show *show, const char *proto,
	      const struct addr *addr, uint16_t port, bool has_port);

#endif
