// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox, the thread's side: makes batches, tries to deliver them, and decides
 * what becomes of each record.
 *
 * While all is well a batch goes from the queue to the receiver. From the first
 * failure on, where there is a spool, batches go there as they close and are tried
 * from there, oldest first, until it is empty again: what has been taken then waits
 * on disk and not in memory. Invariant, under the lock: taken + replayed =
 * delivered + dropped (but full) + queued + spooled.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/why.h"
#include "sink/backoff.h"
#include "sink/outbox_impl.h"
#include "sink/packed.h"
#include "sink/spool.h"

/* A sink that fails says so once a minute. */
#define FAILED_LOG_NS (60 * NUM_NS_PER_S)
#define FOREVER_NS (3600 * NUM_NS_PER_S)
/* How long at most something that has no spool to go to waits for a look at whether
 * the time is up. */
#define LOOK_NS (100 * NUM_NS_PER_MS)

/* A disk that is full costs nobody anything to ask again. */
#define FILE_WAIT_NS (200 * NUM_NS_PER_MS)

enum gathered { GATHERED_NOTHING, GATHERED_BATCH, GATHERED_END };

/* --- counting ----------------------------------------------------------------- */

static void count(struct outbox *outbox, uint64_t *fate, size_t n)
{
	pthread_mutex_lock(&outbox->lock);
	if (outbox->is_head) {
		outbox->stats.spooled -= n;
		outbox->head_settled += n;
	} else {
		outbox->stats.queued -= n;
	}
	*fate += n;
	pthread_mutex_unlock(&outbox->lock);
}

static void count_try(struct outbox *outbox, uint64_t took_ns, bool is_taken)
{
	unsigned bucket = 0;

	while (bucket < OUTBOX_REQUEST_BUCKETS && took_ns > outbox_request_bounds_ns[bucket])
		bucket++;
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.requests++;
	outbox->stats.retries += outbox->tries > 0;
	outbox->stats.request_bucket[bucket]++;
	outbox->stats.request_sum_ns += took_ns;
	outbox->stats.up = is_taken;
	if (is_taken)
		outbox->stats.last_success_wall_ns = clock_wall_ns();
	pthread_mutex_unlock(&outbox->lock);
}

/* What the spool has counted, into the outbox's stats. Of its head some records may
 * be settled already. */
static void count_spool(struct outbox *outbox)
{
	struct spool_stats spool;

	spool_stats(outbox->spool, &spool);
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.spooled = spool.records - outbox->head_settled;
	outbox->stats.spooled_bytes = spool.bytes;
	outbox->stats.dropped_spool = spool.dropped_full + spool.dropped_damaged +
				      outbox->spool_lost - outbox->settled_and_dropped;
	outbox->stats.dropped_expired = spool.dropped_expired + outbox->expired;
	pthread_mutex_unlock(&outbox->lock);
}

/* --- the queue ------------------------------------------------------------------- */

static bool is_given_up(void *context)
{
	struct outbox *outbox = context;
	bool given_up;

	pthread_mutex_lock(&outbox->lock);
	given_up = outbox->closed ||
		   (outbox->stop && clock_boot_ns() >= outbox->deadline_boot_ns);
	pthread_mutex_unlock(&outbox->lock);
	return given_up;
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

/* Fills the batch from the queue until it is full or its age is reached, or until
 * until_boot_ns has come while it is empty. */
static enum gathered gather(struct outbox *outbox, uint64_t until_boot_ns)
{
	const bool at_once = outbox->settings.type == SINK_FILE;
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
		if (!outbox->pack.count)
			age_ends = now + outbox->settings.batch_age_ns;
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

/* The first `window` records of the batch as bytes. */
static void encode(struct outbox *outbox)
{
	const size_t n = outbox->window && outbox->window < outbox->pack.count ?
				 outbox->window :
				 outbox->pack.count;
	struct record record;
	size_t at = 0;

	buf_clear(&outbox->batch.bytes);
	outbox->batch.done = 0;
	for (size_t i = 0; i < n; i++) {
		pack_next(&outbox->pack, &at, &record);
		outbox->sink->ops->encode(outbox->sink, &outbox->batch.bytes, &record, 1);
	}
	if (outbox->sink->ops->finish)
		outbox->sink->ops->finish(outbox->sink, &outbox->batch.bytes);
	outbox->is_encoded = true;
}

/* --- fates ----------------------------------------------------------------------- */

/* The first n records of the batch are settled, but for those whose keep is 1. */
static void settle(struct outbox *outbox, uint64_t *fate, size_t n, const uint8_t *keep)
{
	size_t kept = 0;

	for (size_t i = 0; keep && i < n; i++)
		kept += keep[i];
	count(outbox, fate, n - kept);
	pack_drop(&outbox->pack, n, keep);
	outbox->is_encoded = false;
}

static void tell_rejected(struct outbox *outbox, const struct why *why, size_t n)
{
	if (log_limit_allows(&outbox->rejected, clock_boot_ns(), FAILED_LOG_NS))
		log_error("sink %s: %zu records refused for good, for example: %s", outbox->name, n,
			  why->text);
}

/* The receiver took some of the n records and wants others again. */
static void settle_partly(struct outbox *outbox, size_t n, const struct why *why)
{
	uint8_t *fate = outbox->batch.fate;
	size_t rejected = 0, delivered = 0;

	for (size_t i = 0; i < n; i++) {
		rejected += fate[i] == REJECTED;
		delivered += fate[i] == DELIVERED;
		fate[i] = fate[i] != REJECTED && fate[i] != DELIVERED;
	}
	if (rejected)
		tell_rejected(outbox, why, rejected);
	if (delivered) /* it lives */
		outbox->tries = 0;
	count(outbox, &outbox->stats.dropped_rejected, rejected);
	count(outbox, &outbox->stats.delivered, delivered);
	pack_drop(&outbox->pack, n, fate);
	outbox->is_encoded = false;
}

static void close_for_good(struct outbox *outbox)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&outbox->lock);
	if (!outbox->closed && !outbox->stop) {
		const ssize_t n = write(outbox->closed_fd, &one, sizeof(one));

		(void)n; /* an eventfd that is already readable says the same */
	}
	outbox->closed = true;
	pthread_mutex_unlock(&outbox->lock);
}

/* It could not be delivered now. */
static void fail(struct outbox *outbox, enum delivery how, const struct why *why)
{
	const uint64_t now = clock_boot_ns();
	uint64_t wait_ns;

	if (!outbox->tries++)
		outbox->first_failure_boot_ns = now;
	outbox->random = hash_bytes(&outbox->random, sizeof(outbox->random), now);
	wait_ns = how == PARKED ? BACKOFF_PARKED_NS : backoff_ns(outbox->tries, outbox->random);
	if (outbox->batch.retry_after_ns)
		wait_ns = outbox->batch.retry_after_ns < BACKOFF_ASKED_MAX_NS ?
				  outbox->batch.retry_after_ns :
				  BACKOFF_ASKED_MAX_NS;
	if (outbox->settings.type == SINK_FILE && wait_ns > FILE_WAIT_NS)
		wait_ns = FILE_WAIT_NS;
	if (!why->text[0])
		wait_ns = 0; /* a pipe whose reader is slow is no failure: it has waited */
	outbox->next_try_boot_ns = now + wait_ns;
	if (how == PARKED && !outbox->is_parked)
		log_error("sink %s: %s: tried again once a minute", outbox->name, why->text);
	else if (how != PARKED && why->text[0] &&
		 log_limit_allows(&outbox->failed, now, FAILED_LOG_NS))
		log_error("sink %s: %s, trying again%s", outbox->name, why->text,
			  outbox->spool ? "; the spool takes what comes" : "");
	outbox->is_parked = how == PARKED;
}

static void recover(struct outbox *outbox)
{
	char lasted[24];

	if (outbox->tries && outbox->failed.next_boot_ns)
		log_info("sink %s: delivers again, after %s", outbox->name,
			 num_print_duration(lasted, sizeof(lasted),
					    clock_boot_ns() - outbox->first_failure_boot_ns));
	outbox->failed = (struct log_limit){ 0 };
	outbox->tries = 0;
	outbox->is_parked = false;
	outbox->next_try_boot_ns = 0;
}

/* One delivery of (a part of) the batch. True: go on at once. */
static bool try(struct outbox *outbox)
{
	struct batch *batch = &outbox->batch;
	struct why why = { "" };
	enum delivery fate;
	uint64_t began;
	size_t n;

	if (!outbox->is_encoded)
		encode(outbox);
	n = outbox->window && outbox->window < outbox->pack.count ? outbox->window :
								     outbox->pack.count;
	if (batch->bytes.error) {
		settle(outbox, &outbox->stats.dropped_rejected, n, NULL);
		return true;
	}
	free(batch->fate);
	batch->fate = calloc(n, 1); /* DELIVERED */
	batch->count = n;
	batch->retry_after_ns = batch->rejected = 0;
	batch->is_given_up = is_given_up;
	batch->context = outbox;
	began = clock_boot_ns();
	fate = batch->fate ? outbox->sink->ops->deliver(outbox->sink, batch, &why) : RETRY;
	count_try(outbox, clock_boot_ns() - began,
		  fate != RETRY && fate != PARKED && fate != CLOSED);
	switch (fate) {
	case DELIVERED:
		recover(outbox);
		if (batch->rejected > n)
			batch->rejected = n;
		if (batch->rejected) {
			tell_rejected(outbox, &why, batch->rejected);
			settle(outbox, &outbox->stats.dropped_rejected, batch->rejected, NULL);
		}
		settle(outbox, &outbox->stats.delivered, n - batch->rejected, NULL);
		return true;
	case PARTIAL:
		settle_partly(outbox, n, &why);
		if (outbox->pack.count)
			break;
		recover(outbox);
		return true;
	case SPLIT:
		recover(outbox);
		outbox->window = n / 2;
		outbox->is_encoded = false;
		if (n > 1)
			return true;
		outbox->window = 0;
		tell_rejected(outbox, &why, 1);
		settle(outbox, &outbox->stats.dropped_rejected, 1, NULL);
		return true;
	case REJECTED:
		recover(outbox);
		tell_rejected(outbox, &why, n);
		settle(outbox, &outbox->stats.dropped_rejected, n, NULL);
		return true;
	case CLOSED:
		close_for_good(outbox);
		return false;
	case RETRY:
	case PARKED:
		break;
	}
	fail(outbox, fate == PARKED ? PARKED : RETRY, &why);
	return false;
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
	pthread_mutex_lock(&outbox->lock);
	outbox->stats.queued -= n;
	pthread_mutex_unlock(&outbox->lock);
	count_spool(outbox);
	clear_batch(outbox);
	return true;
}

/* The spool's oldest batch, or what is left of it since the last try. */
static bool take_head(struct outbox *outbox)
{
	clear_batch(outbox);
	if (outbox->rest.count && !spool_has_head(outbox->spool)) {
		/* it had to make place, all of it, also what had been delivered */
		outbox->settled_and_dropped += outbox->head_settled;
		outbox->head_settled = 0;
		pack_clear(&outbox->rest);
	}
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
	count_spool(outbox);
	return outbox->is_head;
}

/* Tries the spool's oldest batch. */
static void replay(struct outbox *outbox)
{
	if (!take_head(outbox)) {
		outbox->is_spooling = !spool_is_empty(outbox->spool);
		return;
	}
	while (outbox->pack.count && try(outbox))
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
	count_spool(outbox);
}

/* --- the loop ---------------------------------------------------------------------- */

/* What is left when the time is up. */
static void drop_rest(struct outbox *outbox)
{
	uint64_t *fate = &outbox->stats.dropped_closed;

	do {
		if (outbox->pack.count && outbox->spool && !outbox->closed && spool(outbox))
			continue;
		if (outbox->spool && outbox->spool_failed)
			outbox->spool_lost += outbox->pack.count;
		if (outbox->spool && outbox->spool_failed)
			fate = &outbox->stats.dropped_spool;
		count(outbox, fate, outbox->pack.count);
		clear_batch(outbox);
	} while (gather(outbox, 0) == GATHERED_BATCH);
}

static bool is_expired(const struct outbox *outbox)
{
	/* half a line is not left in a file */
	return outbox->settings.give_up_ns && outbox->tries && !outbox->batch.done &&
	       clock_boot_ns() - outbox->first_failure_boot_ns > outbox->settings.give_up_ns;
}

/* A batch that could not be delivered, and no spool takes it: waits, tries. */
static void insist(struct outbox *outbox)
{
	while (outbox->pack.count && !is_given_up(outbox)) {
		if (clock_boot_ns() >= outbox->next_try_boot_ns) {
			try(outbox);
			continue;
		}
		if (outbox->spool && spool(outbox))
			return;
		if (is_expired(outbox)) {
			outbox->expired += outbox->pack.count;
			count(outbox, &outbox->stats.dropped_expired, outbox->pack.count);
			clear_batch(outbox);
			return;
		}
		pthread_mutex_lock(&outbox->lock);
		reopen_if_wanted(outbox);
		outbox_wait(outbox, &outbox->work, LOOK_NS);
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

/* All that waits in the queue goes to the disk; what finds no room there is tried out
 * of order, but not lost. */
static void spool_queue(struct outbox *outbox)
{
	do {
		if (!spool(outbox))
			insist(outbox);
		if (is_given_up(outbox))
			return; /* with what is left */
		clear_batch(outbox);
	} while (gather(outbox, 0) == GATHERED_BATCH);
}

/* One round; false: it is the end. */
static bool round_of(struct outbox *outbox)
{
	uint64_t until = clock_boot_ns() + FOREVER_NS;
	enum gathered gathered;

	if (outbox->spool && !outbox->is_spooling)
		outbox->is_spooling = is_crowded(outbox);
	if (outbox->is_spooling)
		until = outbox->next_try_boot_ns;
	gathered = gather(outbox, until);
	if (gathered == GATHERED_END)
		return false;
	if (gathered == GATHERED_BATCH && outbox->is_spooling) {
		spool_queue(outbox);
	} else if (gathered == GATHERED_BATCH) {
		while (outbox->pack.count && try(outbox))
			;
		insist(outbox);
	}
	if (is_given_up(outbox))
		return true; /* with what is left */
	clear_batch(outbox);
	if (outbox->is_spooling && clock_boot_ns() >= outbox->next_try_boot_ns)
		replay(outbox);
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
		count_spool(outbox);
	}
	while (!is_given_up(outbox) && round_of(outbox))
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
