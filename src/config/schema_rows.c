// SPDX-License-Identifier: Apache-2.0
/*
 * The schema: one row per setting. A setting is typed, bounded, documented and
 * given its default here and nowhere else.
 */
#include "base/num.h"
#include "config/schema.h"
#include "config/settings.h"

#define DAY_NS (86400 * NUM_NS_PER_S)

static const struct schema_word bool_words[] = {
	{ "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 },
	{ "on", 1 },   { "off", 0 },   { NULL, 0 },
};

static const struct schema_word netns_words[] = {
	{ "all", 1 },
	{ "host", 0 },
	{ NULL, 0 },
};

static const struct schema_word level_words[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 },
};

const struct schema_row schema_table[] = {
	{
		.key = "conntrack.manage_sysctl",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_manage_sysctl),
		.words = bool_words,
		.default_text = "true",
		.help = "switch nf_conntrack_acct and nf_conntrack_timestamp on where they are "
			"off, and back at the end",
	},
	{
		.key = "conntrack.track",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_track),
		.words = bool_words,
		.default_text = "false",
		.help = "make the kernel track this host's own traffic, by an nftables table that "
			"vanishes with the daemon",
	},
	{
		.key = "conntrack.netns",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, conntrack_netns_all),
		.words = netns_words,
		.default_text = "all",
		.help = "which network namespaces to watch: all, or host for weir's own",
	},
	{
		.key = "conntrack.ring",
		.type = SCHEMA_SIZE,
		.offset = offsetof(struct settings, conntrack_ring_bytes),
		.min = 4096,
		.max = 1 << 30,
		.default_text = "4M",
		.help = "room for ends that BPF has told and nobody has read yet, some 20,000; "
			"begins have a quarter of it beside",
	},
	{
		.key = "refresh",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings, refresh_ns),
		.min = 20 * NUM_NS_PER_MS,
		.max = DAY_NS,
		.default_text = "1s",
		.help = "how fresh the counters of live flows are",
	},
	{
		.key = "report",
		.type = SCHEMA_REPORT,
		.max = 365 * DAY_NS,
		.default_text = "[{\"age\": \"0s\", \"every\": \"20s\"}, "
				"{\"age\": \"1m\", \"every\": \"1m\"}, "
				"{\"age\": \"5m\", \"every\": \"5m\"}]",
		.help = "when an update record is made, by the age of the flow; the first and the "
			"last record are always made",
	},
	{
		.key = "table.max_flows",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings, table_max_flows),
		.min = 1,
		.max = 16 << 20,
		.default_text = "1000000",
		.help = "flows that can be alive at once; what comes past them is counted, not "
			"shown",
	},
	{
		.key = "listen.socket",
		.type = SCHEMA_PATH,
		.offset = offsetof(struct settings, listen_socket),
		.max = SETTINGS_PATH_SIZE,
		.default_text = "/run/weir/weir.sock",
		.help = "unix socket of the API",
	},
	{
		.key = "listen.http",
		.type = SCHEMA_ENDPOINT,
		.offset = offsetof(struct settings, listen_http),
		.max = SETTINGS_PATH_SIZE,
		.default_text = "off",
		.help = "address:port for /metrics, /stats and health over TCP, such as "
			"127.0.0.1:9477; or off",
	},
	{
		.key = "listen.token_file",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings, listen_token_file),
		.max = SETTINGS_PATH_SIZE,
		.default_text = "",
		.help = "a file with the bearer token that opens all of the API over TCP",
	},
	{
		.key = "listen.hosts",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings, listen_hosts),
		.max = SETTINGS_TEXT_SIZE,
		.default_text = "",
		.help = "names, by commas, that a Host header may have besides addresses and "
			"localhost",
	},
	{
		.key = "metrics.max_series",
		.type = SCHEMA_U32,
		.offset = offsetof(struct settings, metrics_max_series),
		.min = 1200,
		.max = 1000000,
		.default_text = "5000",
		.help = "time series that /metrics may have; processes beyond are added to "
			"\"_other\"",
	},
	{
		.key = "metrics.processes",
		.type = SCHEMA_BOOL,
		.offset = offsetof(struct settings, metrics_processes),
		.words = bool_words,
		.default_text = "false",
		.help = "bytes by process name in /metrics",
	},
	{
		.key = "metrics.services",
		.type = SCHEMA_PORTS,
		.offset = offsetof(struct settings, metrics_services),
		.default_text = "",
		.help = "ports whose bytes /metrics shows each; the others are \"other\"",
	},
	{
		.key = "log.level",
		.type = SCHEMA_WORD,
		.offset = offsetof(struct settings, log_level),
		.words = level_words,
		.default_text = "info",
		.help = "least severe messages that are logged: error, warn, info or debug",
	},
	{
		.key = "drain_timeout",
		.type = SCHEMA_DURATION,
		.offset = offsetof(struct settings, drain_timeout_ns),
		.min = 0,
		.max = 3600 * NUM_NS_PER_S,
		.default_text = "10s",
		.help = "how long the sinks may take at the end; what is left then goes to the "
			"spool, or is counted as lost",
	},
	{
		.key = "source",
		.type = SCHEMA_TEXT,
		.offset = offsetof(struct settings, source),
		.max = SETTINGS_SOURCE_SIZE,
		.default_text = "",
		.help = "ways of knowing (rungs of weir doctor, by commas) to take in place of the "
			"best: for tests and the curious",
	},
	{ .key = NULL },
};

