/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVE_SORT_H
#define WEIR_SERVE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/record.h"

struct why;

/* The best N records by one field, as keys: a bounded heap whose root is the
 * worst that is kept. */
struct sort;

struct sort_row {
	uint8_t key[16]; /* bytewise order is the wanted order */
	uint64_t flow_id;
	uint32_t cursor; /* for table_next */
};

/* order: FIELD or -FIELD (descending), also bytes, packets, rate, duration, pid,
 * comm, retransmit_percent (of the segments of the socket that retransmitted) and every
 * column of the table by its name or title. limit 0: all. -EINVAL with the nearest name. */
int sort_new(struct sort **ret, const char *order, uint64_t limit, struct why *why);
/* The same of rows that are no records: their keys are the caller's. -ENOMEM. */
int sort_new_keyed(struct sort **ret, bool descending, uint64_t limit);
/* A part of a whole as a number to sort by; of nothing 0. */
uint64_t sort_share(uint64_t part, uint64_t whole);
/* key: bytewise order is the ascending order; NULL: the last, both ways. */
void sort_offer_key(struct sort *sort, const uint8_t key[16], uint32_t cursor);
/* A number as the half of a key. */
void sort_put_number(uint8_t at[8], uint64_t value);
void sort_free(struct sort *sort); /* NULL is a no-op */
void sort_offer(struct sort *sort, const struct record *record, uint32_t cursor);
/* No more is offered: puts up to n rows into their place; true once all are. */
bool sort_finish(struct sort *sort, size_t n);
/* The i-th row after sort_finish; false past the last. */
bool sort_row(const struct sort *sort, size_t i, struct sort_row *ret);

#endif
