/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_SCHEMA_H
#define WEIR_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

struct why;
struct nearest;

/* How the text of a setting becomes a value, and what it is stored as. */
enum schema_type {
	SCHEMA_BOOL,     /* bool, from words */
	SCHEMA_WORD,     /* an enum (int), from words */
	SCHEMA_U32,      /* uint32_t within min and max */
	SCHEMA_DURATION, /* uint64_t, ns, within min and max */
	SCHEMA_SIZE,     /* uint64_t, bytes, within min and max */
	SCHEMA_TEXT,     /* char[max]: at most max - 1 bytes */
	SCHEMA_PATH,     /* char[max]: at least one byte, at most max - 1 */
	SCHEMA_REPORT,   /* report and report_count: JSON; every age and every <= max */
};

struct schema_word {
	const char *word; /* NULL ends the list */
	int value;
};

struct schema_row {
	const char *key;
	enum schema_type type;
	size_t offset; /* in struct settings */
	uint64_t min, max;
	const struct schema_word *words;
	const char *default_text; /* decoded like anybody's text */
	const char *help;
};

/* Every key, in the order of the documentation; ends with a NULL key. */
extern const struct schema_row schema_table[];

/* The row of the key, or NULL; `nearest` (may be NULL) is then offered all. */
const struct schema_row *schema_find(const char *key, struct nearest *nearest);

/* Decodes text into the member of settings that the row names; untouched on
 * failure. -EINVAL, -ERANGE, -ENOMEM and a sentence without the key. */
int schema_decode(const struct schema_row *row, void *settings, const char *text, struct why *why);

#endif
