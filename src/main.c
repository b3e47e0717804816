// SPDX-License-Identifier: Apache-2.0
/* Finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/cmd.h"
#include "cmd/help.h"

static int unknown(const char *word)
{
	struct nearest nearest = { .word = word, .n = strlen(word) };

	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++)
		nearest_offer(&nearest, cmd->name);
	if (nearest.best)
		fprintf(stderr, "weir: unknown command \"%s\", did you mean %s?\n", word,
			nearest.best);
	else
		fprintf(stderr, "weir: unknown command \"%s\"; weir help lists them\n", word);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	char list[] = "list", *alone[] = { list, NULL };

	if (argc < 2)
		return cmd_list(1, alone);
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		help_commands(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version"))
		return cmd_version(1, argv + 1);
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		if (!strcmp(cmd->name, argv[1]))
			return cmd->run(argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}
