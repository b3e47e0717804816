/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_RESOLVE_H
#define WEIR_CMD_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/rewrite.h"

struct buf;
struct names;
struct options;
struct why;

/* What --resolve does with tables and trace lines. Zeroed is without names. */
struct resolve {
	struct names *names; /* owned; NULL: numbers stay */
	struct rewrite rewrite;
	uint64_t now_boot_ns;
	bool awaits;         /* something that was asked since this was false is to come */
	uint64_t patience_ns; /* for a table */
	char *columns;       /* owned: of resolve_columns */
};

/* As options want it. 0, or -ENOMEM with the sentence. */
int resolve_init(struct resolve *resolve, const struct options *options, struct why *why);
void resolve_fini(struct resolve *resolve);

/* The columns to ask for where those are wanted (NULL: the default ones), so that the
 * table tells what its ports are of; always with a header then. Borrowed. */
const char *resolve_columns(struct resolve *resolve, const char *columns);
/* A table that was asked for so: waits for names, a while, and puts them in. 0 or -ENOMEM. */
int resolve_table(struct resolve *resolve, struct buf *rows, struct why *why);

#endif
