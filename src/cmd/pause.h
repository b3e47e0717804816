/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_PAUSE_H
#define WEIR_CMD_PAUSE_H

#include <stdbool.h>

/* The pause between two rounds, which Enter ends. */
struct pause {
	bool is_deaf; /* there is no Enter, or no more */
};

/* Hears a terminal; and where it is `wanted` whatever standard input is. Else that is
 * somebody else's: of the loop of a script, say. */
struct pause pause_begin(bool wanted);

/* Whether a line was typed; reads what is there (standard input is readable). */
bool pause_reads_enter(struct pause *pause);
/* For that long, or until Enter. */
void pause_wait(struct pause *pause, unsigned long long ns);
/* From now on Ctrl-C and SIGTERM end the command with 0: it was asked to go on until
 * then, and has nothing to put in order. */
void pause_end_by_signals(void);

#endif
