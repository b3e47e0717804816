// SPDX-License-Identifier: Apache-2.0
/* Finds the subcommand and runs it. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* What is opened first takes the lowest free number: without this records would
 * be written into whatever that was. True if there is a standard output. */
static bool hold_standard_three(void)
{
	const bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return has_output;
}

int main(int argc, char **argv)
{
	char list[] = "list", top[] = "top", *alone[] = { list, NULL }, *seen[] = { top, NULL };

	if (!hold_standard_three()) {
		fprintf(stderr, "weir: standard output is closed: give it a reader, a file or "
				"/dev/null\n");
		return EXIT_FAILED;
	}
	if (argc < 2) {
		if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
			return cmd_top(1, seen);
		return cmd_list(1, alone);
	}
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
