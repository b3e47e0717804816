/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_SETTINGS_SINK_H
#define WEIR_CONFIG_SETTINGS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One sink of the configuration: `sinks.NAME`. A flat value: two sinks are the
 * same when their bytes are, which is how a reload finds what may stay. */

#define SINK_NAME_SIZE 32
#define SINK_TEXT_SIZE 256
#define SINK_FILTER_SIZE 512
#define SINK_URLS_MAX 8

enum sink_type {
	SINK_FILE,     /* stdout, stderr or a path */
	SINK_INFLUXDB, /* api: v1, v2 or udp */
	SINK_ELASTICSEARCH, /* OpenSearch too */
	SINK_DUMMY,    /* takes everything, keeps nothing: for measurements */
};

enum sink_schema {
	SINK_SCHEMA_WEIR,
	SINK_SCHEMA_CONNTRACCT, /* to the byte what the old tool wrote */
};

enum sink_api { SINK_API_V1, SINK_API_V2, SINK_API_UDP };

/* Which flows InfluxDB gets one point each for, beside the sums. */
enum sink_per_flow { SINK_PER_FLOW_NONE, SINK_PER_FLOW_ENDED, SINK_PER_FLOW_ALL };

struct settings_sink {
	char name[SINK_NAME_SIZE];
	enum sink_type type;
	enum sink_schema schema;
	uint32_t events; /* bit per enum event of flow/record.h */
	char filter[SINK_FILTER_SIZE];

	/* a batch closes on whichever is reached first */
	uint32_t batch_records;
	uint64_t batch_bytes; /* encoded */
	uint64_t batch_age_ns;

	uint64_t queue_bytes;   /* bound of the queue in memory */
	uint64_t give_up_ns;    /* a batch that could not be delivered for so long is dropped,
				 * unless there is a spool; 0: never */
	char spool_path[SINK_TEXT_SIZE]; /* a folder; empty: no spool */
	uint64_t spool_bytes, spool_age_ns; /* its bounds */

	/* file */
	char path[SINK_TEXT_SIZE];   /* "-": standard output; "stderr" */
	char format[16];             /* json csv text conntracct */

	/* what speaks HTTP; url also: host:port of InfluxDB's UDP */
	char url[SINK_URLS_MAX][SINK_TEXT_SIZE];
	uint32_t url_count;
	char username[SINK_TEXT_SIZE], password[SINK_TEXT_SIZE]; /* secret */
	char token[SINK_TEXT_SIZE];                              /* secret: of v2, an API key */
	uint64_t timeout_ns, connect_timeout_ns;
	bool gzip;
	char tls_ca[SINK_TEXT_SIZE], tls_cert[SINK_TEXT_SIZE], tls_key[SINK_TEXT_SIZE];
	bool tls_verify;

	/* influxdb */
	enum sink_api api;
	char database[SINK_TEXT_SIZE], retention_policy[SINK_TEXT_SIZE];
	char org[SINK_TEXT_SIZE], bucket[SINK_TEXT_SIZE];
	enum sink_per_flow per_flow;
	bool aggregate;      /* sums per tag set, one point a batch */
	bool string_fields;  /* off for VictoriaMetrics, which makes a series of each */
	bool tag_netns, tag_container;
	bool source_ports;   /* schema conntracct: the tag src_port */
	uint32_t udp_payload_bytes;

	/* elasticsearch */
	char index[SINK_TEXT_SIZE]; /* data stream, or with schema conntracct the index */
	bool manage_template;       /* put the index template there */
	bool dedup;                 /* ids, so that a repeat is dropped */
	uint64_t keep_ns;           /* retention of the data stream; 0: the server's */
	uint32_t shards, replicas;  /* schema conntracct: of the index */
};

/* What a sink of that type is when only its name and type are given. */
void settings_sink_init(struct settings_sink *sink, const char *name, enum sink_type type);

#endif
