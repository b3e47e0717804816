/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_FLAGS_H
#define WEIR_CMD_FLAGS_H

#include <stddef.h>

/* The flags of every command, in one table. */

enum {
	OPTION_PID = 256, OPTION_COMM, OPTION_USER, OPTION_CONTAINER, OPTION_ZONE, OPTION_MARK,
	OPTION_COLUMNS, OPTION_BYTES, OPTION_NO_COLOR, OPTION_SOCKET, OPTION_SOURCE, OPTION_EXPLAIN,
	OPTION_TRACK, OPTION_RECORD, OPTION_REPLAY, OPTION_WATCH,
	OPTION_INCREMENTAL, OPTION_HEADER_BYTES,
};

struct flag {
	const char *name;
	int letter;           /* or OPTION_ */
	const char *argument; /* NULL: takes none */
	unsigned takes;       /* TAKES_ of options.h; 0: every command */
	const char *help;
};

extern const struct flag flag_table[];
extern const size_t flag_count;

#endif
