// SPDX-License-Identifier: Apache-2.0
/*
 * Index templates: which types the documents' members have. One for the data stream
 * (composable: Elasticsearch 7.9, OpenSearch 1.0), or the two of conntracct, whose
 * pattern now is of the index that is in use.
 */
#include "base/array.h"
#include "base/json.h"
#include "base/num.h"
#include "sink/elasticsearch_impl.h"

/* Above the stock template of "logs-*-*", which has 100 (reference, "Index templates"). */
#define PRIORITY 200

static bool is_from(const struct elasticsearch_server *server, unsigned major, unsigned minor)
{
	return !server->is_opensearch &&
	       (server->major > major || (server->major == major && server->minor >= minor));
}

static void template_settings(struct buf *buf, const struct elasticsearch_server *server,
			      bool is_plain)
{
	json_key(buf, "settings");
	json_object_begin(buf);
	json_member_text(buf, "index.codec", "best_compression");
	json_member_text(buf, "index.refresh_interval", "10s");
	if (!is_plain && is_from(server, 8, 17)) /* half the room and less */
		json_member_text(buf, "index.mode", "logsdb");
	json_object_end(buf);
}

void elasticsearch_template(struct buf *buf, const struct settings_sink *settings,
			    const struct ecs *ecs, const struct elasticsearch_server *server,
			    bool is_plain)
{
	char keep[24];

	json_object_begin(buf);
	json_key(buf, "index_patterns");
	json_array_begin(buf);
	json_element_text(buf, settings->index);
	json_array_end(buf);
	json_key(buf, "data_stream");
	json_object_begin(buf);
	json_object_end(buf);
	json_member_u64(buf, "priority", PRIORITY);
	json_key(buf, "template");
	json_object_begin(buf);
	template_settings(buf, server, is_plain);
	json_key(buf, "mappings");
	json_object_begin(buf);
	json_member_bool(buf, "dynamic", false);
	json_member_bool(buf, "date_detection", false);
	json_key(buf, "properties");
	ecs_properties(buf, ecs);
	json_object_end(buf);
	if (!is_plain && settings->keep_ns && is_from(server, 8, 11)) {
		json_key(buf, "lifecycle");
		json_object_begin(buf);
		json_member_text(buf, "data_retention",
				 num_exact_duration(keep, sizeof(keep), settings->keep_ns));
		json_object_end(buf);
	}
	json_object_end(buf);
	json_object_end(buf);
}

/* --- conntracct's ----------------------------------------------------------------- */

/* It had "INDEX-*" alone, which its index never was. */
static void old_head(struct buf *buf, const struct settings_sink *settings)
{
	struct buf pattern = { 0 };

	buf_puts(&pattern, settings->index);
	buf_puts(&pattern, "-*");
	json_object_begin(buf);
	json_key(buf, "index_patterns");
	json_array_begin(buf);
	json_element_text(buf, settings->index);
	buf_putc(buf, ',');
	json_append_string(buf, pattern.data, pattern.error ? 0 : pattern.len);
	json_array_end(buf);
	json_member_u64(buf, "order", 0);
	buf_fini(&pattern);
}

void elasticsearch_old_mappings(struct buf *buf, const struct settings_sink *settings)
{
	/* connmark was an integer there, which has no room for marks of 2^31 and more */
	static const char *const types[][2] = {
		{ "flow_id", "keyword" },   { "bytes_orig", "long" },
		{ "bytes_ret", "long" },    { "bytes_total", "long" },
		{ "packets_orig", "long" }, { "packets_ret", "long" },
		{ "packets_total", "long" }, { "connmark", "long" },
		{ "src_addr", "ip" },       { "dst_addr", "ip" },
		{ "src_port", "integer" },  { "dst_port", "integer" },
		{ "netns", "long" },        { "start", "date" },
		{ "timestamp", "date" },
	};

	old_head(buf, settings);
	json_key(buf, "mappings");
	json_object_begin(buf);
	json_key(buf, "properties");
	json_object_begin(buf);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		json_key(buf, types[i][0]);
		json_object_begin(buf);
		json_member_text(buf, "type", types[i][1]);
		json_object_end(buf);
	}
	json_object_end(buf);
	json_object_end(buf);
	json_object_end(buf);
}

void elasticsearch_old_settings(struct buf *buf, const struct settings_sink *settings)
{
	old_head(buf, settings);
	json_key(buf, "settings");
	json_object_begin(buf);
	json_member_u64(buf, "number_of_shards", settings->shards);
	json_member_u64(buf, "number_of_replicas", settings->replicas);
	json_object_end(buf);
	json_object_end(buf);
}
