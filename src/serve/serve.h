/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVE_SERVE_H
#define WEIR_SERVE_SERVE_H

#include <stdbool.h>

struct why;
struct engine;
struct loop;

/* The API of docs/interface.md section 3 on a unix socket, answered by the
 * collector's own thread: libmicrohttpd's epoll descriptor sits in the loop, a
 * listing is produced in slices as the client reads it, so that no lock and no
 * copy of the table exists. */
struct serve;

struct serve_conf {
	struct engine *engine; /* borrowed */
	struct loop *loop;     /* borrowed */
	const char *socket_path; /* NULL: none. 0660, group weir if there is one */
	int connection_fd;     /* a connected socket to serve (private collector), given away; -1: none */
	/* Called when that connection has ended; NULL: nobody cares. */
	void (*on_connection_end)(void *context);
	void *context;
};

/* -EADDRINUSE: a daemon already listens there. A stale socket file is replaced
 * only under a lock (PATH.lock). */
int serve_open(struct serve **ret, const struct serve_conf *conf, struct why *why);
void serve_close(struct serve *serve); /* removes the socket file; NULL is a no-op */

#endif
