// SPDX-License-Identifier: Apache-2.0
/* Everything that /metrics has: what flows have moved (meter.c), and how weir itself
 * is. Nothing here walks the table: a scrape costs the same whatever lives. */
#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/openmetrics.h"
#include "engine/engine_impl.h"
#include "engine/meter.h"
#include "engine/self.h"

static void single(struct metrics *metrics, enum metric_type type, const char *family,
		   const char *help, uint64_t value)
{
	metrics_family(metrics, type, family, help);
	metrics_u64(metrics, NULL, 0, value);
}

static void single_ns(struct metrics *metrics, enum metric_type type, const char *family,
		      const char *help, uint64_t ns)
{
	metrics_family(metrics, type, family, help);
	metrics_ns(metrics, NULL, 0, ns);
}

static void print_build(const struct engine *engine, struct metrics *metrics)
{
	const struct metrics_label version = { "version", WEIR_VERSION };

	metrics_family(metrics, METRIC_INFO, "weir_build", "Which weir this is.");
	metrics_u64(metrics, &version, 1, 1);
	metrics_family(metrics, METRIC_GAUGE, "weir_feature_up",
		       "Whether this can be seen here, and by which way of knowing.");
	for (unsigned i = 0; i < FEATURES; i++) {
		const struct ladder_row *row = engine->standing[i].row;
		const struct metrics_label label[] = {
			{ "feature", feature_names[row->feature] },
			{ "rung", rung_names[row->rung] },
		};

		metrics_u64(metrics, label, 2, row->rung != RUNG_NONE);
	}
}

static void print_table(const struct table_stats *stats, struct metrics *metrics)
{
	static const struct metrics_label flows = { "table", "flows" };
	static const struct metrics_label sockets = { "table", "sockets" };

	single(metrics, METRIC_GAUGE, "weir_flows_active", "Flows that are alive.", stats->live);
	metrics_family(metrics, METRIC_GAUGE, "weir_table_entries", "Rows that are taken.");
	metrics_u64(metrics, &flows, 1, stats->live);
	metrics_u64(metrics, &sockets, 1, stats->sockets);
	metrics_family(metrics, METRIC_GAUGE, "weir_table_capacity", "Rows that there are.");
	metrics_u64(metrics, &flows, 1, stats->capacity);
	metrics_u64(metrics, &sockets, 1, stats->sockets_capacity);
	metrics_family(metrics, METRIC_COUNTER, "weir_table_refused",
		       "Flows that ended without ever having found a row, and sockets that "
		       "found none.");
	metrics_u64(metrics, &flows, 1, stats->lost_table_full);
	metrics_u64(metrics, &sockets, 1, stats->sockets_refused);
}

static void print_overflow(const struct table_stats *stats, struct metrics *metrics)
{
	static const char *const protos[OVERFLOW_PROTOS] = { "tcp", "udp", "icmp", "other" };
	static const char *const sides[SIDES] = { "orig", "reply" };

	metrics_family(metrics, METRIC_COUNTER, "weir_table_overflow_bytes",
		       "Bytes of flows that found no row, known since they ended.");
	for (unsigned i = 0; i < OVERFLOW_PROTOS * SIDES; i++) {
		const struct metrics_label label[] = { { "transport", protos[i / SIDES] },
						       { "side", sides[i % SIDES] } };

		metrics_u64(metrics, label, 2, stats->overflow_bytes[i / SIDES][i % SIDES]);
	}
}

static void print_flows(const struct engine *engine, const struct table_stats *stats,
			struct metrics *metrics)
{
	const struct metrics_label table_full = { "reason", lost_names[LOST_TABLE_FULL] };
	const struct metrics_label outbox_full = { "reason", lost_names[LOST_OUTBOX_FULL] };

	metrics_family(metrics, METRIC_COUNTER, "weir_flows_lost",
		       "Flows whose end was not handed to every sink that wants it.");
	metrics_u64(metrics, &table_full, 1, stats->lost_table_full);
	metrics_u64(metrics, &outbox_full, 1, engine->lost_outbox_full);
	single(metrics, METRIC_COUNTER, "weir_flows_inexact",
	       "Flows that went without their last word.", stats->inexact_ends);
	single(metrics, METRIC_GAUGE, "weir_flows_without_counters",
	       "Live flows that nobody counts: they began before accounting was on.",
	       stats->without_counters);
}

static void print_sockets(const struct table_stats *stats, struct metrics *metrics)
{
	static const char *const failures[FAILURES] = { "refused", "timeout", "unreachable",
							"reset", "other" };
	static const struct metrics_label client = { "role", "client" };
	static const struct metrics_label server = { "role", "server" };

	metrics_family(metrics, METRIC_COUNTER, "weir_tcp_connections_opened",
		       "Connections that sockets here made (client) or took (server).");
	metrics_u64(metrics, &client, 1, stats->told[EVENT_CONNECT]);
	metrics_u64(metrics, &server, 1, stats->told[EVENT_ACCEPT]);
	metrics_family(metrics, METRIC_COUNTER, "weir_tcp_connect_failures",
		       "Connects of sockets here that failed.");
	for (unsigned i = 0; i < FAILURES; i++) {
		const struct metrics_label label = { "reason", failures[i] };

		metrics_u64(metrics, &label, 1, stats->failures[i]);
	}
}

/* --- sources -------------------------------------------------------------------- */

struct source_column {
	enum metric_type type;
	const char *family, *help;
	size_t offset; /* in struct source_stats */
	bool is_ns;
};

static const struct source_column source_columns[] = {
	{ METRIC_COUNTER, "weir_events_received", "Messages of the kernel that were read.",
	  offsetof(struct source_stats, seen), false },
	{ METRIC_COUNTER, "weir_events_lost", "Messages that the kernel said it dropped; what "
	  "they told is found by the next pass.", offsetof(struct source_stats, lost), false },
	{ METRIC_COUNTER, "weir_events_malformed", "Messages that made no sense.",
	  offsetof(struct source_stats, malformed), false },
	{ METRIC_GAUGE, "weir_source_freshness_seconds", "How old its counters can be.",
	  offsetof(struct source_stats, freshness_ns), true },
};

static void print_sources(const struct engine *engine, struct metrics *metrics)
{
	struct source_stats stats[ENGINE_SOURCES_MAX] = { 0 };

	for (unsigned i = 0; i < engine->source_count; i++)
		engine->source[i].source->ops->stats(engine->source[i].source, &stats[i]);
	for (size_t k = 0; k < ARRAY_LEN(source_columns); k++) {
		const struct source_column *column = &source_columns[k];

		metrics_family(metrics, column->type, column->family, column->help);
		for (unsigned i = 0; i < engine->source_count; i++) {
			const struct metrics_label label = {
				"source", engine->source[i].source->ops->name
			};
			const uint64_t value =
				*(const uint64_t *)(const void *)((const char *)&stats[i] +
								  column->offset);

			(column->is_ns ? metrics_ns : metrics_u64)(metrics, &label, 1, value);
		}
	}
}

/* --- sinks ---------------------------------------------------------------------- */

struct sink_column {
	enum metric_type type;
	const char *family, *reason, *help; /* reason: a label of one of its samples */
	size_t offset;                      /* in struct outbox_stats */
	bool is_ns;
};

#define DROPPED "weir_sink_records_dropped"
#define OF(member) offsetof(struct outbox_stats, member)

/* Samples of one family stand together. */
static const struct sink_column sink_columns[] = {
	{ METRIC_COUNTER, "weir_sink_records_taken", NULL, "Records that the sink was handed.",
	  OF(taken), false },
	{ METRIC_COUNTER, "weir_sink_records_replayed", NULL,
	  "Records of an earlier run, found in its spool.", OF(replayed), false },
	{ METRIC_COUNTER, "weir_sink_records_sent", NULL,
	  "Records that the receiver has acknowledged.", OF(delivered), false },
	{ METRIC_COUNTER, DROPPED, "full", "Records that will not be delivered.",
	  OF(dropped_full), false },
	{ METRIC_COUNTER, DROPPED, "rejected", NULL, OF(dropped_rejected), false },
	{ METRIC_COUNTER, DROPPED, "closed", NULL, OF(dropped_closed), false },
	{ METRIC_COUNTER, DROPPED, "expired", NULL, OF(dropped_expired), false },
	{ METRIC_COUNTER, DROPPED, "spool", NULL, OF(dropped_spool), false },
	{ METRIC_GAUGE, "weir_sink_queue_records", NULL, "Records that wait in memory.",
	  OF(queued), false },
	{ METRIC_GAUGE, "weir_sink_queue_bytes", NULL, "The memory they take.",
	  OF(queued_bytes), false },
	{ METRIC_GAUGE, "weir_sink_queue_capacity_bytes", NULL, "The memory they may take.",
	  OF(queue_bytes_max), false },
	{ METRIC_GAUGE, "weir_sink_spool_records", NULL, "Records that wait on disk.",
	  OF(spooled), false },
	{ METRIC_GAUGE, "weir_sink_spool_bytes", NULL, "The room they take there.",
	  OF(spooled_bytes), false },
	{ METRIC_COUNTER, "weir_sink_requests", NULL, "Deliveries that were tried.",
	  OF(requests), false },
	{ METRIC_COUNTER, "weir_sink_retries", NULL, "Of those, the ones that were tried again.",
	  OF(retries), false },
	{ METRIC_GAUGE, "weir_sink_last_success_timestamp_seconds", NULL,
	  "When the receiver last took a delivery; 0: not yet.", OF(last_success_wall_ns), true },
};

static void print_sink_column(const struct sink_column *column,
			      const struct outbox_stats *stats, unsigned count,
			      struct metrics *metrics)
{
	for (unsigned i = 0; i < count; i++) {
		const struct metrics_label label[] = { { "sink", stats[i].name },
						       { "reason", column->reason } };
		const uint64_t value = *(const uint64_t *)(const void *)((const char *)&stats[i] +
									 column->offset);

		(column->is_ns ? metrics_ns : metrics_u64)(metrics, label,
							   column->reason ? 2 : 1, value);
	}
}

static void print_sinks(const struct engine *engine, struct metrics *metrics)
{
	struct outbox_stats stats[ENGINE_OUTBOXES_MAX];
	const unsigned count = engine->outbox_count;

	for (unsigned i = 0; i < count; i++)
		outbox_stats(engine->outbox[i], &stats[i]);
	for (size_t k = 0; k < ARRAY_LEN(sink_columns); k++) {
		if (sink_columns[k].help)
			metrics_family(metrics, sink_columns[k].type, sink_columns[k].family,
				       sink_columns[k].help);
		print_sink_column(&sink_columns[k], stats, count, metrics);
	}
	metrics_family(metrics, METRIC_GAUGE, "weir_sink_up",
		       "Whether the receiver took the last delivery.");
	for (unsigned i = 0; i < count; i++) {
		const struct metrics_label label = { "sink", stats[i].name };

		metrics_u64(metrics, &label, 1, stats[i].up);
	}
	metrics_family(metrics, METRIC_HISTOGRAM, "weir_sink_request_seconds",
		       "How long deliveries took.");
	for (unsigned i = 0; i < count; i++) {
		const struct metrics_label label = { "sink", stats[i].name };
		const struct metrics_histogram histogram = {
			outbox_request_bounds_ns, OUTBOX_REQUEST_BUCKETS,
			stats[i].request_bucket, stats[i].request_sum_ns,
		};

		metrics_histogram(metrics, &label, 1, &histogram);
	}
}

/* --- weir itself ---------------------------------------------------------------- */

static void print_self(const struct engine *engine, struct metrics *metrics)
{
	struct self self;

	self_read(&self);
	single(metrics, METRIC_GAUGE, "weir_config_last_reload_successful",
	       "Whether the configuration could be read when that was last asked for.",
	       !engine->reload_failed);
	single_ns(metrics, METRIC_GAUGE, "weir_config_last_reload_success_timestamp_seconds",
		  "When it last could.", engine->config_wall_ns);
	single_ns(metrics, METRIC_COUNTER, "process_cpu_seconds",
		  "Processor time of this process, user and system.", clock_process_cpu_ns());
	single_ns(metrics, METRIC_GAUGE, "process_start_time_seconds",
		  "When this process began.", engine->started_wall_ns);
	single(metrics, METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory.",
	       self.resident_bytes);
	single(metrics, METRIC_GAUGE, "process_virtual_memory_bytes", "Virtual memory.",
	       self.virtual_bytes);
	single(metrics, METRIC_GAUGE, "process_open_fds", "Open file descriptors.",
	       self.open_fds);
	single(metrics, METRIC_GAUGE, "process_max_fds", "How many there may be.", self.max_fds);
}

void engine_metrics(const struct engine *engine, enum metrics_form form, struct buf *buf)
{
	struct metrics metrics = { .buf = buf, .form = form };
	struct table_stats stats;

	table_counts(engine->table, &stats);
	print_build(engine, &metrics);
	meter_print(engine->meter, &metrics);
	print_table(&stats, &metrics);
	print_overflow(&stats, &metrics);
	print_flows(engine, &stats, &metrics);
	print_sockets(&stats, &metrics);
	print_sources(engine, &metrics);
	print_sinks(engine, &metrics);
	print_self(engine, &metrics);
	metrics_end(&metrics);
}

void engine_config_reloaded(struct engine *engine, bool ok)
{
	engine->reload_failed = !ok;
	if (ok)
		engine->config_wall_ns = clock_wall_ns();
}
