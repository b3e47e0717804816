// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox, the collector's side: the bounded queue.
 *
 * The collector fills a block of packed records that it owns; a flush hands
 * the block to the thread. Blocks come from a pool that is mapped at start and
 * used last in first out, so that a quiet sink lives in one or two of them.
 * What the thread does with them: outbox_work.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "flow/pool.h"
#include "sink/outbox_impl.h"
#include "sink/packed.h"
#include "sink/spool.h"

#define ROOM_LOOK_NS 100000000ULL

const uint64_t outbox_request_bounds_ns[OUTBOX_REQUEST_BUCKETS] = {
	1000000ULL,   2000000ULL,   5000000ULL,	  10000000ULL,	20000000ULL,
	50000000ULL,  100000000ULL, 1000000000ULL, 5000000000ULL, 10000000000ULL,
};

static int start_thread(struct outbox *outbox, struct why *why)
{
	sigset_t all, before;
	int r;

	/* signals are the collector's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&outbox->thread, NULL, outbox_work, outbox);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return why_set(why, -r, "sink %s: no thread: %s", outbox->name, strerror(r));
	outbox->started = true;
	return 0;
}

/* Waits are for a time from now, whatever happens to the wall clock. */
static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

int outbox_open_spool(struct outbox *outbox, struct why *why)
{
	struct spool_stats stats;
	int r;

	if (!outbox->settings.spool_path[0])
		return 0;
	r = spool_open(&outbox->spool, &outbox->settings, why);
	if (r < 0)
		return r;
	spool_stats(outbox->spool, &stats);
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.replayed = outbox->stats.spooled = stats.records;
	outbox->stats.spooled_bytes = stats.bytes;
	pthread_mutex_unlock(&outbox->lock);
	if (stats.was_killed)
		log_warn("sink %s: the last run did not end in order: what it had neither "
			 "delivered nor spooled, its last batch, is missing", outbox->name);
	if (stats.had_torn_tail)
		log_warn("sink %s: the spool ended in the middle of a batch, which is missing",
			 outbox->name);
	if (stats.records)
		log_info("sink %s: %" PRIu64 " records are in the spool and come first",
			 outbox->name, stats.records);
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
	outbox->settings = *settings;
	outbox->filter = conf->filter;
	outbox->events = settings->events;
	outbox->held = conf->held;
	outbox->random = hash_seed_random();
	outbox->stats.up = true;
	outbox->stats.queue_bytes_max = settings->queue_bytes;
	memcpy(outbox->name, settings->name, sizeof(outbox->name));
	memcpy(outbox->stats.name, outbox->name, sizeof(outbox->name));
	pthread_mutex_init(&outbox->lock, NULL);
	init_cond(&outbox->work);
	init_cond(&outbox->room);

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
	/* one that is held gets it from the one before */
	r = conf->held ? 0 : outbox_open_spool(outbox, why);
	if (r == 0)
		r = start_thread(outbox, why);
	if (r < 0)
		goto fail;
	*ret = outbox;
	return 0;
fail:
	outbox_free(outbox);
	return r;
}

void outbox_wait(struct outbox *outbox, pthread_cond_t *cond, uint64_t ns)
{
	const uint64_t until_ns = clock_mono_ns() + ns;
	const struct timespec until = { .tv_sec = (time_t)(until_ns / NUM_NS_PER_S),
					.tv_nsec = (long)(until_ns % NUM_NS_PER_S) };

	pthread_cond_timedwait(cond, &outbox->lock, &until);
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
		outbox_wait(outbox, &outbox->room, ROOM_LOOK_NS);
	}
	pthread_mutex_unlock(&outbox->lock);
	if (slot == POOL_NONE)
		return false;
	outbox->filling = pool_at(&outbox->blocks, slot);
	outbox->filling->used = outbox->filling->records = outbox->filling->next_plus_1 = 0;
	return true;
}

/* In a database of points, equal times of one series take each other's place. So that
 * a batch that is encoded again, also by the next run, has the same times, they are made
 * to rise before it is stored. A clock that was set back begins anew. */
static uint64_t rising_time(struct outbox *outbox, uint64_t wall_ns)
{
	if (wall_ns <= outbox->last_wall_ns && outbox->last_wall_ns - wall_ns < NUM_NS_PER_S)
		wall_ns = outbox->last_wall_ns + 1;
	outbox->last_wall_ns = wall_ns;
	return wall_ns;
}

enum outbox_fate outbox_push(struct outbox *outbox, const struct record *record,
			     uint64_t wait_until_boot_ns)
{
	const size_t n = packed_size(record);
	uint64_t wall_ns;
	char *at;

	if (!(outbox->events >> record->event & 1) || !filter_match(outbox->filter, record))
		return OUTBOX_SKIPPED;
	if (!fill_begin(outbox, n, wait_until_boot_ns)) {
		/* only the collector writes these */
		outbox->stats.dropped_full++;
		outbox->stats.dropped_full_ends += record->event == EVENT_END;
		return OUTBOX_DROPPED;
	}
	at = outbox->filling->bytes + outbox->filling->used;
	outbox->filling->used += (uint32_t)packed_put(at, record);
	if (outbox->settings.type == SINK_INFLUXDB) {
		wall_ns = rising_time(outbox, record->time_wall_ns);
		memcpy(at + offsetof(struct record, time_wall_ns), &wall_ns, sizeof(wall_ns));
	}
	outbox->filling->records++;
	outbox->stats.taken_ends += record->event == EVENT_END;
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
	outbox->queued_blocks++;
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
	spool_close(outbox->spool);
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
	ret->queued_bytes = (uint64_t)outbox->queued_blocks * sizeof(struct block);
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
