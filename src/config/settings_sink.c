// SPDX-License-Identifier: Apache-2.0
/* A sink of the settings: its defaults, and what it cannot do without. */
#include "config/settings_sink.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/why.h"
#include "config/schema.h"
#include "config/settings.h"

void settings_sink_init(struct settings_sink *sink, const char *name, enum sink_type type)
{
	const struct schema_row *row;
	int r;

	memset(sink, 0, sizeof(*sink));
	for (size_t i = 0; name[i] && i + 1 < sizeof(sink->name); i++)
		sink->name[i] = name[i];
	sink->type = type;
	for (row = schema_sink_table; row->key; row++) {
		r = schema_decode(row, sink, schema_sink_default(row, type), NULL);
		assert(r == 0);
		(void)r;
	}
}

struct settings_sink *settings_find_sink(struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->sink_count; i++) {
		if (!strcasecmp(settings->sink[i].name, name))
			return &settings->sink[i];
	}
	return NULL;
}

struct settings_sink *settings_add_sink(struct settings *settings, const char *name,
					enum sink_type type)
{
	struct settings_sink *sink;

	if (settings->sink_count == SETTINGS_SINKS_MAX)
		return NULL;
	sink = &settings->sink[settings->sink_count++];
	settings_sink_init(sink, name, type);
	return sink;
}

/* Of what a name is made: it is a key, a metric's label and a part of logs. */
static bool is_name(const char *name)
{
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return false;
	}
	return true;
}

static int check_influxdb(const struct settings_sink *sink, struct why *why)
{
	if (sink->api == SINK_API_V1 && !sink->database[0])
		return why_set(why, -EINVAL, "sinks.%s: api v1 needs a database", sink->name);
	if (sink->api == SINK_API_V2 && !sink->bucket[0])
		return why_set(why, -EINVAL, "sinks.%s: api v2 needs a bucket", sink->name);
	if (sink->api == SINK_API_UDP && sink->url_count > 1)
		return why_set(why, -EINVAL, "sinks.%s: api udp has one address", sink->name);
	if (!sink->aggregate && sink->per_flow == SINK_PER_FLOW_NONE)
		return why_set(why, -EINVAL, "sinks.%s: with aggregate off and per_flow none "
					     "nothing would be written", sink->name);
	return 0;
}

static int check_urls(const struct settings_sink *sink, struct why *why)
{
	if (!sink->url_count)
		return why_set(why, -EINVAL, "sinks.%s: a url is missing", sink->name);
	if (sink->type == SINK_INFLUXDB && sink->api == SINK_API_UDP)
		return 0;
	for (uint32_t i = 0; i < sink->url_count; i++) {
		if (strncmp(sink->url[i], "http://", 7) && strncmp(sink->url[i], "https://", 8))
			return why_set(why, -EINVAL, "sinks.%s: a url begins with http:// or "
						     "https://", sink->name);
	}
	return 0;
}

/* What an index may be called: Elasticsearch's reference, "Create index". */
static bool is_index(const char *index)
{
	if (!*index || strchr("-_+.", *index))
		return false;
	for (; *index; index++) {
		if ((unsigned char)*index <= ' ' || isupper((unsigned char)*index) ||
		    strchr("\\/*?\"<>|,#:\x7f", *index))
			return false;
	}
	return true;
}

static int check_elasticsearch(const struct settings_sink *sink, struct why *why)
{
	if (!is_index(sink->index))
		return why_set(why, -EINVAL, "sinks.%s: the name of an index begins with a letter "
					     "or digit and has no capitals, blanks and none of "
					     "\\ / * ? \" < > | , # :", sink->name);
	if (sink->username[0] && sink->token[0])
		return why_set(why, -EINVAL, "sinks.%s: username or token, not both", sink->name);
	return 0;
}

static int check_sink(const struct settings_sink *sink, struct why *why)
{
	int r = 0;

	if (!is_name(sink->name))
		return why_set(why, -EINVAL, "sinks.%s: a name is of letters, digits, _ . and -",
			       sink->name);
	if (sink->type == SINK_INFLUXDB || sink->type == SINK_ELASTICSEARCH)
		r = check_urls(sink, why);
	if (r == 0 && sink->type == SINK_INFLUXDB)
		r = check_influxdb(sink, why);
	if (r == 0 && sink->type == SINK_ELASTICSEARCH)
		r = check_elasticsearch(sink, why);
	if (r == 0 && !!sink->tls_cert[0] != !!sink->tls_key[0])
		r = why_set(why, -EINVAL, "sinks.%s: tls_cert and tls_key go together",
			    sink->name);
	return r;
}

int settings_check(const struct settings *settings, const struct settings_sink **ret,
		   struct why *why)
{
	int r;

	for (size_t i = 0; i < settings->sink_count; i++) {
		*ret = &settings->sink[i];
		r = check_sink(*ret, why);
		if (r < 0)
			return r;
	}
	return 0;
}
