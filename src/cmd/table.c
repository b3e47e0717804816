// SPDX-License-Identifier: Apache-2.0
/* Every command, in the order of weir help. */
#include <stddef.h>

#include "cmd/cmd.h"

const struct cmd cmd_table[] = {
	{ "top", "[FLAGS] [FILTER] [INTERVAL [COUNT]]",
	  "the live view: who talks to whom, how well",
	  cmd_top },
	{ "list", "[FLAGS] [FILTER] [INTERVAL [COUNT]]", "the flows alive now", cmd_list },
	{ "trace", "[FLAGS] [FILTER]", "one line per event as it happens", cmd_trace },
	{ "run", "[FLAGS] [FILTER]", "collect in the foreground, serve the other commands",
	  cmd_run },
	{ "stats", "[FLAGS]", "what the collector did and lost", cmd_stats },
	{ "doctor", "[FLAGS]", "what this kernel and these privileges allow", cmd_doctor },
	{ "config", "check|show [FILE] | example", "check, print or explain the configuration",
	  cmd_config },
	{ "version", "", "version, commit, compiler", cmd_version },
	{ "help", "[COMMAND|fields|filter|settings]", "this, or more on one thing", cmd_help },
	{ NULL, NULL, NULL, NULL },
};
