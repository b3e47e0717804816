/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_ERRORS_H
#define WEIR_CONFIG_ERRORS_H

#include "base/buf.h"

struct node;

/* Everything that is wrong with a configuration, a line each, in the order in
 * which it was found. Zeroed is ready. */
struct config_errors {
	const char *path;  /* borrowed: the file that is being read, or NULL */
	struct buf text;   /* owned: lines "FILE:LINE:COLUMN: SENTENCE\n" */
	unsigned count;    /* all, also those that found no room in text */
};

/* Beyond so many they are only counted. */
#define CONFIG_ERRORS_SHOWN 100

void config_errors_fini(struct config_errors *errors);
/* At a line and column of the file, both from 1. */
void config_error_at(struct config_errors *errors, unsigned line, unsigned column,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* At where the node begins. */
void config_error(struct config_errors *errors, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* About no place of a file: the sentence says where. */
void config_error_text(struct config_errors *errors, const char *sentence);

#endif
