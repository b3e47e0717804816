// SPDX-License-Identifier: Apache-2.0
/*
 * Typed settings from text, wherever the text comes from: the command line, the
 * environment, a file. Knows no key by name; the schema does. A setting that is
 * refused leaves its old value.
 */
#include "config/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/why.h"
#include "config/schema.h"

#define KEY_SIZE 96
#define PREFIX "WEIR_"

void settings_init(struct settings *settings)
{
	const struct schema_row *row;
	int r;

	memset(settings, 0, sizeof(*settings));
	for (row = schema_table; row->key; row++) {
		r = schema_decode(row, settings, row->default_text, NULL);
		assert(r == 0);
		(void)r;
	}
}

/* Text may be plain or a JSON string: "/run/weir.sock" in quotes or without. */
static int decode_maybe_quoted(const struct schema_row *row, struct settings *settings,
			       const char *text, struct why *why)
{
	json_t *string;
	int r;

	if (*text != '"' || row->type == SCHEMA_REPORT)
		return schema_decode(row, settings, text, why);
	string = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!json_is_string(string))
		r = why_set(why, -EINVAL, "the quotes do not hold one JSON string");
	else
		r = schema_decode(row, settings, json_string_value(string), why);
	json_decref(string);
	return r;
}

static int unknown_key(const char *key, const char *where, const struct nearest *nearest,
		       struct why *why)
{
	if (nearest->best)
		return why_set(why, -ENOENT, "%s: unknown setting \"%.60s\"; did you mean %s?",
			       where, key, nearest->best);
	return why_set(why, -ENOENT, "%s: unknown setting \"%.60s\"", where, key);
}

static int set_row(struct settings *settings, const struct schema_row *row, void *base,
		   const char *value, struct why *why)
{
	if (base == settings)
		return decode_maybe_quoted(row, base, value, why);
	return schema_decode(row, base, value, why);
}

/* The type makes a sink that the file does not have; it changes none. */
static int set_type(struct settings *settings, const char *name, const char *value,
		    struct why *why)
{
	struct settings_sink *sink = settings_find_sink(settings, name);
	const struct schema_word *type;

	for (type = schema_sink_types; type->word && strcmp(type->word, value); type++)
		;
	if (!type->word)
		return why_set(why, -EINVAL, "unknown sink type \"%.60s\"; there are file, "
					     "influxdb, elasticsearch and dummy", value);
	if (sink && sink->type != (enum sink_type)type->value)
		return why_set(why, -EINVAL, "the sink has another type already");
	if (!sink && !settings_add_sink(settings, name, (enum sink_type)type->value))
		return why_set(why, -ERANGE, "more than %d sinks", SETTINGS_SINKS_MAX);
	return 0;
}

/* NAME.KEY, behind "sinks." */
static int set_of_sink(struct settings *settings, const char *key, const char *value,
		       const char *where, struct why *why)
{
	const char *dot = strrchr(key, '.');
	char name[SINK_NAME_SIZE] = "";
	struct nearest nearest = { 0 };
	const struct schema_row *row;
	struct settings_sink *sink;
	struct why inner = { "" };
	int r;

	if (!dot || dot == key || (size_t)(dot - key) >= sizeof(name))
		return why_set(why, -ENOENT, "%s: a setting of a sink is sinks.NAME.KEY", where);
	memcpy(name, key, (size_t)(dot - key));
	dot++;
	if (!strcmp(dot, "type")) {
		r = set_type(settings, name, value, &inner);
		return r < 0 ? why_set(why, r, "%s: %s", where, inner.text) : 0;
	}
	nearest = (struct nearest){ .word = dot, .n = strlen(dot) };
	row = schema_find(schema_sink_table, dot, &nearest);
	if (!row)
		return unknown_key(dot, where, &nearest, why);
	sink = settings_find_sink(settings, name);
	if (!sink)
		return why_set(why, -ENOENT, "%s: there is no sink \"%s\"; its type is set first",
			       where, name);
	r = set_row(settings, row, sink, value, &inner);
	return r < 0 ? why_set(why, r, "%s: %s: %.200s", where, row->key, inner.text) : 0;
}

int settings_set(struct settings *settings, const char *key, const char *value, const char *where,
		 struct why *why)
{
	struct nearest nearest = { .word = key, .n = strlen(key) };
	const struct schema_row *row;
	struct why inner = { "" };
	int r;

	if (!strncmp(key, "sinks.", 6))
		return set_of_sink(settings, key + 6, value, where, why);
	row = schema_find(schema_table, key, &nearest);
	if (!row)
		return unknown_key(key, where, &nearest, why);
	r = set_row(settings, row, settings, value, &inner);
	if (r < 0)
		return why_set(why, r, "%s: %s: %.200s", where, row->key, inner.text);
	return 0;
}

/* WEIR_TABLE__MAX_FLOWS without its prefix to table.max_flows. Lower case is
 * kept out, so that no key has two names. 0, or -EINVAL: too long for a key. */
static int key_from_environment(char ret[KEY_SIZE], const char *name, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++) {
		if (length == KEY_SIZE - 1)
			return -EINVAL;
		if (name[i] == '_' && i + 1 < n && name[i + 1] == '_') {
			ret[length++] = '.';
			i++;
		} else {
			ret[length++] = islower((unsigned char)name[i]) ?
						'?' :
						(char)tolower((unsigned char)name[i]);
		}
	}
	ret[length] = '\0';
	return 0;
}

/* table.max_flows to WEIR_TABLE__MAX_FLOWS: what the user should have typed. */
static void environment_from_key(char *ret, size_t size, const char *key)
{
	size_t length = strlen(PREFIX);

	memcpy(ret, PREFIX, length);
	for (; *key && length + 3 < size; key++) {
		if (*key == '.') {
			ret[length++] = '_';
			ret[length++] = '_';
		} else {
			ret[length++] = (char)toupper((unsigned char)*key);
		}
	}
	ret[length] = '\0';
}

static int set_from_environment(struct settings *settings, const char *variable, const char *equals,
				struct why *why)
{
	const size_t prefix = strlen(PREFIX), n = (size_t)(equals - variable);
	char key[KEY_SIZE], where[KEY_SIZE + sizeof(PREFIX)], meant[2 * KEY_SIZE];
	struct nearest nearest = { .word = key };

	if (key_from_environment(key, variable + prefix, n - prefix) < 0)
		return why_set(why, -ENOENT, "%.40s...: unknown setting, the name is too long",
			       variable);
	memcpy(where, variable, n < sizeof(where) - 1 ? n : sizeof(where) - 1);
	where[n < sizeof(where) - 1 ? n : sizeof(where) - 1] = '\0';
	nearest.n = strlen(key);
	if (!strncmp(key, "sinks.", 6) || schema_find(schema_table, key, &nearest))
		return settings_set(settings, key, equals + 1, where, why);
	if (!nearest.best)
		return why_set(why, -ENOENT, "%s: there is no such setting", where);
	environment_from_key(meant, sizeof(meant), nearest.best);
	return why_set(why, -ENOENT, "%s: there is no such setting; did you mean %s?", where,
		       meant);
}

static bool is_ours(const char *variable, const char *equals)
{
	static const char config[] = PREFIX "CONFIG", test[] = PREFIX "TEST_";
	const size_t n = (size_t)(equals - variable);

	if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0)
		return false;
	if (n == strlen(config) && !memcmp(variable, config, n))
		return false;
	return strncmp(variable, test, strlen(test)) != 0;
}

/* The type of a sink comes before what depends on it. */
static bool makes_a_sink(const char *variable, const char *equals)
{
	static const char sinks[] = PREFIX "SINKS__", type[] = "__TYPE";
	const size_t n = sizeof(type) - 1;

	return !strncmp(variable, sinks, sizeof(sinks) - 1) &&
	       (size_t)(equals - variable) > sizeof(sinks) - 1 + n &&
	       !memcmp(equals - n, type, n);
}

int settings_apply_environment(struct settings *settings, char *const *environment, struct why *why)
{
	char *const *variable;
	struct why first = { "" };
	unsigned more = 0;
	int r, error = 0;

	for (variable = environment; *variable; variable++) {
		const char *equals = strchr(*variable, '=');

		if (equals && makes_a_sink(*variable, equals))
			set_from_environment(settings, *variable, equals, NULL);
	}
	/* all are tried, so that one run tells how many are wrong */
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');

		if (!equals || !is_ours(*environment, equals))
			continue;
		r = set_from_environment(settings, *environment, equals, error ? NULL : &first);
		if (r < 0 && error)
			more++;
		else if (r < 0)
			error = r;
	}
	if (more)
		return why_set(why, error, "%.270s (and %u more)", first.text, more);
	return error ? why_set(why, error, "%s", first.text) : 0;
}

void settings_each_key(void (*visit)(void *context, const char *key, const char *default_text,
				     const char *help),
		       void *context)
{
	const struct schema_row *row;
	char key[KEY_SIZE];

	for (row = schema_table; row->key; row++)
		visit(context, row->key, row->default_text, row->help);
	visit(context, "sinks.NAME.type", "", "file, influxdb, elasticsearch or dummy");
	for (row = schema_sink_table; row->key; row++) {
		snprintf(key, sizeof(key), "sinks.NAME.%s", row->key);
		visit(context, key, row->default_text, row->help);
	}
}
