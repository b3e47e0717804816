// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox, one try: a batch is encoded and given to the sink, and what the
 * receiver answers decides what becomes of each record.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/why.h"
#include "sink/backoff.h"
#include "sink/outbox_impl.h"

/* A sink that fails says so once a minute. */
#define FAILED_LOG_NS (60 * NUM_NS_PER_S)
/* A disk that is full costs nobody anything to ask again. */
#define FILE_WAIT_NS (200 * NUM_NS_PER_MS)

void outbox_count(struct outbox *outbox, uint64_t *fate, size_t n)
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

bool outbox_is_given_up(void *context)
{
	struct outbox *outbox = context;
	bool given_up;

	pthread_mutex_lock(&outbox->lock);
	given_up = outbox->closed ||
		   (outbox->stop && clock_boot_ns() >= outbox->deadline_boot_ns);
	pthread_mutex_unlock(&outbox->lock);
	return given_up;
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

/* The first n records of the batch are settled. */
static void settle(struct outbox *outbox, uint64_t *fate, size_t n)
{
	outbox_count(outbox, fate, n);
	pack_drop(&outbox->pack, n, NULL);
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
	outbox_count(outbox, &outbox->stats.dropped_rejected, rejected);
	outbox_count(outbox, &outbox->stats.delivered, delivered);
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
	/* a pipe whose reader is slow is no failure, says nothing, and has waited */
	if (outbox->settings.type == SINK_FILE)
		wait_ns = why->text[0] ? clock_earlier(wait_ns, FILE_WAIT_NS) : 0;
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

	if (outbox->tries && (outbox->failed.next_boot_ns || outbox->is_parked))
		log_info("sink %s: delivers again, after %s", outbox->name,
			 num_print_duration(lasted, sizeof(lasted),
					    clock_boot_ns() - outbox->first_failure_boot_ns));
	outbox->failed = (struct log_limit){ 0 };
	outbox->tries = 0;
	outbox->is_parked = false;
	outbox->next_try_boot_ns = 0;
}

bool outbox_try(struct outbox *outbox)
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
		settle(outbox, &outbox->stats.dropped_rejected, n);
		return true;
	}
	free(batch->fate);
	batch->fate = calloc(n, 1); /* DELIVERED */
	batch->count = n;
	batch->retry_after_ns = batch->rejected = 0;
	batch->is_given_up = outbox_is_given_up;
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
			settle(outbox, &outbox->stats.dropped_rejected, batch->rejected);
		}
		settle(outbox, &outbox->stats.delivered, n - batch->rejected);
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
		settle(outbox, &outbox->stats.dropped_rejected, 1);
		return true;
	case REJECTED:
		recover(outbox);
		tell_rejected(outbox, &why, n);
		settle(outbox, &outbox->stats.dropped_rejected, n);
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

