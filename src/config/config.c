// SPDX-License-Identifier: Apache-2.0
/*
 * From a file to settings: the tree is walked against the schema, and everything
 * that does not fit is told with its place. Nothing of a bad file is used.
 */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/why.h"
#include "config/apart.h"
#include "config/legacy.h"
#include "config/schema.h"
#include "config/tree.h"

#define KEY_SIZE 96

struct loading {
	struct settings *settings;
	const struct config_conf *conf;
	struct config_errors *errors;
	bool is_old;
	/* where each sink stands, for what is found wrong with it as a whole */
	const struct node *sink_node[SETTINGS_SINKS_MAX];
};

/* --- the file ------------------------------------------------------------------- */

/* Root does not obey what somebody else may have written. */
static int check_owner(const char *path, const struct stat *st, struct why *why)
{
	if (S_ISDIR(st->st_mode))
		return why_set(why, -EBADMSG, "%.200s: this is a folder", path);
	if (geteuid() != 0 || !S_ISREG(st->st_mode)) /* a pipe, or -c /dev/null */
		return 0;
	if (st->st_uid != 0)
		return why_set(why, -EBADMSG, "%.200s belongs to user %u: as root, only root's own "
					      "files are read", path, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return why_set(why, -EBADMSG, "%.200s can be written by others than root (chmod "
					      "go-w)", path);
	return 0;
}

static int read_file(struct buf *buf, const char *path, bool checked, struct why *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t n = 1;
	char *room;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = why_set(why, -EBADMSG, "%.200s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = checked ? check_owner(path, &st, why) : 0;
	while (r == 0 && n > 0 && buf->len <= TREE_BYTES_MAX) {
		room = buf_reserve(buf, 65536);
		n = room ? read(fd, room, 65536) : -1;
		if (n > 0)
			buf->len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			r = why_set(why, -EBADMSG, "%.200s: %s", path, strerror(errno));
		else if (n < 0)
			n = 1;
	}
	close(fd);
	return r;
}

/* --- values --------------------------------------------------------------------- */

static const char *variable(const struct loading *loading, const char *name, size_t n)
{
	char *const *environment = loading->conf->environment;

	for (; environment && *environment; environment++) {
		if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
			return *environment + n + 1;
	}
	return NULL;
}

/* Appends text with every ${NAME} replaced; $${ stands for ${. */
static bool expand(struct loading *loading, const struct node *node, struct buf *buf)
{
	const char *text = node->text, *end, *value;

	while (*text) {
		if (!strncmp(text, "$${", 3)) {
			buf_puts(buf, "${");
			text += 3;
			continue;
		}
		end = strncmp(text, "${", 2) ? NULL : strchr(text, '}');
		if (!end) {
			buf_putc(buf, *text++);
			continue;
		}
		value = variable(loading, text + 2, (size_t)(end - text) - 2);
		if (!value) {
			config_error(loading->errors, node, "the variable %.*s is not set",
				     (int)(end - text - 2), text + 2);
			return false;
		}
		buf_puts(buf, value);
		text = end + 1;
	}
	return true;
}

static bool takes_lists(const struct schema_row *row)
{
	return row->type == SCHEMA_REPORT || row->type == SCHEMA_EVENTS ||
	       row->type == SCHEMA_URLS || row->type == SCHEMA_PORTS;
}

/* The text of the node as the row's decoder wants it, terminated. */
static bool text_of(struct loading *loading, const struct schema_row *row,
		    const struct node *node, struct buf *buf)
{
	if (node->kind == NODE_SCALAR) {
		if (!expand(loading, node, buf))
			return false;
	} else if (node->kind == NODE_LIST && takes_lists(row)) {
		node_json(node, buf);
	} else {
		config_error(loading->errors, node, "%s: %s is wanted, not a %s", row->key,
			     takes_lists(row) ? "a list" : "a single value",
			     node->kind == NODE_LIST ? "list" : "map");
		return false;
	}
	buf_putc(buf, '\0');
	if (!buf->error)
		return true;
	config_error(loading->errors, node, "no memory");
	return false;
}

static void check_filter(struct loading *loading, const struct node *node, const char *text)
{
	struct why why = { "" };
	unsigned column = 0;

	if (!loading->conf->check_filter ||
	    loading->conf->check_filter(text, &column, &why) == 0)
		return;
	config_error(loading->errors, node, "%s", why.text);
}

static void set(struct loading *loading, const struct schema_row *row, void *base,
		const struct node *node)
{
	struct buf buf = { 0 };
	struct why why = { "" };

	if (node_is_null(node)) /* `key:` leaves the default */
		return;
	if (text_of(loading, row, node, &buf)) {
		if (schema_decode(row, base, buf.data, &why) < 0)
			config_error(loading->errors, node, "%s: %s", row->key, why.text);
		else if (!strcmp(row->key, "filter"))
			check_filter(loading, node, buf.data);
	}
	buf_fini(&buf);
}

/* --- sinks ------------------------------------------------------------------------ */

static void unknown(struct loading *loading, const struct node *node, const char *key,
		    const struct nearest *nearest)
{
	if (nearest->best)
		config_error(loading->errors, node, "unknown setting \"%.80s\"; did you mean %s?",
			     key, nearest->best);
	else
		config_error(loading->errors, node, "unknown setting \"%.80s\"", key);
}

/* password_file: FILE */
static bool set_from_file(struct loading *loading, struct settings_sink *sink,
			  const struct node *node)
{
	static const char suffix[] = "_file";
	const size_t n = strlen(node->key), m = sizeof(suffix) - 1;
	char key[KEY_SIZE], path[CONFIG_PATH_SIZE];
	const char *credentials = variable(loading, "CREDENTIALS_DIRECTORY", 21);
	const struct schema_row *row;
	struct buf text = { 0 };
	struct why why = { "" };

	if (n <= m || n - m >= sizeof(key) || strcmp(node->key + n - m, suffix))
		return false;
	memcpy(key, node->key, n - m);
	key[n - m] = '\0';
	row = schema_find(schema_sink_table, key, NULL);
	if (!row || !row->secret)
		return false;
	if (node->kind != NODE_SCALAR) {
		config_error(loading->errors, node, "%s: a path is wanted", node->key);
		return true;
	}
	if (node->text[0] == '/' || !credentials)
		snprintf(path, sizeof(path), "%s", node->text);
	else
		snprintf(path, sizeof(path), "%s/%s", credentials, node->text);
	if (read_file(&text, path, false, &why) == 0) {
		while (text.len && (text.data[text.len - 1] == '\n' ||
				    text.data[text.len - 1] == '\r'))
			text.len--;
		buf_putc(&text, '\0');
		if (text.error || strlen(text.data) + 1 != text.len ||
		    schema_decode(row, sink, text.data, &why) < 0)
			config_error(loading->errors, node, "%s: %s", node->key,
				     why.text[0] ? why.text : "the file does not hold one line");
	} else {
		config_error(loading->errors, node, "%s: %s", node->key, why.text);
	}
	buf_fini(&text);
	return true;
}

static void set_of_sink(struct loading *loading, struct settings_sink *sink,
			const struct node *node)
{
	const char *key = legacy_sink_key(node->key);
	struct nearest nearest = { .word = node->key, .n = strlen(node->key) };
	const struct schema_row *row;

	if (!key)
		key = node->key;
	if (!strcmp(key, "type") || set_from_file(loading, sink, node))
		return;
	if (!strcasecmp(key, "database") && sink->type == SINK_ELASTICSEARCH)
		key = "index"; /* as the old tool called it */
	row = schema_find(schema_sink_table, key, &nearest);
	if (!row)
		unknown(loading, node, node->key, &nearest);
	else if (loading->is_old && row->sinks && !(row->sinks >> sink->type & 1))
		return; /* it did not mind */
	else if (row->sinks && !(row->sinks >> sink->type & 1))
		config_error(loading->errors, node, "%s means nothing to a sink of this type",
			     node->key);
	else if (loading->is_old && !strcmp(key, "timeout") && node->kind == NODE_SCALAR &&
		 strspn(node->text, "0123456789") == strlen(node->text))
		sink->timeout_ns = strtoull(node->text, NULL, 10) ?: sink->timeout_ns;
	else
		set(loading, row, sink, node);
}

/* host:port was enough for the old tool. */
static void mend_old_urls(struct settings_sink *sink)
{
	char url[SINK_TEXT_SIZE];

	if (sink->type == SINK_INFLUXDB && sink->api == SINK_API_UDP)
		return;
	for (uint32_t i = 0; i < sink->url_count; i++) {
		if (strstr(sink->url[i], "://"))
			continue;
		snprintf(url, sizeof(url), "http://%.*s", SINK_TEXT_SIZE - 8, sink->url[i]);
		memcpy(sink->url[i], url, sizeof(url));
	}
}

static int type_of(struct loading *loading, const struct node *node, const char **word)
{
	const struct node *type = node_find(node, "type");
	struct nearest nearest;
	int legacy;

	if (!type || type->kind != NODE_SCALAR) {
		config_error(loading->errors, type ? type : node,
			     "sink %.40s: its type is missing: file, influxdb, elasticsearch or "
			     "dummy", node->key);
		return -1;
	}
	*word = type->text;
	nearest = (struct nearest){ .word = *word, .n = strlen(*word) };
	for (const struct schema_word *known = schema_sink_types; known->word; known++) {
		if (!strcmp(known->word, *word))
			return known->value;
		nearest_offer(&nearest, known->word);
	}
	legacy = legacy_sink_type(*word);
	if (legacy < 0)
		config_error(loading->errors, type, "unknown sink type \"%.40s\"%s%s%s", *word,
			     nearest.best ? "; did you mean " : "; there are file, influxdb, "
								"elasticsearch and dummy",
			     nearest.best ? nearest.best : "", nearest.best ? "?" : "");
	return legacy;
}

static void set_sink(struct loading *loading, const struct node *node)
{
	struct settings_sink *sink;
	const struct node *member;
	const char *word = "";
	int type;

	if (node->kind != NODE_MAP) {
		config_error(loading->errors, node, "sink %.40s: a map is wanted, with its type",
			     node->key);
		return;
	}
	if (strlen(node->key) >= SINK_NAME_SIZE) {
		config_error(loading->errors, node, "the name of a sink has at most %d bytes",
			     SINK_NAME_SIZE - 1);
		return;
	}
	type = type_of(loading, node, &word);
	if (type < 0)
		return;
	if (settings_find_sink(loading->settings, node->key)) {
		config_error(loading->errors, node, "there is a sink %.40s already (letter case "
						    "does not count)", node->key);
		return;
	}
	sink = settings_add_sink(loading->settings, node->key, (enum sink_type)type);
	if (!sink) {
		config_error(loading->errors, node, "more than %d sinks", SETTINGS_SINKS_MAX);
		return;
	}
	loading->sink_node[sink - loading->settings->sink] = node;
	legacy_sink_init(sink, word, loading->is_old);
	for (member = node->first; member; member = member->next)
		set_of_sink(loading, sink, member);
	mend_old_urls(sink);
}

/* --- the tree ----------------------------------------------------------------------- */

static bool is_prefix(const char *key)
{
	const size_t n = strlen(key);
	const struct schema_row *row;

	for (row = schema_table; row->key; row++) {
		if (!strncmp(row->key, key, n) && row->key[n] == '.')
			return true;
	}
	return false;
}

static void set_one(struct loading *loading, const struct node *node, const char *key)
{
	struct nearest nearest = { .word = key, .n = strlen(key) };
	const struct schema_row *row = schema_find(schema_table, key, &nearest);

	if (row)
		set(loading, row, loading->settings, node);
	else if (is_prefix(key) && node_is_null(node))
		return;
	else if (is_prefix(key))
		config_error(loading->errors, node, "%s: a map is wanted", key);
	else
		unknown(loading, node, key, &nearest);
}

static void set_group(struct loading *loading, const struct node *group)
{
	const struct node *node;
	char key[2 * KEY_SIZE];

	for (node = group->first; node; node = node->next) {
		snprintf(key, sizeof(key), "%.90s.%.90s", group->key, node->key);
		set_one(loading, node, key);
	}
}

static void set_top(struct loading *loading, const struct node *node)
{
	const struct node *sink;

	if (!strcmp(node->key, "sinks")) {
		if (node->kind != NODE_MAP && !node_is_null(node))
			config_error(loading->errors, node, "sinks: a map is wanted, NAME: {type: "
							    "...}");
		for (sink = node->kind == NODE_MAP ? node->first : NULL; sink; sink = sink->next)
			set_sink(loading, sink);
		return;
	}
	if (legacy_set(loading->settings, node, loading->errors))
		return;
	if (node->kind == NODE_MAP && is_prefix(node->key))
		set_group(loading, node);
	else
		set_one(loading, node, node->key);
}

static void check_whole(struct loading *loading)
{
	const struct settings_sink *sink = NULL;
	struct why why = { "" };
	const struct node *node;

	if (settings_check(loading->settings, &sink, &why) == 0)
		return;
	node = loading->sink_node[sink - loading->settings->sink];
	if (node)
		config_error(loading->errors, node, "%s", why.text);
	else
		config_error_text(loading->errors, why.text);
}

static void load_file(struct loading *loading, struct config_origin *origin)
{
	struct buf text = { 0 };
	struct why why = { "" };
	struct node *root = NULL;
	const struct node *node;

	if (read_file(&text, origin->path, true, &why) < 0)
		config_error_text(loading->errors, why.text);
	else
		root = apart_read(origin->path, text.data ? text.data : "", text.len,
				  loading->errors);
	buf_fini(&text);
	if (!root)
		return;
	loading->is_old = origin->is_old = legacy_is_file(root);
	for (node = root->first; node; node = node->next)
		set_top(loading, node);
	if (loading->is_old) {
		legacy_finish(loading->settings);
		legacy_apply_environment(loading->settings, loading->conf->environment,
					 loading->errors);
		snprintf(origin->notice, sizeof(origin->notice),
			 "%.160s is a configuration of conntracct: its sinks write what it wrote",
			 origin->path);
	}
	legacy_settle_api(loading->settings, loading->is_old);
	check_whole(loading);
	node_free(root);
	memset(loading->sink_node, 0, sizeof(loading->sink_node));
}

int config_load(struct settings *settings, struct config_origin *origin,
		const struct config_conf *conf, struct config_errors *errors)
{
	struct loading loading = { .settings = settings, .conf = conf, .errors = errors };
	struct why why = { "" };

	settings_init(settings);
	memset(origin, 0, sizeof(*origin));
	if (config_find(origin->path, conf->path, conf->environment, &why) < 0) {
		config_error_text(errors, why.text);
		return -EBADMSG;
	}
	errors->path = origin->path;
	if (origin->path[0])
		load_file(&loading, origin);
	if (settings_apply_environment(settings, conf->environment, &why) < 0)
		config_error_text(errors, why.text);
	if (!errors->count)
		check_whole(&loading);
	errors->path = NULL;
	return errors->count ? -EBADMSG : 0;
}
