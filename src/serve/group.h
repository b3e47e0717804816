/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVE_GROUP_H
#define WEIR_SERVE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/record.h"

struct buf;
struct why;

/* Flows added up by what they have in common: process, remote host, port, ... One
 * connection is in one group and counts once. "Out" is what leaves this host's end of it:
 * from the initiator, or from the responder where that is local (or accepted). */
struct groups;

/* The groups there are, for an error's list and a screen's menu; NULL-terminated. */
extern const char *const group_names[];

/* by: one of group_names. order: one of key, flows, rate, rate_out, rate_in, bytes,
 * bytes_out, bytes_in, packets, rtt_us, retransmits, age; with - descending; NULL or empty:
 * -rate. limit: rows at most. -EINVAL with the nearest name, -ENOMEM. */
int groups_new(struct groups **ret, const char *by, const char *order, uint64_t limit,
	       struct why *why);
void groups_free(struct groups *groups); /* NULL is a no-op */
/* is_live: it is one of the group's flows; one that is not lends it its bytes alone. */
void groups_add(struct groups *groups, const struct record *record, bool is_live);
/* Nothing more is added: sorts. */
void groups_finish(struct groups *groups);
/* How many there are, beside those that are shown. */
size_t groups_count(const struct groups *groups);
/* The best ones as elements of a JSON array. */
void groups_json(const struct groups *groups, struct buf *buf);

#endif
