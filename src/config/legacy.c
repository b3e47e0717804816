// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration of conntracct, as its users have it: its keys are aliases in
 * any file, and a file that has nothing else gets what that tool would have done
 * (names, shapes and sizes of its batches). Its parser folded the case of keys.
 */
#include "config/legacy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/array.h"
#include "base/endpoint.h"
#include "base/num.h"
#include "base/why.h"
#include "config/errors.h"
#include "config/schema.h"

#define POINTS 3

static const char *const top_keys[] = { "api_enabled",	 "api_endpoint",   "sysctl_manage",
					"pprof_enabled", "pprof_endpoint", "probe" };

/* type 0 is SINK_FILE: none is marked by -1 */
static const struct {
	const char *word;
	enum sink_type type;
	bool only_old; /* a word that weir itself does not have */
} types[] = {
	{ "stdout", SINK_FILE, true },
	{ "stderr", SINK_FILE, true },
	{ "dummy", SINK_DUMMY, false },
	{ "influxdb-udp", SINK_INFLUXDB, true },
	{ "influxdb-http", SINK_INFLUXDB, true },
	{ "elastic", SINK_ELASTICSEARCH, true },
	{ "elasticsearch", SINK_ELASTICSEARCH, false },
};

static const struct {
	const char *old, *key;
	bool only_old;
} sink_keys[] = {
	{ "address", "url", true },
	{ "batchSize", "batch_records", true },
	{ "sourcePorts", "source_ports", true },
	{ "udpPayloadSize", "udp_payload_bytes", true },
	{ "database", NULL, false },
	{ "username", "username", false },
	{ "password", "password", false },
	{ "shards", "shards", false },
	{ "replicas", "replicas", false },
	{ "timeout", "timeout", false },
	{ "type", NULL, false },
};

static bool is_top_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(top_keys); i++) {
		if (!strcasecmp(top_keys[i], key))
			return true;
	}
	return false;
}

int legacy_sink_type(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!strcmp(types[i].word, word))
			return (int)types[i].type;
	}
	return -1;
}

const char *legacy_sink_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(sink_keys); i++) {
		if (sink_keys[i].only_old && !strcasecmp(sink_keys[i].old, key))
			return sink_keys[i].key;
	}
	return NULL;
}

/* Does the sink use only what the old tool knows? `uses_old` is set where it uses
 * what only that knows. */
static bool is_old_sink(const struct node *sink, bool *uses_old)
{
	const struct node *type, *member;
	size_t i;

	if (sink->kind != NODE_MAP)
		return false;
	type = node_find(sink, "type");
	if (!type || type->kind != NODE_SCALAR || legacy_sink_type(type->text) < 0)
		return false;
	for (i = 0; i < ARRAY_LEN(types); i++)
		*uses_old |= types[i].only_old && !strcmp(types[i].word, type->text);
	for (member = sink->first; member; member = member->next) {
		for (i = 0; i < ARRAY_LEN(sink_keys); i++) {
			if (!strcasecmp(sink_keys[i].old, member->key))
				break;
		}
		if (i == ARRAY_LEN(sink_keys))
			return false;
		*uses_old |= sink_keys[i].only_old;
	}
	return true;
}

bool legacy_is_file(const struct node *root)
{
	const struct node *node, *sink;
	bool uses_old = false;

	for (node = root->first; node; node = node->next) {
		if (is_top_key(node->key)) {
			uses_old = true;
			continue;
		}
		if (strcmp(node->key, "sinks") || node->kind != NODE_MAP)
			return false;
		for (sink = node->first; sink; sink = sink->next) {
			if (!is_old_sink(sink, &uses_old))
				return false;
		}
	}
	return uses_old;
}

/* --- the curve ------------------------------------------------------------------ */

/* A duration as Go writes it ("1m30s"), or nanoseconds. */
static int parse_go_duration(uint64_t *ret, const char *text)
{
	uint64_t part;
	size_t n;

	if (num_parse_u64(ret, text, strlen(text)) == 0)
		return 0;
	for (*ret = 0; *text; text += n) {
		n = strspn(text, "0123456789.");
		n += strcspn(text + n, "0123456789.");
		if (num_parse_duration_ns(&part, text, n) < 0)
			return -EINVAL;
		*ret += part;
	}
	return 0;
}

static const struct node *point_at(const struct node *curve, unsigned index)
{
	const struct node *child = curve->first;
	char key[4];

	if (curve->kind == NODE_LIST) {
		while (child && index--)
			child = child->next;
		return child;
	}
	snprintf(key, sizeof(key), "%u", index);
	return node_find(curve, key);
}

static void set_member(uint64_t *ret, const struct node *point, const char *name,
		       struct config_errors *errors)
{
	const struct node *member = point->kind == NODE_MAP ? node_find(point, name) : NULL;
	uint64_t value;

	if (!member)
		return;
	if (member->kind != NODE_SCALAR || parse_go_duration(&value, member->text) < 0)
		config_error(errors, member, "%s: a duration is wanted, such as 20s", name);
	else if (value || !strcmp(name, "age")) /* no rate was the default to it */
		*ret = value;
}

static void set_curve(struct settings *settings, const struct node *curve,
		      struct config_errors *errors)
{
	struct settings_report_point point[POINTS] = {
		{ 0, 20 * NUM_NS_PER_S },
		{ 60 * NUM_NS_PER_S, 60 * NUM_NS_PER_S },
		{ 300 * NUM_NS_PER_S, 300 * NUM_NS_PER_S },
	};
	const struct node *node;

	for (unsigned i = 0; i < POINTS; i++) {
		node = point_at(curve, i);
		if (!node)
			continue;
		set_member(&point[i].age_ns, node, "age", errors);
		set_member(&point[i].every_ns, node, "rate", errors);
	}
	if (point[0].age_ns >= point[1].age_ns || point[0].age_ns >= point[2].age_ns)
		config_error(errors, curve, "curve point 0's age needs to be lower than point 1's "
					    "and point 2's");
	else if (point[1].age_ns >= point[2].age_ns)
		config_error(errors, curve, "curve point 1's age needs to be lower than point 2's");
	memcpy(settings->report, point, sizeof(point));
	settings->report_count = POINTS;
}

static void set_probe(struct settings *settings, const struct node *probe,
		      struct config_errors *errors)
{
	const struct node *member;

	if (probe->kind != NODE_MAP) {
		if (!node_is_null(probe))
			config_error(errors, probe, "probe: a map with rate_curve is wanted");
		return;
	}
	for (member = probe->first; member; member = member->next) {
		if (strcasecmp(member->key, "rate_curve"))
			config_error(errors, member, "unknown setting \"probe.%.60s\"; there is "
						     "rate_curve", member->key);
		else if (member->kind != NODE_SCALAR)
			set_curve(settings, member, errors);
	}
}

/* --- the rest --------------------------------------------------------------------- */

static bool is_false(const char *text)
{
	return !strcasecmp(text, "false") || !strcmp(text, "0") || !strcasecmp(text, "f");
}

static void set_endpoint(struct settings *settings, const struct node *node,
			 struct config_errors *errors)
{
	struct sockaddr_storage ignored;
	struct why why = { "" };
	int n;

	if (endpoint_parse(&ignored, node->text, &why) < 0) {
		config_error(errors, node, "%s: %s", node->key, why.text);
		return;
	}
	n = snprintf(settings->legacy_endpoint, sizeof(settings->legacy_endpoint), "%s",
		     node->text);
	if (n >= (int)sizeof(settings->legacy_endpoint))
		config_error(errors, node, "%s: longer than an address can be", node->key);
}

bool legacy_set(struct settings *settings, const struct node *node, struct config_errors *errors)
{
	if (!is_top_key(node->key))
		return false;
	if (!strcasecmp(node->key, "probe"))
		set_probe(settings, node, errors);
	else if (node->kind != NODE_SCALAR)
		config_error(errors, node, "%s: a single value is wanted", node->key);
	else if (!strcasecmp(node->key, "sysctl_manage"))
		settings->conntrack_manage_sysctl = !is_false(node->text);
	else if (!strcasecmp(node->key, "api_endpoint"))
		set_endpoint(settings, node, errors);
	else if (!strcasecmp(node->key, "api_enabled"))
		settings->legacy_api = is_false(node->text) ? LEGACY_API_OFF : LEGACY_API_ON;
	/* pprof_*: the profiler of another runtime */
	return true;
}

/* conntracct-HOST, but in lower case: no server takes any other. */
static void set_old_index(struct settings_sink *sink)
{
	char host[128] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(sink->index, sizeof(sink->index), "conntracct-%s", host);
	for (char *c = sink->index; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

void legacy_sink_init(struct settings_sink *sink, const char *word, bool is_old)
{
	if (!strcmp(word, "stderr"))
		snprintf(sink->path, sizeof(sink->path), "stderr");
	if (!strcmp(word, "influxdb-udp"))
		sink->api = SINK_API_UDP;
	if (!is_old)
		return;
	sink->schema = SINK_SCHEMA_CONNTRACCT;
	sink->events = 7; /* start, update, end */
	switch (sink->type) {
	case SINK_FILE:
		snprintf(sink->format, sizeof(sink->format), "conntracct");
		break;
	case SINK_INFLUXDB:
		sink->batch_records = 128;
		break;
	case SINK_ELASTICSEARCH:
		sink->batch_records = 2048;
		set_old_index(sink);
		break;
	case SINK_DUMMY:
		break;
	}
}

/* It listened on its port unless it was told not to. */
void legacy_settle_api(struct settings *settings, bool is_old)
{
	const bool wanted = is_old || settings->legacy_api == LEGACY_API_ON ||
			    settings->legacy_endpoint[0];

	if (!wanted || settings->legacy_api == LEGACY_API_OFF ||
	    strcmp(settings->listen_http, "off"))
		return;
	snprintf(settings->listen_http, sizeof(settings->listen_http), "%s",
		 settings->legacy_endpoint[0] ? settings->legacy_endpoint : "localhost:8000");
}

void legacy_finish(struct settings *settings)
{
	struct settings_sink *sink;

	if (settings->sink_count)
		return;
	sink = settings_add_sink(settings, "stdout", SINK_FILE);
	legacy_sink_init(sink, "stdout", true);
	sink->source_ports = true;
}

void legacy_apply_environment(struct settings *settings, char *const *environment,
			      struct config_errors *errors)
{
	const char *equals;

	for (; *environment; environment++) {
		struct node node = { .kind = NODE_SCALAR, .quoted = true };
		char key[24] = "", text[128];

		equals = strchr(*environment, '=');
		if (!equals || strncmp(*environment, "CT_", 3) ||
		    (size_t)(equals - *environment) - 3 >= sizeof(key))
			continue;
		memcpy(key, *environment + 3, (size_t)(equals - *environment) - 3);
		if (!is_top_key(key) || !strcasecmp(key, "probe"))
			continue;
		snprintf(text, sizeof(text), "%s", equals + 1);
		node.key = key;
		node.text = text;
		legacy_set(settings, &node, errors);
	}
}
