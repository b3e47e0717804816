// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox, the thread's side: makes batches, and has them tried (outbox_try.c)
 * or spooled.
 *
 * While all is well a batch goes from the queue to the receiver. From the first
 * failure on, where there is a spool, batches go there as they close and are tried
 * from there, oldest first, until it is empty again: what has been taken then waits
 * on disk and not in memory. Invariant, under the lock: taken + replayed =
 * delivered + dropped (but full) + queued + spooled.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "sink/outbox_impl.h"
#include "sink/packed.h"
#include "sink/spool.h"

#define FOREVER_NS (3600 * NUM_NS_PER_S)
/* How long at most something that has no spool to go to waits for a look at whether
 * the time is up. */
#define LOOK_NS NUM_NS_PER_S

enum gathered { GATHERED_NOTHING, GATHERED_BATCH, GATHERED_END };

/* --- counting ----------------------------------------------------------------- */

/* What the spool has counted, into the outbox's stats, and `moved` records more of which
 * were queued. Of its head some records may be settled already. */
static void count_spool(struct outbox *outbox, size_t moved)
{
	struct spool_stats spool;

	spool_stats(outbox->spool, &spool);
	if (outbox->head_settled && !spool_has_head(outbox->spool)) {
		/* it had to make place, all of it, also what had been delivered */
		outbox->settled_and_dropped += outbox->head_settled;
		outbox->head_settled = 0;
		pack_clear(&outbox->rest);
	}
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.queued -= moved;
	outbox->stats.spooled = spool.records - outbox->head_settled;
	outbox->stats.spooled_bytes = spool.bytes;
	outbox->stats.dropped_spool = spool.dropped_full + spool.dropped_damaged +
				      outbox->spool_lost - outbox->settled_and_dropped;
	outbox->stats.dropped_expired = spool.dropped_expired + outbox->expired;
	pthread_mutex_unlock(&outbox->lock);
}

/* --- the queue ------------------------------------------------------------------- */

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

/* With the lock held: the next block off the queue, or NULL. */
static struct block *take_block(struct outbox *outbox)
{
	struct block *block;

	if (!outbox->first_plus_1)
		return NULL;
	block = block_at(outbox, outbox->first_plus_1);
	outbox->first_plus_1 = block->next_plus_1;
	if (!outbox->first_plus_1)
		outbox->last_plus_1 = 0;
	outbox->queued_blocks--;
	return block;
}

static void give_block(struct outbox *outbox, struct block *block)
{
	pthread_mutex_lock(&outbox->lock);
	pool_give(&outbox->blocks, block_slot(outbox, block));
	pthread_cond_signal(&outbox->room);
	pthread_mutex_unlock(&outbox->lock);
}

/* --- batches --------------------------------------------------------------------- */

/* Adds the block's records to the batch, encoded as well if it goes out at once. */
static void add_block(struct outbox *outbox, const struct block *block)
{
	const struct sink_ops *ops = outbox->sink->ops;
	struct record record;
	uint32_t at = 0, lost = 0;
	size_t n;

	while (at < block->used) {
		n = packed_get(&record, block->bytes + at);
		if (pack_add(&outbox->pack, block->bytes + at, n) < 0)
			lost++;
		else if (!outbox->is_spooling)
			ops->encode(outbox->sink, &outbox->batch.bytes, &record, 1);
		at += (uint32_t)n;
	}
	if (lost) {
		pthread_mutex_lock(&outbox->lock);
		outbox->stats.queued -= lost;
		outbox->stats.dropped_rejected += lost;
		pthread_mutex_unlock(&outbox->lock);
	}
}

static bool is_full(const struct outbox *outbox)
{
	const struct settings_sink *settings = &outbox->settings;

	return outbox->pack.count >= settings->batch_records ||
	       outbox->batch.bytes.len >= settings->batch_bytes ||
	       outbox->pack.raw.len >= 4 * settings->batch_bytes;
}

static void clear_batch(struct outbox *outbox)
{
	pack_clear(&outbox->pack);
	buf_clear(&outbox->batch.bytes);
	outbox->batch.done = 0;
	outbox->is_encoded = outbox->is_head = false;
	outbox->window = 0;
}

/* Fills the batch from the queue until it is full or its age is reached (at_once: until
 * the queue is empty), or until until_boot_ns has come while it is empty. */
static enum gathered gather(struct outbox *outbox, uint64_t until_boot_ns, bool at_once)
{
	uint64_t now, age_ends = 0;
	struct block *block;
	bool stop;

	for (;;) {
		pthread_mutex_lock(&outbox->lock);
		reopen_if_wanted(outbox);
		block = take_block(outbox);
		now = clock_boot_ns();
		stop = outbox->stop || outbox->closed;
		if (!block && !stop && !(outbox->pack.count && (at_once || now >= age_ends)) &&
		    (outbox->pack.count || now < until_boot_ns)) {
			outbox_wait(outbox, &outbox->work,
				    (outbox->pack.count ? age_ends : until_boot_ns) - now);
			pthread_mutex_unlock(&outbox->lock);
			continue;
		}
		pthread_mutex_unlock(&outbox->lock);
		if (!block)
			break;
		if (!outbox->pack.count) {
			outbox->gathered_boot_ns = now;
			age_ends = now + outbox->settings.batch_age_ns;
		}
		add_block(outbox, block);
		give_block(outbox, block);
		if (is_full(outbox))
			break;
	}
	if (!outbox->pack.count)
		return stop ? GATHERED_END : GATHERED_NOTHING;
	if (!outbox->is_spooling && outbox->sink->ops->finish)
		outbox->sink->ops->finish(outbox->sink, &outbox->batch.bytes);
	outbox->is_encoded = !outbox->is_spooling;
	return GATHERED_BATCH;
}

/* --- the spool --------------------------------------------------------------------- */

/* The batch goes to the disk. False: it could not, and stays. */
static bool spool(struct outbox *outbox)
{
	const size_t n = outbox->pack.count;
	int r;

	r = spool_append(outbox->spool, &outbox->pack.raw, n, clock_wall_ns());
	if (r < 0) {
		if (!outbox->spool_failed)
			log_error("sink %s: spool %s: %s; records are kept in memory as far as "
				  "there is room", outbox->name, outbox->settings.spool_path,
				  strerror(-r));
		outbox->spool_failed = true;
		return false;
	}
	outbox->spool_failed = false;
	outbox->is_spooling = true;
	outbox->spooled_boot_ns = clock_boot_ns();
	count_spool(outbox, n);
	clear_batch(outbox);
	return true;
}

/* The spool's oldest batch, or what is left of it since the last try. */
static bool take_head(struct outbox *outbox)
{
	clear_batch(outbox);
	if (outbox->rest.count) {
		const struct pack empty = outbox->pack;

		outbox->pack = outbox->rest;
		outbox->rest = empty;
		outbox->window = outbox->rest_window;
	} else {
		outbox->pack.count = spool_head(outbox->spool, &outbox->pack.raw,
						clock_wall_ns());
		outbox->head_settled = 0;
	}
	outbox->is_head = outbox->pack.count > 0;
	count_spool(outbox, 0);
	return outbox->is_head;
}

/* Tries the spool's oldest batch. */
static void replay(struct outbox *outbox)
{
	if (!take_head(outbox)) {
		outbox->is_spooling = !spool_is_empty(outbox->spool);
		if (outbox->is_spooling) /* for want of memory or a descriptor */
			outbox->next_try_boot_ns = clock_boot_ns() + NUM_NS_PER_S;
		return;
	}
	while (outbox->pack.count && outbox_try(outbox))
		;
	if (!outbox->pack.count) {
		spool_advance(outbox->spool);
		outbox->head_settled = 0;
		outbox->is_spooling = !spool_is_empty(outbox->spool);
	} else if (outbox->head_settled) {
		const struct pack empty = outbox->rest;

		outbox->rest = outbox->pack;
		outbox->rest_window = outbox->window;
		outbox->pack = empty;
	}
	clear_batch(outbox);
	count_spool(outbox, 0);
}

/* --- the loop ---------------------------------------------------------------------- */

/* What is left when the time is up. */
static void drop_rest(struct outbox *outbox)
{
	uint64_t *fate = &outbox->stats.dropped_closed;
	size_t lost = 0;

	do {
		if (outbox->pack.count && outbox->spool && !outbox->closed && spool(outbox))
			continue;
		if (outbox->spool && outbox->spool_failed) {
			outbox->spool_lost += outbox->pack.count;
			fate = &outbox->stats.dropped_spool;
		}
		lost += outbox->pack.count;
		outbox_count(outbox, fate, outbox->pack.count);
		clear_batch(outbox);
	} while (gather(outbox, 0, true) == GATHERED_BATCH);
	if (lost && !outbox->closed)
		log_warn("sink %s: %zu records were not delivered when the time was up, and are "
			 "lost", outbox->name, lost);
	if (outbox->spool && !spool_is_empty(outbox->spool))
		log_info("sink %s: what the spool has is delivered after the next start",
			 outbox->name);
}

static bool is_expired(const struct outbox *outbox)
{
	/* half a line is not left in a file */
	return outbox->settings.give_up_ns && outbox->tries && !outbox->batch.done &&
	       clock_boot_ns() - outbox->gathered_boot_ns > outbox->settings.give_up_ns;
}

static bool is_stopping(struct outbox *outbox)
{
	bool stopping;

	pthread_mutex_lock(&outbox->lock);
	stopping = outbox->stop || outbox->closed;
	pthread_mutex_unlock(&outbox->lock);
	return stopping;
}

/* Once, when the end has come: what waits for its next try gets it now. */
static bool is_last_chance(struct outbox *outbox)
{
	const bool is_last = !outbox->had_last_chance && is_stopping(outbox);

	outbox->had_last_chance |= is_last;
	return is_last;
}

/* A batch that could not be delivered, and no spool takes it: waits, tries. */
static void insist(struct outbox *outbox)
{
	uint64_t now;

	while (outbox->pack.count && !outbox_is_given_up(outbox)) {
		if (clock_boot_ns() >= outbox->next_try_boot_ns || is_last_chance(outbox)) {
			outbox_try(outbox);
			continue;
		}
		if (outbox->spool && spool(outbox))
			return;
		if (is_expired(outbox)) {
			outbox->expired += outbox->pack.count;
			outbox_count(outbox, &outbox->stats.dropped_expired, outbox->pack.count);
			clear_batch(outbox);
			return;
		}
		now = clock_boot_ns();
		pthread_mutex_lock(&outbox->lock);
		reopen_if_wanted(outbox);
		if (now < outbox->next_try_boot_ns)
			outbox_wait(outbox, &outbox->work,
				    clock_earlier(outbox->next_try_boot_ns - now, LOOK_NS));
		pthread_mutex_unlock(&outbox->lock);
	}
}

/* The receiver is slower than what comes, and there is room on disk. */
static bool is_crowded(struct outbox *outbox)
{
	bool is_crowded;

	pthread_mutex_lock(&outbox->lock);
	is_crowded = outbox->queued_blocks > outbox->blocks.capacity / 2;
	pthread_mutex_unlock(&outbox->lock);
	return is_crowded;
}

/* The batch goes to the disk, and more while the queue is crowded; what finds no room
 * there is tried out of order, but not lost. */
static void spool_queue(struct outbox *outbox)
{
	do {
		if (!spool(outbox))
			insist(outbox);
		if (outbox_is_given_up(outbox))
			return; /* with what is left */
		clear_batch(outbox);
	} while (is_crowded(outbox) && gather(outbox, 0, true) == GATHERED_BATCH);
}

/* The spool has older batches. While the receiver may be asked they are delivered, one
 * after the other; what comes meanwhile follows them to the disk once a batch's age. */
static bool round_of_spool(struct outbox *outbox)
{
	uint64_t now = clock_boot_ns();
	const bool may_ask = now >= outbox->next_try_boot_ns;
	enum gathered gathered;
	bool is_due;

	if (may_ask)
		replay(outbox);
	is_due = now - outbox->spooled_boot_ns >= outbox->settings.batch_age_ns;
	if (may_ask && !is_due && !is_crowded(outbox) && !is_stopping(outbox))
		return true;
	gathered = gather(outbox, may_ask ? 0 : outbox->next_try_boot_ns, may_ask);
	if (gathered == GATHERED_BATCH && outbox->is_spooling)
		spool_queue(outbox);
	else if (gathered == GATHERED_BATCH) /* the last one has just been delivered */
		insist(outbox);
	if (gathered == GATHERED_NOTHING && may_ask)
		outbox->spooled_boot_ns = now;
	return gathered != GATHERED_END;
}

/* One round; false: it is the end. */
static bool round_of(struct outbox *outbox)
{
	if (outbox->spool && !outbox->is_spooling)
		outbox->is_spooling = is_crowded(outbox);
	if (outbox->is_spooling)
		return round_of_spool(outbox);
	switch (gather(outbox, clock_boot_ns() + FOREVER_NS,
		       outbox->settings.type == SINK_FILE)) {
	case GATHERED_END:
		return false;
	case GATHERED_BATCH:
		if (clock_boot_ns() >= outbox->next_try_boot_ns)
			while (outbox->pack.count && outbox_try(outbox))
				;
		insist(outbox);
		break;
	case GATHERED_NOTHING:
		break;
	}
	if (!outbox_is_given_up(outbox)) /* else what is left is counted */
		clear_batch(outbox);
	return true;
}

/* Until the outbox that this one replaces is done with the spool. */
static void await_release(struct outbox *outbox)
{
	struct why why = { "" };
	bool was_held, is_idle;

	pthread_mutex_lock(&outbox->lock);
	was_held = outbox->held;
	while (outbox->held)
		outbox_wait(outbox, &outbox->work, FOREVER_NS);
	/* one that was made in vain: the one before it has its spool still */
	is_idle = outbox->stop && !outbox->first_plus_1;
	pthread_mutex_unlock(&outbox->lock);
	if (was_held && !is_idle && outbox_open_spool(outbox, &why) < 0)
		log_error("sink %s: %s; it goes on without", outbox->name, why.text);
}

void *outbox_work(void *context)
{
	struct outbox *outbox = context;

	await_release(outbox);
	if (outbox->spool) {
		outbox->is_spooling = !spool_is_empty(outbox->spool);
		count_spool(outbox, 0);
	}
	while (!outbox_is_given_up(outbox) && round_of(outbox))
		;
	drop_rest(outbox);
	pack_fini(&outbox->pack);
	pack_fini(&outbox->rest);
	buf_fini(&outbox->batch.bytes);
	free(outbox->batch.fate);
	pthread_mutex_lock(&outbox->lock);
	outbox->done = true;
	pthread_mutex_unlock(&outbox->lock);
	return NULL;
}
