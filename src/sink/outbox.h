/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_OUTBOX_H
#define WEIR_SINK_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink/sink.h"

struct why;
struct filter;

#define OUTBOX_REQUEST_BUCKETS 10
extern const uint64_t outbox_request_bounds_ns[OUTBOX_REQUEST_BUCKETS];

/* A sink with its queue and its thread. The collector puts copies of records
 * in and never waits; a sink that is stuck costs its own queue, and what found
 * no room is counted. */
struct outbox;

struct outbox_conf {
	const struct sink_ops *ops;
	struct sink_conf sink; /* its settings are copied */
	struct filter *filter; /* given away; NULL: everything */
	/* Takes records, but neither delivers nor touches its spool before outbox_release:
	 * it replaces one that still has that spool. */
	bool held;
};

/* taken + replayed = delivered + dropped (but full) + queued + spooled, at any time.
 * Records, where nothing else is said. */
struct outbox_stats {
	char name[SINK_NAME_SIZE];
	uint64_t taken, delivered, queued;
	uint64_t spooled;          /* on disk, not yet delivered */
	uint64_t dropped_full;     /* no room; not taken */
	uint64_t dropped_rejected; /* the receiver will never take it */
	uint64_t dropped_closed;   /* nobody reads any more, or the deadline passed */
	uint64_t dropped_expired;  /* not delivered for too long, or too old in the spool */
	uint64_t dropped_spool;    /* the spool is full or its disk failed */
	uint64_t taken_ends, dropped_full_ends; /* of those, the records `end` */
	uint64_t replayed;         /* found in the spool at start; not in taken */
	uint64_t queued_bytes, queue_bytes_max, spooled_bytes;
	uint64_t requests, retries; /* deliveries that were tried; of those, again */
	uint64_t last_success_wall_ns; /* 0: none yet */
	bool up;                       /* the last delivery was taken, or none was tried */
	/* how long deliveries took: counts per bound of outbox_request_bounds_ns, the last
	 * beyond them all; and their sum */
	uint64_t request_bucket[OUTBOX_REQUEST_BUCKETS + 1], request_sum_ns;
};

enum outbox_fate { OUTBOX_TAKEN, OUTBOX_SKIPPED, OUTBOX_DROPPED };

/* Opens the sink and starts its thread. */
int outbox_new(struct outbox **ret, const struct outbox_conf *conf, struct why *why);
/* Delivers what is queued until deadline_boot_ns, then drops it, counted; ends
 * the thread. The stats stay readable until outbox_free. */
void outbox_drain(struct outbox *outbox, uint64_t deadline_boot_ns);
/* The same in two steps, for who must not wait: begins to drain, nothing may be pushed
 * any more; then true once the thread has ended, so that outbox_free does not wait. */
void outbox_stop(struct outbox *outbox, uint64_t deadline_boot_ns);
bool outbox_is_done(struct outbox *outbox);
/* The one before it is done. No-op for what is not held. */
void outbox_release(struct outbox *outbox);
const char *outbox_name(const struct outbox *outbox);
/* SIGHUP: has the sink open its file anew, on its own thread. */
void outbox_reopen(struct outbox *outbox);
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
