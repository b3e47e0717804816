/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_COLLECTOR_H
#define WEIR_CMD_COLLECTOR_H

#include <sys/types.h>

struct client;
struct settings;
struct why;

/* Whom a command asks: the daemon, or a private collector of its own. */
struct collector {
	struct client *client; /* owned */
	pid_t pid;             /* the private collector; 0: there is a daemon */
	int ended_fd;          /* owned: readable once the private collector has ended, which
				* no other replaces; -1: there is a daemon (or no pidfd) */
};

enum collector_wish {
	COLLECTOR_PRIVILEGED,   /* without privilege there is no private one */
	COLLECTOR_UNPRIVILEGED, /* it then sees the TCP sockets of the own namespace, */
	COLLECTOR_QUIET,        /* and who shows its notice anyhow wants no warning */
};

/* Connects to the daemon; where none runs, starts a private collector that
 * changes nothing on this machine and waits until it has seen everything once.
 * With replay_path (else NULL) always a private one, which shows what that recording
 * leaves. Says what failed; -1 to go on, else the exit code. */
int collector_open(struct collector *collector, const struct settings *settings,
		   enum collector_wish wish, const char *replay_path);
/* Ends the private collector; one that does not end is killed, which is said. */
void collector_close(struct collector *collector);

/* The exit code for a failed request, said on stderr; before collector_close. Of a private
 * collector that went away it says how it ended. */
int collector_failed(const struct collector *collector, int r, const struct why *why);

#endif
