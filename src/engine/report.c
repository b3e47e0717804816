// SPDX-License-Identifier: Apache-2.0
/*
 * What weir says of itself: stats, doctor, and the one line for a person.
 *
 * The identity is put together from counts that were made apart (the table's
 * rows, the outboxes' fates), so that it can fail.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/num.h"
#include "config/settings.h"
#include "engine/engine_impl.h"
#include "engine/self.h"
#include "source/ct_sysctl.h"
#include "source/guard.h"
#include "source/ladder.h"
#include "source/netns.h"

static void sources_json(struct engine *engine, struct buf *buf)
{
	json_key(buf, "sources");
	json_array_begin(buf);
	for (unsigned i = 0; i < engine->source_count; i++) {
		const struct source *source = engine->source[i].source;
		struct source_stats stats = { 0 };

		source->ops->stats(source, &stats);
		json_object_begin(buf);
		json_member_text(buf, "name", source->ops->name);
		json_member_u64(buf, "seen", stats.seen);
		json_member_u64(buf, "lost", stats.lost);
		json_member_u64(buf, "malformed", stats.malformed);
		json_member_u64(buf, "foreign", stats.foreign);
		json_member_u64(buf, "bare", stats.bare);
		json_member_u64(buf, "freshness_ms", stats.freshness_ns / NUM_NS_PER_MS);
		json_member_u64(buf, "reliability_lost", stats.reliability_lost);
		json_member_u64(buf, "refused", stats.refused);
		json_object_end(buf);
	}
	json_array_end(buf);
}

static void overflow_json(const struct table_stats *stats, struct buf *buf)
{
	static const char *const names[OVERFLOW_PROTOS] = { "tcp", "udp", "icmp", "other" };

	json_key(buf, "overflow");
	json_object_begin(buf);
	for (int i = 0; i < OVERFLOW_PROTOS; i++) {
		json_key(buf, names[i]);
		json_object_begin(buf);
		json_member_u64(buf, "bytes_orig", stats->overflow_bytes[i][INITIATOR]);
		json_member_u64(buf, "packets_orig", stats->overflow_packets[i][INITIATOR]);
		json_member_u64(buf, "bytes_reply", stats->overflow_bytes[i][RESPONDER]);
		json_member_u64(buf, "packets_reply", stats->overflow_packets[i][RESPONDER]);
		json_object_end(buf);
	}
	json_object_end(buf);
}

static void table_json(const struct table_stats *stats, struct buf *buf)
{
	json_key(buf, "table");
	json_object_begin(buf);
	json_member_u64(buf, "live", stats->live);
	json_member_u64(buf, "opened", stats->opened);
	json_member_u64(buf, "ended", stats->ended);
	json_member_u64(buf, "evicted", 0); /* by design: live flows never are */
	json_member_u64(buf, "capacity", stats->capacity);
	json_member_u64(buf, "refused_observations", stats->refused_observations);
	json_member_u64(buf, "inexact_ends", stats->inexact_ends);
	json_member_u64(buf, "resets", stats->resets);
	json_member_u64(buf, "duplicate_closes", stats->duplicate_closes);
	json_member_u64(buf, "without_counters", stats->without_counters);
	json_member_u64(buf, "sockets", stats->sockets);
	json_member_u64(buf, "sockets_capacity", stats->sockets_capacity);
	json_member_u64(buf, "sockets_refused", stats->sockets_refused);
	json_member_u64(buf, "passes_forgotten", stats->passes_forgotten);
	json_member_u64(buf, "memory_bytes", stats->memory_bytes);
	overflow_json(stats, buf);
	json_object_end(buf);
}

static void sinks_json(struct engine *engine, struct buf *buf)
{
	json_key(buf, "sinks");
	json_array_begin(buf);
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		struct outbox_stats stats;

		outbox_stats(engine->outbox[i], &stats);
		json_object_begin(buf);
		json_member_text(buf, "name", stats.name);
		json_member_u64(buf, "taken", stats.taken);
		json_member_u64(buf, "delivered", stats.delivered);
		json_key(buf, "dropped");
		json_object_begin(buf);
		json_member_u64(buf, "full", stats.dropped_full);
		json_member_u64(buf, "rejected", stats.dropped_rejected);
		json_member_u64(buf, "closed", stats.dropped_closed);
		json_member_u64(buf, "expired", stats.dropped_expired);
		json_member_u64(buf, "spool", stats.dropped_spool);
		json_object_end(buf);
		json_member_u64(buf, "queued", stats.queued);
		json_member_u64(buf, "spooled", stats.spooled);
		json_member_u64(buf, "replayed", stats.replayed);
		json_member_u64(buf, "queued_bytes", stats.queued_bytes);
		json_member_u64(buf, "spooled_bytes", stats.spooled_bytes);
		json_member_u64(buf, "requests", stats.requests);
		json_member_u64(buf, "retries", stats.retries);
		json_member_bool(buf, "up", stats.up);
		json_object_end(buf);
	}
	json_array_end(buf);
}

static void identities_json(const struct engine *engine, const struct table_stats *stats,
			    struct buf *buf)
{
	const uint64_t lost = stats->lost_table_full + engine->lost_outbox_full;

	json_key(buf, "identity");
	json_object_begin(buf);
	json_member_u64(buf, "seen", stats->opened);
	json_member_u64(buf, "exported", engine->exported);
	json_member_u64(buf, "live", stats->live);
	json_key(buf, "lost");
	json_object_begin(buf);
	json_member_u64(buf, lost_names[LOST_TABLE_FULL], stats->lost_table_full);
	json_member_u64(buf, lost_names[LOST_OUTBOX_FULL], engine->lost_outbox_full);
	json_object_end(buf);
	json_member_bool(buf, "holds", stats->opened == engine->exported + stats->live + lost);
	json_object_end(buf);

	json_key(buf, "byte_identity");
	json_object_begin(buf);
	json_member_u64(buf, "grown", stats->grown_bytes);
	json_member_u64(buf, "reported", stats->reported_bytes);
	json_member_u64(buf, "unreported", stats->unreported_bytes);
	json_member_bool(buf, "holds",
			 stats->grown_bytes == stats->reported_bytes + stats->unreported_bytes);
	json_object_end(buf);
}

void engine_stats_json(struct engine *engine, struct buf *buf)
{
	struct table_stats stats;
	struct self self;
	int reason;

	self_read(&self);
	table_stats(engine->table, &stats);
	json_object_begin(buf);
	sources_json(engine, buf);
	table_json(&stats, buf);
	sinks_json(engine, buf);
	identities_json(engine, &stats, buf);
	json_key(buf, "self");
	json_object_begin(buf);
	json_member_double(buf, "cpu_seconds", (double)clock_process_cpu_ns() / 1e9);
	json_member_u64(buf, "rss_bytes", self.resident_bytes);
	json_member_u64(buf, "wakeups", loop_wakeups(engine->loop));
	json_member_double(buf, "uptime_seconds",
			   (double)(clock_boot_ns() - engine->started_boot_ns) / 1e9);
	if (engine->netns) {
		json_member_u64(buf, "network_namespaces", netns_watch_count(engine->netns));
		json_member_u64(buf, "unwatched_namespaces",
				netns_watch_unwatched(engine->netns, &reason));
	}
	if (engine->tap.path)
		json_member_u64(buf, "unrecorded", engine->tap.lost);
	json_object_end(buf);
	if (engine_notice(engine))
		json_member_text(buf, "notice", engine->notice);
	json_object_end(buf);
}

static void accounting_off(const struct engine *engine, struct why *ret)
{
	if (!engine || engine->conf.read_only)
		why_set(ret, 0, "conntrack accounting is off: flows have no byte counts; weir run "
				"switches it on, or sysctl net.netfilter.nf_conntrack_acct=1");
	else if (engine->sysctl)
		why_set(ret, 0, "conntrack accounting is off: flows that begin now have no byte "
				"counts; weir tries every 5 s to switch it on");
	else
		why_set(ret, 0, "conntrack accounting is off, and so is conntrack.manage_sysctl: "
				"flows have no byte counts; sysctl "
				"net.netfilter.nf_conntrack_acct=1 switches it on");
}

/* What keeps conntrack from telling anything here; empty: nothing. */
static void conntrack_condition(const struct engine *engine, struct why *ret)
{
	struct ct_state_now state = { 0 };
	struct why why = { "" };

	ret->text[0] = '\0';
	if (ct_state_read(&state, &why) < 0) {
		why_set(ret, 0, "what conntrack does is not known now: %s", why.text);
	} else if (!state.present) {
		why_set(ret, 0, "conntrack is not loaded: only TCP sockets are seen; %s",
			engine ? "weir looks every 5 s whether it is" :
				 "weir run --track loads it");
	} else if (!state.acct) {
		accounting_off(engine, ret);
	} else if (!state.count && !(engine && engine->track)) {
		why_set(ret, 0, "conntrack tracks nothing in this namespace (no rule asks for "
				"it): weir run --track sees this host's own traffic");
	} else if (engine && table_without_counters(engine->table)) {
		why_set(ret, 0, "%llu flows began before accounting was on: they have no byte "
				"counts",
			(unsigned long long)table_without_counters(engine->table));
	}
}

const char *engine_notice(struct engine *engine)
{
	struct why condition;
	int reason;

	if (engine->conf.replay_path)
		why_set(&condition, 0, "a recording: %s", engine->conf.replay_path);
	/* without their number: what is logged whenever it changes would be noise */
	else if (netns_watch_unwatched(engine->netns, &reason))
		why_set(&condition, 0, "some network namespaces are not watched, but tried "
				       "again: %s", strerror(-reason));
	else
		conntrack_condition(engine, &condition);
	snprintf(engine->notice, sizeof(engine->notice), "%s", condition.text);
	return engine->notice[0] ? engine->notice : NULL;
}

/* Why a feature is not all it could be: what failed above its rung, else what
 * conntrack lacks. */
static const char *reason_of(const struct ladder_standing *standing,
			     const struct why *condition)
{
	if (standing->why.text[0])
		return standing->why.text;
	return standing->row->feature == FEATURE_LIVE ? condition->text : "";
}

static bool is_standing(const struct ladder_row *row)
{
	return row->rung != RUNG_NONE;
}

static void feature_json(const struct ladder_standing *standing, const struct why *condition,
			 struct buf *buf)
{
	const struct ladder_row *row = standing->row;
	const char *reason = reason_of(standing, condition);

	json_object_begin(buf);
	json_member_text(buf, "feature", feature_names[row->feature]);
	json_member_text(buf, "rung", rung_names[row->rung]);
	json_member_bool(buf, "ok", is_standing(row));
	if (reason[0])
		json_member_text(buf, "why", reason);
	json_key(buf, "lost");
	json_array_begin(buf);
	for (unsigned i = 0; row->lost[i]; i++)
		json_element_text(buf, row->lost[i]);
	json_array_end(buf);
	if (row->remedy)
		json_member_text(buf, "remedy", row->remedy);
	json_object_end(buf);
	buf_putc(buf, '\n');
}

static void feature_text(const struct ladder_standing *standing, const struct why *condition,
			 struct buf *buf)
{
	const struct ladder_row *row = standing->row;
	const char *reason = reason_of(standing, condition);

	buf_printf(buf, "%-9s %-4s %s\n", feature_names[row->feature],
		   is_standing(row) ? "ok" : "no", rung_names[row->rung]);
	if (reason[0])
		buf_printf(buf, "          why:    %s\n", reason);
	for (unsigned k = 0; row->lost[k]; k++)
		buf_printf(buf, "          lost:   %s\n", row->lost[k]);
	if (row->remedy)
		buf_printf(buf, "          remedy: %s\n", row->remedy);
}

void engine_doctor_json(const struct engine *engine, struct buf *buf)
{
	struct why condition;

	if (engine->conf.replay_path)
		return; /* nothing stands on anything */
	conntrack_condition(engine, &condition);
	for (int i = 0; i < FEATURES; i++)
		feature_json(&engine->standing[i], &condition, buf);
}

int engine_doctor(const struct settings *settings, bool json, struct buf *buf, struct why *why)
{
	struct ladder_standing standing[FEATURES];
	struct why condition;
	rung_set wished;

	if (ladder_parse(&wished, settings->source, why) < 0)
		return -EBADMSG;
	ladder_climb(standing, wished);
	conntrack_condition(NULL, &condition);
	for (int i = 0; i < FEATURES; i++)
		(json ? feature_json : feature_text)(&standing[i], &condition, buf);
	return 0;
}
