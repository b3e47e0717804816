// SPDX-License-Identifier: Apache-2.0
/*
 * The schema of a sink: one row per key of `sinks.NAME`. What a type of sink has
 * for a default in place of the row's stands in its own small table.
 */
#include <string.h>

#include "base/array.h"
#include "base/num.h"
#include "config/schema.h"
#include "config/settings_sink.h"

#define DAY_NS (86400 * NUM_NS_PER_S)
#define SPEAK_HTTP (1U << SINK_INFLUXDB | 1U << SINK_ELASTICSEARCH)

static const struct schema_word bool_words[] = {
	{ "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 },
	{ "on", 1 },   { "off", 0 },   { NULL, 0 },
};

static const struct schema_word schema_words[] = {
	{ "weir", SINK_SCHEMA_WEIR },
	{ "conntracct", SINK_SCHEMA_CONNTRACCT },
	{ NULL, 0 },
};

static const struct schema_word api_words[] = {
	{ "v1", SINK_API_V1 },
	{ "v2", SINK_API_V2 },
	{ "udp", SINK_API_UDP },
	{ NULL, 0 },
};

static const struct schema_word per_flow_words[] = {
	{ "ended", SINK_PER_FLOW_ENDED },
	{ "none", SINK_PER_FLOW_NONE },
	{ "all", SINK_PER_FLOW_ALL },
	{ NULL, 0 },
};

const struct schema_word schema_sink_types[] = {
	{ "file", SINK_FILE },
	{ "influxdb", SINK_INFLUXDB },
	{ "elasticsearch", SINK_ELASTICSEARCH },
	{ "opensearch", SINK_ELASTICSEARCH },
	{ "dummy", SINK_DUMMY },
	{ NULL, 0 },
};

/* Names of encoders; the values mean nothing. */
static const struct schema_word format_words[] = {
	{ "json", 0 },  { "csv", 0 },        { "text", 0 }, { "trace", 0 },
	{ "table", 0 }, { "conntracct", 0 }, { "nettracer", 0 },
	{ NULL, 0 },
};

const struct schema_row schema_sink_table[] = {
	{
		.key = "schema",
		.type = SCHEMA_WORD,
		.offset = offsetof(struct settings_sink, schema),
		.words = schema_words,
		.default_text = "weir",
		.help = "names and shape of what is written: weir, or conntracct for "
			"dashboards of the old tool",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "events",
		.type = SCHEMA_EVENTS,
		.offset = offsetof(struct settings_sink, events),
		.default_text = "start, update, end",
		.help = "which events it gets: start, update, end of flows; connect, "
			"accept, close, failed of TCP sockets",
	},
	{
		.key = "filter",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, filter),
		.max = SINK_FILTER_SIZE,
		.default_text = "",
		.help = "which flows it gets (weir help filter); empty: all",
	},
	{
		.key = "batch_records",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings_sink, batch_records),
		.min = 1,
		.max = 1000000,
		.default_text = "5000",
		.help = "a batch closes with so many records",
	},
	{
		.key = "batch_bytes",
		.type = SCHEMA_SIZE,
		.offset = offsetof(struct settings_sink, batch_bytes),
		.min = 1024,
		.max = 1 << 30,
		.default_text = "1M",
		.help = "or with so many bytes",
	},
	{
		.key = "batch_age",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, batch_age_ns),
		.max = 3600 * NUM_NS_PER_S,
		.default_text = "1s",
		.help = "or when its first record is so old",
	},
	{
		.key = "queue_bytes",
		.type = SCHEMA_SIZE,
		.offset = offsetof(struct settings_sink, queue_bytes),
		.min = 196608,
		.max = 1ULL << 34,
		.default_text = "32M",
		.help = "memory for records that wait; what finds no room goes to the "
			"spool, or is counted as lost",
	},
	{
		.key = "give_up",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, give_up_ns),
		.max = 365 * DAY_NS,
		.default_text = "5m",
		.help = "without a spool, a batch that could not be delivered for so long "
			"is lost, and counted; 0s: never",
	},
	{
		.key = "spool_path",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, spool_path),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "a folder that keeps on disk what cannot be delivered now; empty: "
			"none",
	},
	{
		.key = "spool_bytes",
		.type = SCHEMA_SIZE,
		.offset = offsetof(struct settings_sink, spool_bytes),
		.min = 1 << 20,
		.max = 1ULL << 44,
		.default_text = "1G",
		.help = "room in it; the oldest makes place",
	},
	{
		.key = "spool_age",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, spool_age_ns),
		.min = NUM_NS_PER_S,
		.max = 3650 * DAY_NS,
		.default_text = "7d",
		.help = "and how old what is in it may get",
	},
	{
		.key = "path",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, path),
		.max = SINK_TEXT_SIZE,
		.default_text = "-",
		.help = "a file, appended to; \"-\" is standard output, \"stderr\" the "
			"other",
		.sinks = 1U << SINK_FILE,
	},
	{
		.key = "format",
		.type = SCHEMA_TEXT,
		.words = format_words,
		.offset = offsetof(struct settings_sink, format),
		.max = 16,
		.default_text = "json",
		.help = "json, csv, text, table or conntracct",
		.sinks = 1U << SINK_FILE,
	},
	{
		.key = "url",
		.type = SCHEMA_URLS,
		.offset = offsetof(struct settings_sink, url),
		.default_text = "",
		.help = "where it listens, http:// or https://; several by commas: the next "
			"where one does not answer. With api udp: host:port",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "username",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, username),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "for HTTP basic authentication",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "password",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, password),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "and its password; better: password_file",
		.secret = true,
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "token",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, token),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "of InfluxDB v2, or an API key of Elasticsearch; better: token_file",
		.secret = true,
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "timeout",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, timeout_ns),
		.min = NUM_NS_PER_MS,
		.max = 3600 * NUM_NS_PER_S,
		.default_text = "10s",
		.help = "for one request, answer included",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "connect_timeout",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, connect_timeout_ns),
		.min = NUM_NS_PER_MS,
		.max = 3600 * NUM_NS_PER_S,
		.default_text = "5s",
		.help = "to connect",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "gzip",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, gzip),
		.words = bool_words,
		.default_text = "true",
		.help = "compress what is sent",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "tls_ca",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, tls_ca),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "a file of certificates to trust in place of the system's",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "tls_cert",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, tls_cert),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "a file with a certificate of one's own",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "tls_key",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, tls_key),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "and its key",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "tls_verify",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, tls_verify),
		.words = bool_words,
		.default_text = "true",
		.help = "refuse a server whose certificate is not trusted",
		.sinks = SPEAK_HTTP,
	},
	{
		.key = "api",
		.type = SCHEMA_WORD,
		.offset = offsetof(struct settings_sink, api),
		.words = api_words,
		.default_text = "v1",
		.help = "v1 (InfluxDB 1.x), v2 (2.x, 3.x, VictoriaMetrics) or udp",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "database",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, database),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "with v1: its name; made if it is not there",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "retention_policy",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, retention_policy),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "with v1: empty is the database's default",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "org",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, org),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "with v2",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "bucket",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, bucket),
		.max = SINK_TEXT_SIZE,
		.default_text = "",
		.help = "with v2",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "aggregate",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, aggregate),
		.words = bool_words,
		.default_text = "true",
		.help = "write sums of a batch per set of tags (weir_traffic)",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "per_flow",
		.type = SCHEMA_WORD,
		.offset = offsetof(struct settings_sink, per_flow),
		.words = per_flow_words,
		.default_text = "ended",
		.help = "which flows get a point each (weir_flow): none, ended or all",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "string_fields",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, string_fields),
		.words = bool_words,
		.default_text = "true",
		.help = "write addresses and names as fields; off for VictoriaMetrics",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "tag_netns",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, tag_netns),
		.words = bool_words,
		.default_text = "false",
		.help = "the network namespace as a tag",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "tag_container",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, tag_container),
		.words = bool_words,
		.default_text = "false",
		.help = "the container as a tag",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "source_ports",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, source_ports),
		.words = bool_words,
		.default_text = "false",
		.help = "with schema conntracct: the source port as a tag",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "udp_payload_bytes",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings_sink, udp_payload_bytes),
		.min = 128,
		.max = 65000,
		.default_text = "512",
		.help = "with udp: bytes of a datagram",
		.sinks = 1U << SINK_INFLUXDB,
	},
	{
		.key = "index",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings_sink, index),
		.max = SINK_TEXT_SIZE,
		.default_text = "logs-weir.flow-default",
		.help = "name of the data stream; with schema conntracct, of the index",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{
		.key = "manage_template",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, manage_template),
		.words = bool_words,
		.default_text = "true",
		.help = "put the index template there before the first document",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{
		.key = "keep",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings_sink, keep_ns),
		.max = 36500 * DAY_NS,
		.default_text = "0s",
		.help = "how long the data stream keeps its documents (Elasticsearch 8.11 and "
			"later); 0s: as its server says",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{
		.key = "dedup",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings_sink, dedup),
		.words = bool_words,
		.default_text = "true",
		.help = "give every document an id, so that a repeat is dropped",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{
		.key = "shards",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings_sink, shards),
		.min = 1,
		.max = 1024,
		.default_text = "3",
		.help = "with schema conntracct: of the index",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{
		.key = "replicas",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings_sink, replicas),
		.max = 1024,
		.default_text = "0",
		.help = "with schema conntracct: of the index",
		.sinks = 1U << SINK_ELASTICSEARCH,
	},
	{ .key = NULL },
};

static const struct {
	enum sink_type type;
	const char *key, *text;
} special[] = {
	{ SINK_FILE, "batch_records", "1000" },
	{ SINK_FILE, "batch_bytes", "64k" },
	{ SINK_ELASTICSEARCH, "batch_records", "1000" },
	{ SINK_ELASTICSEARCH, "batch_bytes", "5M" },
	{ SINK_ELASTICSEARCH, "batch_age", "5s" },
};

const char *schema_sink_default(const struct schema_row *row, int type)
{
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if ((int)special[i].type == type && !strcmp(special[i].key, row->key))
			return special[i].text;
	}
	return row->default_text;
}
