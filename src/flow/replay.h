/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_REPLAY_H
#define WEIR_FLOW_REPLAY_H

#include <stdint.h>
#include <stdio.h>

#include "flow/table.h"

struct why;

/* A recording of observations ("weir run --record") and the table that it is fed to:
 * the line "clock", then one observation a line; empty lines and those that begin with #
 * are for the reader. The table is advanced to each of its deadlines before it sees what
 * came later, so that it makes the records that it made then. Zeroed is ready. */
struct replay {
	struct table *table;  /* made by the line "clock"; the caller frees it */
	uint64_t now_boot_ns; /* the latest observation's, on the recorded clock */
};

/* The whole file; conf lacks the clocks, which are the recording's. 0, or -errno with the
 * sentence, which says the line; what was read before it stays fed. */
int replay_file(struct replay *replay, const struct table_conf *conf, FILE *file,
		struct why *why);
/* To each of its deadlines until then. */
void replay_advance(struct replay *replay, uint64_t boot_ns);

#endif
