/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_SCHEMA_H
#define WEIR_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;
struct buf;
struct nearest;

/* How the text of a setting becomes a value, and what it is stored as. */
enum schema_type {
	SCHEMA_BOOL,     /* bool, from words */
	SCHEMA_WORD,     /* an enum (int), from words */
	SCHEMA_U32,      /* uint32_t within min and max */
	SCHEMA_DURATION, /* uint64_t, ns, within min and max */
	SCHEMA_SIZE,     /* uint64_t, bytes, within min and max */
	SCHEMA_TEXT,     /* char[max]: at most max - 1 bytes; with words, one of them */
	SCHEMA_PATH,     /* char[max]: at least one byte, at most max - 1 */
	SCHEMA_ENDPOINT, /* char[max]: where to listen (base/endpoint.h), or "off" */
	SCHEMA_REPORT,   /* report and report_count: JSON; every age and every <= max */
	SCHEMA_EVENTS,   /* uint32_t, bit per enum event: names, by commas or as JSON list */
	SCHEMA_URLS,     /* url and url_count of a sink: one, by commas, or as JSON list */
	SCHEMA_PORTS,    /* struct settings_ports: numbers, by commas or as JSON list */
};

struct schema_word {
	const char *word; /* NULL ends the list */
	int value;
};

struct schema_row {
	const char *key;
	enum schema_type type;
	size_t offset; /* in struct settings, or settings_sink */
	uint64_t min, max;
	const struct schema_word *words;
	const char *default_text; /* decoded like anybody's text */
	const char *help;
	bool secret;    /* never shown; KEY_file names a file that holds it */
	uint32_t sinks; /* of a sink: bit per enum sink_type that knows it; 0: all */
};

/* Every key, in the order of the documentation; ends with a NULL key. */
extern const struct schema_row schema_table[];
/* Every key of a sink (`sinks.NAME.KEY`) but its type; likewise. */
extern const struct schema_row schema_sink_table[];
/* The words of `sinks.NAME.type`, enum sink_type. */
extern const struct schema_word schema_sink_types[];

/* The row of the key in that table, or NULL; `nearest` (may be NULL) is then offered all. */
const struct schema_row *schema_find(const struct schema_row *table, const char *key,
				     struct nearest *nearest);
/* What a sink of that type has before anything is set: the text of the row's
 * default, or of what that type has instead. */
const char *schema_sink_default(const struct schema_row *row, int type);

/* Decodes text into the member of settings that the row names; untouched on
 * failure. -EINVAL, -ERANGE, -ENOMEM and a sentence without the key. */
int schema_decode(const struct schema_row *row, void *settings, const char *text, struct why *why);

/* The text that schema_decode would take for what the member holds, appended;
 * lists as JSON. */
void schema_print(const struct schema_row *row, const void *settings, struct buf *buf);

#endif
