/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SERVE_SERVE_H
#define WEIR_SERVE_SERVE_H

#include <sys/types.h>

struct why;
struct engine;
struct loop;

/* The API of docs/interface.md section 3 on a unix socket and, in part, over TCP,
 * answered by the collector's own thread: libmicrohttpd's epoll descriptor sits in
 * the loop, a listing is produced in slices as the client reads it, so that no lock
 * and no copy of the table exists. */
struct serve;

struct serve_conf {
	struct engine *engine; /* borrowed */
	struct loop *loop;     /* borrowed */
	const char *socket_path; /* NULL: none. 0660, group weir if there is one */
	int listen_fd;   /* a listening unix socket, given away (private collector); -1: none */
	pid_t only_pid;  /* of listen_fd: whoever else connects is turned away */
	/* Borrowed for its life; NULL: none. */
	const char *http;       /* where to listen over TCP as well (base/endpoint.h) */
	const char *token_file; /* whoever has that token may have all over TCP */
	const char *hosts;      /* names, by commas, that a Host header may have */
};

/* -EADDRINUSE: a daemon already listens there. A stale socket file is replaced
 * only under a lock (PATH.lock). -EINVAL: http or the token is none. A port that is
 * in use is no error: it is said, and tried again. */
int serve_open(struct serve **ret, const struct serve_conf *conf, struct why *why);
void serve_close(struct serve *serve); /* removes the socket file; NULL is a no-op */

#endif
