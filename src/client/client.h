/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLIENT_CLIENT_H
#define WEIR_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct why;

/* Speaks HTTP to a weir over a unix socket: the daemon's, which has a path, or a
 * private collector's, which has an abstract name (unix(7)). */
struct client;

/* -ECONNREFUSED or -ENOENT: nobody listens at path; -EACCES; -ETIMEDOUT: who
 * listens takes no connection. */
int client_open_path(struct client **ret, const char *path, struct why *why);
/* The name without its leading NUL. The connection is made with the first
 * request and kept. */
int client_open_abstract(struct client **ret, const char *name, struct why *why);
void client_close(struct client *client); /* NULL is a no-op */

/* Receives the body as it comes; returns n, or less to stop (client_get then
 * returns 0 as well). */
struct client_outlet {
	size_t (*body)(void *context, const char *bytes, size_t n);
	void *context;
	bool is_endless; /* a stream: once begun it may be silent for as long as it likes */
};

struct client_param {
	const char *name, *value; /* a NULL name ends the array; escaped by the client */
};

/* GET path?params. 0, or -EBADMSG with the server's sentence for 400, -ENOENT
 * for 404, -EPIPE when the server went away, -ETIMEDOUT when nothing of its answer
 * came for 5 s (30 s of a private collector), -EIO. */
int client_get(struct client *client, const char *path, const struct client_param *params,
	       const struct client_outlet *outlet, struct why *why);

#endif
