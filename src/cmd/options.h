/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_OPTIONS_H
#define WEIR_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"

struct encoder;

/* Which flags a command takes, besides those all take. */
enum {
	TAKES_FILTER = 1 << 0,   /* a filter and the flags that add to it */
	TAKES_TABLE = 1 << 1,    /* columns, order, limits */
	TAKES_INTERVAL = 1 << 2, /* [INTERVAL [COUNT]] after the filter */
	TAKES_RUN = 1 << 3,      /* --track, --record */
	TAKES_TOP = 1 << 4,      /* order and looks, no format */
	TAKES_NAMES = 1 << 5,    /* --resolve, --numeric */
};

struct options {
	const char *config_path; /* of -c, borrowed from argv; NULL: searched for */
	const char *output;            /* as typed; NULL: the command's default */
	const struct encoder *encoder; /* the same, resolved */
	char *filter;                  /* owned: the expression, flags added */
	char *typed, *chosen;          /* owned: its parts, of the words and of the flags */
	const char *columns, *sort, *limit;
	const char *record_path, *replay_path; /* borrowed from argv */
	bool all, wide, no_header, bits, exact, no_color, explain;
	bool processes, info, extended, resolve;
	bool incremental, header_bytes; /* of -o nettracer */
	bool watch;                     /* the interval is of --watch */
	uint64_t interval_ns, count;   /* 0: once */
	bool repeat;
};

/* Reads flags and the filter of a command into both, environment first. Returns
 * -1 to go on, else the exit code (help was shown, or an error said). */
int options_parse(struct options *options, struct settings *settings, unsigned takes, int argc,
		  char **argv);
void options_fini(struct options *options);

/* Prints what a command takes. */
void options_usage(const char *command, const char *synopsis, unsigned takes);

#endif
