/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_COLLECTOR_H
#define WEIR_CMD_COLLECTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct client;
struct settings;
struct why;

/* Whom a command asks: the daemon, or a private collector of its own. */
struct collector {
	struct client *client; /* owned */
	pid_t pid;             /* the private collector; 0: there is a daemon */
};

/* Connects to the daemon; where none runs, starts a private collector that
 * changes nothing on this machine and waits until it has seen everything once.
 * Without privilege that is only done if `unprivileged` allows it: it then sees
 * the TCP sockets of the own namespace. Says what failed; -1 to go on, else the
 * exit code. */
int collector_open(struct collector *collector, const struct settings *settings,
		   bool unprivileged);
void collector_close(struct collector *collector);

/* The exit code for a failed request, said on stderr. */
int collector_failed(int r, const struct why *why);

#endif
