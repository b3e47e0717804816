// SPDX-License-Identifier: Apache-2.0
/*
 * /stats as conntracct had it: the same keys, for what reads them. Its two sources,
 * one for updates and one for destroys, are the begins, counters and ends of weir's
 * conntrack sources; what weir has no count of its own for is what comes nearest.
 */
#include <stdbool.h>

#include "base/json.h"
#include "engine/engine_impl.h"
#include "engine/meter.h"

/* What an event of that tool's BPF program took. */
#define EVENT_BYTES 104

struct flow_counts {
	uint64_t updates, ends; /* records; starts are updates */
	uint64_t received, lost;
};

static void count(const struct engine *engine, struct flow_counts *ret)
{
	struct source_stats stats;

	*ret = (struct flow_counts){ 0 };
	meter_records(engine->meter, &ret->updates, &ret->ends);
	for (unsigned i = 0; i < engine->source_count; i++) {
		if (engine->source[i].source->ops->origin != ORIGIN_CONNTRACK)
			continue;
		stats = (struct source_stats){ 0 };
		engine->source[i].source->ops->stats(engine->source[i].source, &stats);
		ret->received += stats.seen;
		ret->lost += stats.lost;
	}
}

static void source_json(struct buf *buf, const char *name, uint64_t received, uint64_t lost)
{
	json_key(buf, name);
	json_object_begin(buf);
	json_member_u64(buf, "events_received", received);
	json_member_u64(buf, "events_lost", lost);
	json_member_u64(buf, "event_queue_length", 0); /* read where they are written */
	json_object_end(buf);
}

static void sink_json(struct buf *buf, const struct outbox_stats *stats)
{
	json_key(buf, stats->name);
	json_object_begin(buf);
	json_member_u64(buf, "update_events_pushed", stats->taken - stats->taken_ends);
	json_member_u64(buf, "destroy_events_pushed", stats->taken_ends);
	json_member_u64(buf, "update_events_dropped",
			stats->dropped_full - stats->dropped_full_ends);
	json_member_u64(buf, "destroy_events_dropped", stats->dropped_full_ends);
	json_member_u64(buf, "batch_length", stats->queued);
	json_member_u64(buf, "batches_queued", stats->requests);
	json_member_u64(buf, "batch_queue_length", stats->queued > 0);
	json_member_u64(buf, "batches_sent", stats->requests - stats->retries);
	json_member_u64(buf, "batches_dropped", 0); /* records are, singly: the next line */
	json_member_u64(buf, "batch_events_failed",
			stats->dropped_rejected + stats->dropped_closed + stats->dropped_expired +
				stats->dropped_spool);
	json_object_end(buf);
}

void engine_legacy_stats_json(struct engine *engine, struct buf *buf)
{
	struct outbox_stats stats;
	struct flow_counts flows;

	count(engine, &flows);
	json_object_begin(buf);
	json_key(buf, "pipeline");
	json_object_begin(buf);
	json_member_u64(buf, "events_total", flows.updates + flows.ends);
	json_member_u64(buf, "events_update", flows.updates);
	json_member_u64(buf, "events_destroy", flows.ends);
	source_json(buf, "update_source", flows.updates, flows.lost);
	source_json(buf, "destroy_source", flows.ends, 0);
	json_object_end(buf);
	json_key(buf, "probe");
	json_object_begin(buf);
	json_member_u64(buf, "perf_events_total", flows.received);
	json_member_u64(buf, "perf_bytes_total", flows.received * EVENT_BYTES);
	json_member_u64(buf, "perf_events_update", flows.updates);
	json_member_u64(buf, "perf_events_update_lost", flows.lost);
	json_member_u64(buf, "perf_events_destroy", flows.ends);
	json_member_u64(buf, "perf_events_destroy_lost", 0);
	json_object_end(buf);
	json_key(buf, "sinks");
	json_object_begin(buf);
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		outbox_stats(engine->outbox[i], &stats);
		sink_json(buf, &stats);
	}
	json_object_end(buf);
	json_object_end(buf);
}
