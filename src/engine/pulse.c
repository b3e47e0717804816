// SPDX-License-Identifier: Apache-2.0
/* What a screen shows of the collector many times a minute: counts at hand, no walk. */
#include "base/clock.h"
#include "base/json.h"
#include "engine/engine_impl.h"

/* Everything that should have been delivered and was not, whoever lost it. */
static uint64_t all_lost(const struct engine *engine, const struct table_stats *stats)
{
	uint64_t lost = stats->lost_table_full + stats->sockets_refused +
			engine->lost_outbox_full;

	for (unsigned i = 0; i < engine->source_count; i++) {
		const struct source *source = engine->source[i].source;
		struct source_stats seen = { 0 };

		source->ops->stats(source, &seen);
		lost += seen.lost + seen.malformed;
	}
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		struct outbox_stats sent;

		outbox_stats(engine->outbox[i], &sent);
		lost += sent.dropped_full + sent.dropped_rejected + sent.dropped_closed +
			sent.dropped_expired + sent.dropped_spool;
	}
	return lost;
}

void engine_pulse_json(struct engine *engine, struct buf *buf)
{
	struct table_stats stats;
	uint64_t failed = 0;

	table_counts(engine->table, &stats);
	for (int i = 0; i < FAILURES; i++)
		failed += stats.failures[i];
	json_member_u64(buf, "at_ms", engine_now_boot_ns(engine) / 1000000);
	json_member_u64(buf, "live", stats.live);
	json_member_u64(buf, "connects", stats.told[EVENT_CONNECT]);
	json_member_u64(buf, "accepts", stats.told[EVENT_ACCEPT]);
	json_member_u64(buf, "failures", failed);
	json_member_u64(buf, "segments", stats.segments_sent);
	json_member_u64(buf, "retransmits", stats.segments_retransmitted);
	json_member_u64(buf, "lost", all_lost(engine, &stats));
	json_member_double(buf, "cpu_seconds", (double)clock_process_cpu_ns() / 1e9);
	if (engine_notice(engine))
		json_member_text(buf, "notice", engine->notice);
}
