// SPDX-License-Identifier: Apache-2.0
/* The receiver of the delivery tests: a sink that is a script. */
#include "receiver.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "flow/record.h"

struct receiver receiver;

struct scripted {
	struct sink sink;
};

static int scripted_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	struct scripted *scripted = calloc(1, sizeof(*scripted));

	assert_non_null(scripted);
	scripted->sink.ops = (const struct sink_ops *)conf->encoder; /* see open_outbox */
	*ret = &scripted->sink;
	return 0;
}

static void scripted_encode(struct sink *sink, struct buf *buf, const struct record *record,
			    size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_append(buf, &record[i].seq, sizeof(record[i].seq));
}

void pause_ms(void)
{
	poll(NULL, 0, 1);
}

static void take(const struct batch *batch, size_t i)
{
	uint32_t seq;

	memcpy(&seq, batch->bytes.data + i * sizeof(seq), sizeof(seq));
	assert_true(receiver.seen_count < SEEN_MAX);
	receiver.seen[receiver.seen_count] = seq;
	__atomic_store_n(&receiver.seen_count, receiver.seen_count + 1, __ATOMIC_RELEASE);
}

static enum delivery answer_partly(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->fate[i] = i % receiver.partial_each ? RETRY : DELIVERED;
		if (batch->fate[i] == DELIVERED)
			take(batch, i);
	}
	return PARTIAL;
}

static enum delivery scripted_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	const enum delivery how = __atomic_load_n(&receiver.how, __ATOMIC_ACQUIRE);
	const size_t n = batch->bytes.len < sizeof(receiver.last) ? batch->bytes.len :
								    sizeof(receiver.last);

	assert_int_equal(batch->bytes.len, batch->count * sizeof(uint32_t));
	receiver.changed_bytes += receiver.last_n == batch->bytes.len &&
				  memcmp(receiver.last, batch->bytes.data, n) != 0;
	receiver.last_n = batch->bytes.len;
	memcpy(receiver.last, batch->bytes.data, n);
	__atomic_store_n(&receiver.tries, receiver.tries + 1, __ATOMIC_RELEASE);
	if (receiver.hangs)
		while (!batch->is_given_up(batch->context))
			pause_ms();
	if (receiver.largest && batch->count > receiver.largest)
		return SPLIT;
	why_set(why, 0, "the script says so");
	if (how == RETRY || how == PARKED)
		batch->retry_after_ns = NUM_NS_PER_MS; /* a test is no outage */
	if (how == PARTIAL) {
		batch->retry_after_ns = NUM_NS_PER_MS;
		return answer_partly(batch);
	}
	for (size_t i = 0; how == DELIVERED && i < batch->count; i++)
		take(batch, i);
	return how;
}

static void scripted_close(struct sink *sink)
{
	free(sink);
}

const struct sink_ops scripted_ops = {
	.name = "scripted",
	.help = "answers what the test wants",
	.open = scripted_open,
	.encode = scripted_encode,
	.deliver = scripted_deliver,
	.close = scripted_close,
};

/* --- the outbox ---------------------------------------------------------------- */

struct settings_sink settings_of(const char *spool_path)
{
	struct settings_sink settings;

	settings_sink_init(&settings, "scripted", SINK_DUMMY);
	settings.batch_records = 10;
	settings.batch_age_ns = NUM_NS_PER_MS;
	if (spool_path)
		snprintf(settings.spool_path, sizeof(settings.spool_path), "%s", spool_path);
	return settings;
}

struct outbox *open_with(const struct settings_sink *settings)
{
	const struct outbox_conf conf = {
		.ops = &scripted_ops,
		.sink = { .settings = settings, .fd = -1,
			  .encoder = (const struct encoder *)&scripted_ops },
	};
	struct outbox *outbox = NULL;
	struct why why = { "" };
	const int r = outbox_new(&outbox, &conf, &why);

	if (r < 0)
		fail_msg("%s", why.text);
	return outbox;
}

void script(enum delivery how)
{
	memset(&receiver, 0, sizeof(receiver));
	receiver.how = how;
	receiver.partial_each = 2;
}

void now_answer(enum delivery how)
{
	__atomic_store_n(&receiver.how, how, __ATOMIC_RELEASE);
}

uint32_t push(struct outbox *outbox, uint32_t from, uint32_t n)
{
	struct record record;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < n; i++) {
		memset(&record, 0, sizeof(record));
		record.event = EVENT_UPDATE;
		record.seq = from + i;
		record_set(&record, FIELD_SEQ);
		taken += outbox_push(outbox, &record, 0) == OUTBOX_TAKEN;
	}
	outbox_flush(outbox);
	return taken;
}

struct outbox_stats stats_of(struct outbox *outbox)
{
	struct outbox_stats stats;

	outbox_stats(outbox, &stats);
	assert_int_equal(stats.taken + stats.replayed,
			 stats.delivered + stats.dropped_rejected + stats.dropped_closed +
				 stats.dropped_expired + stats.dropped_spool + stats.queued +
				 stats.spooled);
	return stats;
}

void seen_are(uint32_t from, uint32_t n)
{
	assert_int_equal(receiver.seen_count, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(receiver.seen[i], from + i);
}
