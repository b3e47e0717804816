/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_OUTBOX_IMPL_H
#define WEIR_SINK_OUTBOX_IMPL_H

/* The inside of an outbox, shared by its own files only:
 *   outbox.c       the collector's side: the queue
 *   outbox_work.c  the thread: batches, the spool, waiting
 *   outbox_try.c   one try, and what becomes of records
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "flow/pool.h"
#include "sink/outbox.h"
#include "sink/pack.h"

struct spool;
struct why;

#define BLOCK_BYTES 65536

struct block {
	uint32_t next_plus_1; /* in the queue */
	uint32_t used;        /* bytes */
	uint32_t records;
	uint32_t pad;
	char bytes[BLOCK_BYTES - 16];
};

struct outbox {
	char name[SINK_NAME_SIZE];
	struct settings_sink settings;
	struct sink *sink;     /* owned */
	struct filter *filter; /* owned */
	uint32_t events;
	int closed_fd; /* owned */
	pthread_t thread;
	bool started, joined;

	/* the thread's */
	struct log_limit failed, rejected;
	struct spool *spool; /* owned; NULL: none */
	struct pack pack;    /* the batch that is made or tried */
	struct batch batch;
	size_t window;       /* so many of it go at once: a receiver has limits; 0: all */
	bool is_encoded;     /* batch holds the first `window` of pack */
	bool is_head;        /* pack is the spool's head */
	struct pack rest;    /* what is left of the spool's head after a try that took a part */
	size_t rest_window;
	uint64_t head_settled; /* records of the spool's head that are not in rest */
	uint64_t settled_and_dropped, spool_lost, expired; /* records: for the stats */
	bool is_spooling;    /* new batches go to the spool: it has older ones */
	bool spool_failed;   /* that was said */
	unsigned tries;      /* failures in a row */
	bool is_parked, had_last_chance;
	uint64_t next_try_boot_ns, first_failure_boot_ns, random;
	uint64_t gathered_boot_ns; /* since when there is this batch */
	uint64_t spooled_boot_ns;  /* when the queue was last brought to the disk */

	/* the collector's */
	struct block *filling;  /* not in the queue */
	uint64_t last_wall_ns;  /* of the records pushed, if their times are to rise */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work, room;
	struct pool blocks;
	uint32_t first_plus_1, last_plus_1; /* the queue */
	uint32_t queued_blocks;
	bool held, stop, closed, reopen, done;
	uint64_t deadline_boot_ns; /* after stop */
	struct outbox_stats stats;
};

static inline struct block *block_at(struct outbox *outbox, uint32_t slot_plus_1)
{
	return pool_at(&outbox->blocks, slot_plus_1 - 1);
}

static inline uint32_t block_slot(const struct outbox *outbox, const struct block *block)
{
	return (uint32_t)(((const char *)block - outbox->blocks.memory) / sizeof(*block));
}

/* Opens the spool, if there is to be one: what an earlier run has left is delivered
 * first. */
int outbox_open_spool(struct outbox *outbox, struct why *why);
/* The thread; context is the outbox. */
void *outbox_work(void *context);
/* One delivery of (a part of) the batch. True: go on at once. */
bool outbox_try(struct outbox *outbox);
/* So many of the batch's records are settled: queued or spooled less, *fate more. */
void outbox_count(struct outbox *outbox, uint64_t *fate, size_t n);
/* Nobody reads any more, or the time to end has come; context is the outbox. */
bool outbox_is_given_up(void *context);
/* With the lock held: until the condition is signalled, ns at most. */
void outbox_wait(struct outbox *outbox, pthread_cond_t *cond, uint64_t ns);

#endif
