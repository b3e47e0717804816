/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_SETTINGS_H
#define WEIR_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "config/settings_sink.h"

struct why;
struct buf;

#define SETTINGS_PATH_SIZE 108 /* sizeof(sockaddr_un.sun_path) */
#define SETTINGS_REPORT_MAX 16
#define SETTINGS_SOURCE_SIZE 96
#define SETTINGS_TEXT_SIZE 256
#define SETTINGS_PORTS_MAX 32
#define SETTINGS_SINKS_MAX 16

struct settings_report_point {
	uint64_t age_ns, every_ns;
};

struct settings_ports {
	uint16_t port[SETTINGS_PORTS_MAX];
	uint32_t count;
};

/* Everything that can be set, typed and with its default filled in. One schema
 * table (settings.c) names, types, bounds and documents each key. */
struct settings {
	bool conntrack_manage_sysctl;
	bool conntrack_track;
	bool conntrack_netns_all; /* conntrack.netns: all, else host */
	uint64_t conntrack_ring_bytes;
	uint64_t refresh_ns;
	struct settings_report_point report[SETTINGS_REPORT_MAX];
	size_t report_count;
	uint32_t table_max_flows;
	char listen_socket[SETTINGS_PATH_SIZE];
	char listen_http[SETTINGS_PATH_SIZE];       /* "off": none */
	/* what conntracct's api_enabled and api_endpoint said, until both are known */
	enum { LEGACY_API_UNSAID, LEGACY_API_ON, LEGACY_API_OFF } legacy_api;
	char legacy_endpoint[SETTINGS_PATH_SIZE];
	char listen_token_file[SETTINGS_PATH_SIZE]; /* empty: none */
	char listen_hosts[SETTINGS_TEXT_SIZE];
	enum log_level log_level;
	char source[SETTINGS_SOURCE_SIZE]; /* rungs of the ladder; empty: it chooses */
	uint64_t drain_timeout_ns;
	uint32_t metrics_max_series;
	bool metrics_processes;
	struct settings_ports metrics_services;
	struct settings_sink sink[SETTINGS_SINKS_MAX];
	size_t sink_count;
};

/* The built-in defaults. */
void settings_init(struct settings *settings);

/* Sets one key ("table.max_flows") from text: a plain scalar, or JSON where the
 * key is a list (report). -ENOENT: no such key (the sentence names the nearest);
 * -EINVAL, -ERANGE: a bad value; the sentence begins with `where`. */
int settings_set(struct settings *settings, const char *key, const char *value,
		 const char *where, struct why *why);

/* Applies every WEIR_… variable of environ: levels are separated by two
 * underscores (WEIR_TABLE__MAX_FLOWS=1000). WEIR_CONFIG and unknown names that
 * begin with WEIR_TEST_ are left alone; another unknown WEIR_ name is an error
 * that names the nearest key. 0 or -errno. */
int settings_apply_environment(struct settings *settings, char *const *environment,
			       struct why *why);

/* Calls visit for every key of the schema, in order, with its help text; those of
 * a sink as "sinks.NAME.KEY". */
void settings_each_key(void (*visit)(void *context, const char *key, const char *default_text,
				     const char *help),
		       void *context);

/* The sink of that name (letter case left aside), or NULL. */
struct settings_sink *settings_find_sink(struct settings *settings, const char *name);
/* Adds one of that type with its defaults. NULL: SETTINGS_SINKS_MAX are there. */
struct settings_sink *settings_add_sink(struct settings *settings, const char *name,
					enum sink_type type);
/* What does not fit together: a sink without what its type needs. -EINVAL with the
 * sentence, and the sink it is about. */
int settings_check(const struct settings *settings, const struct settings_sink **ret,
		   struct why *why);

#endif
