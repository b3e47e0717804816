// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox: a sink's bounded queue and its thread.
 *
 * The collector fills a block of packed records that it owns; a flush hands
 * the block to the thread. Blocks come from a pool that is mapped at start and
 * used last in first out, so that a quiet sink lives in one or two of them.
 * Invariant: taken = delivered + dropped (rejected, closed) + queued.
 */
#include "sink/outbox.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "flow/pool.h"
#include "sink/packed.h"

#define BLOCK_BYTES 65536
/* A sink that fails says so once a minute. */
#define FAILED_LOG_NS 60000000000ULL
#define ROOM_LOOK_NS 100000000ULL

const uint64_t outbox_request_bounds_ns[OUTBOX_REQUEST_BUCKETS] = {
	1000000ULL,   2000000ULL,   5000000ULL,	  10000000ULL,	20000000ULL,
	50000000ULL,  100000000ULL, 1000000000ULL, 5000000000ULL, 10000000000ULL,
};

struct block {
	uint32_t next_plus_1; /* in the queue */
	uint32_t used;        /* bytes */
	uint32_t records;
	uint32_t pad;
	char bytes[BLOCK_BYTES - 16];
};

struct outbox {
	char name[SINK_NAME_SIZE];
	struct sink *sink;     /* owned */
	struct filter *filter; /* owned */
	uint32_t events;
	int closed_fd; /* owned */
	pthread_t thread;
	bool started, joined;
	struct log_limit failed; /* the thread's */

	struct block *filling; /* the collector's, not in the queue */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work, room;
	struct pool blocks;
	uint32_t first_plus_1, last_plus_1; /* the queue */
	bool held, stop, closed, reopen, done;
	uint64_t deadline_boot_ns; /* after stop */
	struct outbox_stats stats;
};

static struct block *block_at(struct outbox *outbox, uint32_t slot_plus_1)
{
	return pool_at(&outbox->blocks, slot_plus_1 - 1);
}

static uint32_t block_slot(const struct outbox *outbox, const struct block *block)
{
	return (uint32_t)(((const char *)block - outbox->blocks.memory) / sizeof(*block));
}

/* With the lock held, which it gives up meanwhile. */
static void reopen_if_wanted(struct outbox *outbox)
{
	while (outbox->reopen) {
		outbox->reopen = false;
		pthread_mutex_unlock(&outbox->lock);
		if (outbox->sink->ops->reopen)
			outbox->sink->ops->reopen(outbox->sink);
		pthread_mutex_lock(&outbox->lock);
	}
}

/* The next block of the queue, waiting for one; NULL: stopped and empty. */
static struct block *queue_take(struct outbox *outbox)
{
	struct block *block;

	pthread_mutex_lock(&outbox->lock);
	reopen_if_wanted(outbox);
	while (outbox->held || (!outbox->first_plus_1 && !outbox->stop)) {
		pthread_cond_wait(&outbox->work, &outbox->lock);
		reopen_if_wanted(outbox);
	}
	if (!outbox->first_plus_1) {
		pthread_mutex_unlock(&outbox->lock);
		return NULL;
	}
	block = block_at(outbox, outbox->first_plus_1);
	outbox->first_plus_1 = block->next_plus_1;
	if (!outbox->first_plus_1)
		outbox->last_plus_1 = 0;
	pthread_mutex_unlock(&outbox->lock);
	return block;
}

static bool is_given_up(struct outbox *outbox)
{
	bool given_up;

	pthread_mutex_lock(&outbox->lock);
	given_up = outbox->closed ||
		   (outbox->stop && clock_boot_ns() >= outbox->deadline_boot_ns);
	pthread_mutex_unlock(&outbox->lock);
	return given_up;
}

static void queue_give_back(struct outbox *outbox, struct block *block, enum delivery fate)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.queued -= block->records;
	if (fate == DELIVERED)
		outbox->stats.delivered += block->records;
	else if (fate == REJECTED)
		outbox->stats.dropped_rejected += block->records;
	else
		outbox->stats.dropped_closed += block->records;
	if (fate == CLOSED && !outbox->closed && !outbox->stop) {
		const uint64_t one = 1;
		ssize_t n = write(outbox->closed_fd, &one, sizeof(one));

		(void)n; /* an eventfd that is already readable says the same */
		outbox->closed = true;
	}
	pool_give(&outbox->blocks, block_slot(outbox, block));
	pthread_cond_signal(&outbox->room);
	pthread_mutex_unlock(&outbox->lock);
}

static void tell_failure(struct outbox *outbox, const struct why *why, const char *what)
{
	if (log_limit_allows(&outbox->failed, clock_boot_ns(), FAILED_LOG_NS))
		log_error("sink %s: %s, %s", outbox->name, why->text, what);
}

static enum delivery deliver_block(struct outbox *outbox, const struct block *block,
				   struct batch *batch)
{
	struct record record;
	struct why why = { "" };
	enum delivery fate = RETRY;
	uint32_t at = 0;

	buf_clear(&batch->bytes);
	batch->done = 0;
	while (at < block->used) {
		at += (uint32_t)packed_get(&record, block->bytes + at);
		outbox->sink->ops->encode(outbox->sink, &batch->bytes, &record, 1);
	}
	if (batch->bytes.error)
		return REJECTED;
	while (fate == RETRY) {
		if (is_given_up(outbox))
			return CLOSED;
		pthread_mutex_lock(&outbox->lock);
		reopen_if_wanted(outbox);
		pthread_mutex_unlock(&outbox->lock);
		fate = outbox->sink->ops->deliver(outbox->sink, batch, &why);
		if (fate == RETRY && why.text[0])
			tell_failure(outbox, &why, "trying again");
	}
	if (fate == REJECTED)
		tell_failure(outbox, &why, "records dropped");
	return fate;
}

static void *outbox_thread(void *context)
{
	struct outbox *outbox = context;
	struct block *block;
	struct batch batch = { 0 };

	while ((block = queue_take(outbox)))
		queue_give_back(outbox, block,
				is_given_up(outbox) ? CLOSED : deliver_block(outbox, block, &batch));
	buf_fini(&batch.bytes);
	pthread_mutex_lock(&outbox->lock);
	outbox->done = true;
	pthread_mutex_unlock(&outbox->lock);
	return NULL;
}

static int start_thread(struct outbox *outbox, struct why *why)
{
	sigset_t all, before;
	int r;

	/* signals are the collector's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&outbox->thread, NULL, outbox_thread, outbox);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return why_set(why, -r, "sink %s: no thread: %s", outbox->name, strerror(r));
	outbox->started = true;
	return 0;
}

int outbox_new(struct outbox **ret, const struct outbox_conf *conf, struct why *why)
{
	const struct settings_sink *settings = conf->sink.settings;
	const size_t bytes = settings->queue_bytes;
	struct outbox *outbox = calloc(1, sizeof(*outbox));
	int r;

	if (!outbox) {
		filter_free(conf->filter);
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	}
	outbox->closed_fd = -1;
	outbox->filter = conf->filter;
	outbox->events = settings->events;
	outbox->held = conf->held;
	memcpy(outbox->name, settings->name, sizeof(outbox->name));
	memcpy(outbox->stats.name, outbox->name, sizeof(outbox->name));
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_cond_init(&outbox->work, NULL);
	pthread_cond_init(&outbox->room, NULL);

	/* one to fill, one on its way, one in the queue: below that nothing moves */
	r = pool_init(&outbox->blocks, sizeof(struct block),
		      (uint32_t)(bytes / sizeof(struct block) > 3 ?
					 bytes / sizeof(struct block) : 3));
	if (r < 0) {
		why_set(why, r, "no memory for the queue of sink %s", outbox->name);
		goto fail;
	}
	outbox->closed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (outbox->closed_fd < 0) {
		r = why_set(why, -errno, "eventfd: %s", strerror(errno));
		goto fail;
	}
	r = conf->ops->open(&outbox->sink, &conf->sink, why);
	if (r < 0)
		goto fail;
	r = start_thread(outbox, why);
	if (r < 0)
		goto fail;
	*ret = outbox;
	return 0;
fail:
	outbox_free(outbox);
	return r;
}

/* Room for one more record in outbox->filling; false when there is none. */
static bool fill_begin(struct outbox *outbox, size_t n, uint64_t wait_until_boot_ns)
{
	uint32_t slot;

	if (outbox->filling && outbox->filling->used + n > sizeof(outbox->filling->bytes))
		outbox_flush(outbox);
	if (outbox->filling)
		return true;
	pthread_mutex_lock(&outbox->lock);
	while ((slot = pool_take(&outbox->blocks)) == POOL_NONE && !outbox->closed &&
	       clock_boot_ns() < wait_until_boot_ns) {
		/* a stepped clock costs a look too many or too late, no more */
		const uint64_t until_ns = clock_wall_ns() + ROOM_LOOK_NS;
		const struct timespec until = { .tv_sec = (time_t)(until_ns / NUM_NS_PER_S),
						.tv_nsec = (long)(until_ns % NUM_NS_PER_S) };

		pthread_cond_timedwait(&outbox->room, &outbox->lock, &until);
	}
	pthread_mutex_unlock(&outbox->lock);
	if (slot == POOL_NONE)
		return false;
	outbox->filling = pool_at(&outbox->blocks, slot);
	outbox->filling->used = outbox->filling->records = outbox->filling->next_plus_1 = 0;
	return true;
}

enum outbox_fate outbox_push(struct outbox *outbox, const struct record *record,
			     uint64_t wait_until_boot_ns)
{
	const size_t n = packed_size(record);

	if (!(outbox->events >> record->event & 1) || !filter_match(outbox->filter, record))
		return OUTBOX_SKIPPED;
	if (!fill_begin(outbox, n, wait_until_boot_ns)) {
		outbox->stats.dropped_full++; /* only the collector writes it */
		return OUTBOX_DROPPED;
	}
	outbox->filling->used += (uint32_t)packed_put(
		outbox->filling->bytes + outbox->filling->used, record);
	outbox->filling->records++;
	return OUTBOX_TAKEN;
}

void outbox_flush(struct outbox *outbox)
{
	struct block *block = outbox->filling;

	if (!block)
		return;
	outbox->filling = NULL;
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.taken += block->records;
	outbox->stats.queued += block->records;
	if (outbox->last_plus_1)
		block_at(outbox, outbox->last_plus_1)->next_plus_1 = block_slot(outbox, block) + 1;
	else
		outbox->first_plus_1 = block_slot(outbox, block) + 1;
	outbox->last_plus_1 = block_slot(outbox, block) + 1;
	pthread_cond_signal(&outbox->work);
	pthread_mutex_unlock(&outbox->lock);
}

void outbox_stop(struct outbox *outbox, uint64_t deadline_boot_ns)
{
	outbox_flush(outbox);
	pthread_mutex_lock(&outbox->lock);
	if (!outbox->stop || outbox->deadline_boot_ns > deadline_boot_ns)
		outbox->deadline_boot_ns = deadline_boot_ns;
	outbox->stop = true;
	pthread_cond_signal(&outbox->work);
	pthread_mutex_unlock(&outbox->lock);
}

bool outbox_is_done(struct outbox *outbox)
{
	bool done;

	pthread_mutex_lock(&outbox->lock);
	done = outbox->done || !outbox->started;
	pthread_mutex_unlock(&outbox->lock);
	return done;
}

void outbox_release(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->held = false;
	pthread_cond_signal(&outbox->work);
	pthread_mutex_unlock(&outbox->lock);
}

const char *outbox_name(const struct outbox *outbox)
{
	return outbox->name;
}

void outbox_reopen(struct outbox *outbox)
{
	/* what was pushed before goes into the file before */
	outbox_flush(outbox);
	pthread_mutex_lock(&outbox->lock);
	outbox->reopen = true;
	pthread_cond_signal(&outbox->work);
	pthread_mutex_unlock(&outbox->lock);
}

void outbox_drain(struct outbox *outbox, uint64_t deadline_boot_ns)
{
	if (outbox->joined || !outbox->started)
		return;
	outbox_stop(outbox, deadline_boot_ns);
	outbox_release(outbox);
	pthread_join(outbox->thread, NULL);
	outbox->joined = true;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	outbox_drain(outbox, 0);
	if (outbox->sink)
		outbox->sink->ops->close(outbox->sink);
	filter_free(outbox->filter);
	if (outbox->closed_fd >= 0)
		close(outbox->closed_fd);
	pool_fini(&outbox->blocks);
	pthread_cond_destroy(&outbox->room);
	pthread_cond_destroy(&outbox->work);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}

uint32_t outbox_events(const struct outbox *outbox)
{
	return outbox->events;
}

void outbox_stats(struct outbox *outbox, struct outbox_stats *ret)
{
	pthread_mutex_lock(&outbox->lock);
	*ret = outbox->stats;
	pthread_mutex_unlock(&outbox->lock);
	if (outbox->filling) {
		ret->taken += outbox->filling->records;
		ret->queued += outbox->filling->records;
	}
}

int outbox_closed_fd(const struct outbox *outbox)
{
	return outbox->closed_fd;
}
