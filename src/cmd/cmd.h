/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_CMD_H
#define WEIR_CMD_CMD_H

/* One subcommand per file, one table that lists them. */
struct cmd {
	const char *name;
	const char *synopsis; /* what follows the name in usage */
	const char *help;     /* one line */
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns an EXIT_ code */
};

/* Ends with a NULL name. */
extern const struct cmd cmd_table[];

/* docs/interface.md section 1 */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,       /* usage or configuration */
	EXIT_PRIVILEGE = 3,
	EXIT_KERNEL = 4,      /* the kernel cannot do what was asked */
};

int cmd_run(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

#endif
