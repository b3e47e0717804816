// SPDX-License-Identifier: Apache-2.0
/*
 * Settings as YAML: what is in force, and an example of everything. Both can be
 * read back. Secrets are masked, in addresses too.
 */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/config.h"
#include "config/schema.h"

#define MASK "\"********\""

/* The group of "table.max_flows"; its length, 0: none. */
static size_t group_of(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot ? (size_t)(dot - key) : 0;
}

/* Keys of one group stand together in the table. */
static const char *enter_group(struct buf *buf, const struct schema_row *row)
{
	const size_t n = group_of(row->key);

	if (!n)
		return row->key;
	if (row == schema_table || group_of(row[-1].key) != n ||
	    memcmp(row[-1].key, row->key, n))
		buf_printf(buf, "%.*s:\n", (int)n, row->key);
	buf_puts(buf, "  ");
	return row->key + n + 1;
}

/* An address without what may be secret in it: who asks (a token can stand for a
 * name), and what for (InfluxDB takes ?u=&p=). Nothing tells how long that is. */
static void print_url(struct buf *buf, const char *url)
{
	const char *scheme = strstr(url, "://"), *user = scheme ? scheme + 3 : url;
	const size_t authority = strcspn(user, "/?#");
	const char *at = memrchr(user, '@', authority), *query = strchr(user, '?');
	struct buf masked = { 0 };

	buf_append(&masked, url, (size_t)(user - url));
	if (at) {
		buf_puts(&masked, "***");
		user = at;
	}
	buf_append(&masked, user, query ? (size_t)(query - user) : strlen(user));
	if (query)
		buf_puts(&masked, "?***");
	json_append_string(buf, masked.data, masked.len);
	buf_fini(&masked);
}

static void print_urls(struct buf *buf, const struct settings_sink *sink)
{
	buf_putc(buf, '[');
	for (uint32_t i = 0; i < sink->url_count; i++) {
		buf_puts(buf, i ? ", " : "");
		print_url(buf, sink->url[i]);
	}
	buf_putc(buf, ']');
}

static bool is_default(const struct schema_row *row, const struct settings_sink *sink)
{
	struct settings_sink usual;
	struct buf is = { 0 }, was = { 0 };
	bool same;

	settings_sink_init(&usual, sink->name, sink->type);
	schema_print(row, sink, &is);
	schema_print(row, &usual, &was);
	same = is.len == was.len && !memcmp(is.data, was.data, is.len);
	buf_fini(&is);
	buf_fini(&was);
	return same;
}

static const char *type_word(enum sink_type type)
{
	const struct schema_word *word = schema_sink_types;

	while (word->word && word->value != (int)type)
		word++;
	return word->word ? word->word : "";
}

static void show_sink(const struct settings_sink *sink, struct buf *buf)
{
	const struct schema_row *row;

	buf_printf(buf, "  %s:\n    type: %s\n", sink->name, type_word(sink->type));
	for (row = schema_sink_table; row->key; row++) {
		if ((row->sinks && !(row->sinks >> sink->type & 1)) || is_default(row, sink))
			continue;
		buf_printf(buf, "    %s: ", row->key);
		if (row->secret)
			buf_puts(buf, MASK);
		else if (row->type == SCHEMA_URLS)
			print_urls(buf, sink);
		else
			schema_print(row, sink, buf);
		buf_putc(buf, '\n');
	}
}

void config_show(const struct settings *settings, struct buf *buf)
{
	const struct schema_row *row;

	for (row = schema_table; row->key; row++) {
		buf_printf(buf, "%s: ", enter_group(buf, row));
		schema_print(row, settings, buf);
		buf_putc(buf, '\n');
	}
	if (settings->sink_count)
		buf_puts(buf, "sinks:\n");
	for (size_t i = 0; i < settings->sink_count; i++)
		show_sink(&settings->sink[i], buf);
}

/* --- the example -------------------------------------------------------------------- */

static void comment(struct buf *buf, const char *indent, const char *help)
{
	const size_t width = 78 - strlen(indent);
	size_t n;

	while (*help) {
		n = strlen(help);
		if (n > width) {
			n = width;
			while (n && help[n] != ' ')
				n--;
		}
		buf_printf(buf, "%s# %.*s\n", indent, (int)n, help);
		help += n;
		help += strspn(help, " ");
	}
}

/* Sinks are all commented out: whoever starts the example writes to nobody. */
static void example_sink(struct buf *buf, const char *name, enum sink_type type)
{
	const struct schema_row *row;
	struct settings_sink sink;

	settings_sink_init(&sink, name, type);
	buf_printf(buf, "#\n#  %s:\n#    type: %s\n", name, type_word(type));
	for (row = schema_sink_table; row->key; row++) {
		if (row->sinks && !(row->sinks >> type & 1))
			continue;
		comment(buf, "#    ", row->help);
		buf_printf(buf, "#    %s: ", row->key);
		schema_print(row, &sink, buf);
		buf_putc(buf, '\n');
	}
}

void config_example(struct buf *buf)
{
	struct settings settings;
	const struct schema_row *row;
	size_t n;

	settings_init(&settings);
	buf_puts(buf, "# The configuration of weir: every setting with its default. The same tree\n"
		      "# may be written in JSON or TOML. weir config check FILE reads it as weir\n"
		      "# run would. Durations: ms s m h d; sizes are powers of 1024: k M G T.\n\n");
	for (row = schema_table; row->key; row++) {
		n = group_of(row->key);
		enter_group(buf, row);
		if (n) /* the comment goes above the indented key */
			buf->len -= 2;
		comment(buf, n ? "  " : "", row->help);
		buf_printf(buf, "%s%s: ", n ? "  " : "", row->key + (n ? n + 1 : 0));
		schema_print(row, &settings, buf);
		buf_putc(buf, '\n');
	}
	buf_puts(buf, "\n# Where records go, besides the socket: any number of sinks, each with a\n"
		      "# name. Without one, weir run writes to standard output.\n#sinks:\n");
	example_sink(buf, "lines", SINK_FILE);
	example_sink(buf, "influx", SINK_INFLUXDB);
	example_sink(buf, "search", SINK_ELASTICSEARCH);
}
