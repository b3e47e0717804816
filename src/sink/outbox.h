/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_OUTBOX_H
#define WEIR_SINK_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink/sink.h"

struct why;
struct filter;

/* A sink with its queue and its thread. The collector puts copies of records
 * in and never waits; a sink that is stuck costs its own queue, and what found
 * no room is counted. */
struct outbox;

struct outbox_conf {
	const struct sink_ops *ops;
	struct sink_conf sink;
	struct filter *filter; /* given away; NULL: everything */
	uint32_t events;       /* bit per enum event; 0: all */
	size_t queue_bytes;    /* bound of the queue; 0: 32 MiB */
};

struct outbox_stats {
	char name[32];
	uint64_t taken, delivered, queued; /* records */
	uint64_t dropped_full;             /* no room */
	uint64_t dropped_rejected;         /* the sink cannot take it */
	uint64_t dropped_closed;           /* nobody reads any more, or the deadline passed */
};

enum outbox_fate { OUTBOX_TAKEN, OUTBOX_SKIPPED, OUTBOX_DROPPED };

/* Opens the sink and starts its thread. */
int outbox_new(struct outbox **ret, const struct outbox_conf *conf, struct why *why);
/* Delivers what is queued until deadline_boot_ns, then drops it, counted; ends
 * the thread. The stats stay readable until outbox_free. */
void outbox_drain(struct outbox *outbox, uint64_t deadline_boot_ns);
void outbox_free(struct outbox *outbox); /* drains at once; NULL is a no-op */

/* Copies the record into the queue, unless events or filter say no. With `wait`
 * (at shutdown) room is waited for, until the sink is closed or the deadline. */
enum outbox_fate outbox_push(struct outbox *outbox, const struct record *record,
			     uint64_t wait_until_boot_ns);
/* Lets the thread see what was pushed: once per turn of the loop. */
void outbox_flush(struct outbox *outbox);

/* What outbox_push takes: bit per enum event. */
uint32_t outbox_events(const struct outbox *outbox);
void outbox_stats(struct outbox *outbox, struct outbox_stats *ret);
/* Readable once nobody reads the sink's output any more (EPIPE). */
int outbox_closed_fd(const struct outbox *outbox);

#endif
