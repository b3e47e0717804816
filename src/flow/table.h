/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_TABLE_H
#define WEIR_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/curve.h"
#include "flow/obs.h"
#include "flow/record.h"

struct why;

/* The only memory of flows: observations in, records out. All memory is mapped
 * in table_new and touched as flows come; observing never allocates. Time is
 * an argument. One thread. */
struct table;

struct table_conf {
	uint32_t max_flows;   /* live flows; further ones are refused and counted */
	uint32_t max_sockets; /* sockets that may be attached to flows */
	uint64_t refresh_ns;  /* how long a first or closing record waits for fresh counters */
	struct curve curve;
	uint64_t index_seed;  /* hash_seed_random() */
	uint64_t boot_seed;   /* makes flow ids; the same until the host reboots */
	uint64_t started_wall_ns; /* flows that began earlier are baseline */
	int64_t wall_minus_boot_ns;
	bool sockets_only;    /* no conntrack source: TCP sockets are flows at once */
	struct record_outlet out;
};

/* Why a flow is not exported in full. */
enum lost { LOST_TABLE_FULL, LOST_OUTBOX_FULL, LOST_REASONS };
extern const char *const lost_names[LOST_REASONS + 1];

/* One bucket per protocol group and direction for what table_full refused. */
enum overflow_proto { OVERFLOW_TCP, OVERFLOW_UDP, OVERFLOW_ICMP, OVERFLOW_OTHER, OVERFLOW_PROTOS };

/* Why a connect failed: a closed set, of its errno. */
enum failure { FAILURE_REFUSED, FAILURE_TIMEOUT, FAILURE_UNREACHABLE, FAILURE_RESET,
	       FAILURE_OTHER, FAILURES };

struct table_stats {
	uint64_t capacity, live, opened, ended; /* flows */
	uint64_t refused_observations;          /* of flows that found no room */
	uint64_t lost_table_full;               /* flows that ended without ever having a row */
	uint64_t inexact_ends;                  /* flows that vanished without their last word */
	uint64_t resets;                        /* totals that went down */
	uint64_t without_counters;              /* live flows that nobody counts */
	uint64_t sockets, sockets_capacity, sockets_refused;
	uint64_t duplicate_closes;
	uint64_t told[EVENT_FAILED + 1]; /* connect, accept, close of sockets, made or not */
	uint64_t failures[FAILURES];     /* connects that failed */
	/* Of all local sockets, since each was first seen. */
	uint64_t segments_sent, segments_retransmitted;
	uint64_t passes_forgotten;              /* over more namespaces than are remembered */
	uint64_t overflow_bytes[OVERFLOW_PROTOS][SIDES], overflow_packets[OVERFLOW_PROTOS][SIDES];
	/* The byte identity: growth = handed over + not yet reported. */
	uint64_t grown_bytes, reported_bytes, unreported_bytes;
	uint64_t memory_bytes; /* mapped, not all touched */
};

int table_new(struct table **ret, const struct table_conf *conf, struct why *why);
void table_free(struct table *table); /* NULL is a no-op */

void table_observe(struct table *table, const struct obs *obs);
/* Emits the records that are due; returns the next deadline (UINT64_MAX: none). */
uint64_t table_advance(struct table *table, uint64_t now_boot_ns);
/* Which events of sockets (bit per enum event) somebody wants: others are not made. All
 * at first. */
void table_want(struct table *table, uint32_t events);
/* How often flows are reported from now on, those that wait for their turn as well: a
 * walk over these. The curve has passed curve_check. */
void table_set_pace(struct table *table, uint64_t refresh_ns, const struct curve *curve);
/* Flows that are live: a number at hand. */
uint64_t table_live(const struct table *table);
/* The clocks drift and step: tell the table now and then. */
void table_set_clock(struct table *table, int64_t wall_minus_boot_ns);
/* A conntrack source came, or the last one went (table_conf). */
void table_set_sockets_only(struct table *table, bool sockets_only);
/* Ends every live flow with end_reason shutdown. */
void table_shutdown(struct table *table, uint64_t now_boot_ns);

/* Visits live flows without stopping the world: *cursor starts at 0, each call
 * fills *ret (as an `update` that takes no delta away) and returns true, or
 * false at the end. Flows may come and go between calls; one that lives
 * throughout is seen exactly once. */
bool table_next(const struct table *table, uint32_t *cursor, uint64_t now_boot_ns,
		struct record *ret);

/* Walks all flows for one of the sums: not for every second. */
void table_stats(const struct table *table, struct table_stats *ret);
/* All but that, unreported_bytes: at hand. */
void table_counts(const struct table *table, struct table_stats *ret);
/* Live flows that nobody counts, as the last passes showed. */
uint64_t table_without_counters(const struct table *table);

#endif
