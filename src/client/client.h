/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLIENT_CLIENT_H
#define WEIR_CLIENT_CLIENT_H

#include <stddef.h>

struct why;

/* Speaks HTTP to a weir: over its unix socket, or over a connected descriptor
 * (the private collector's end of a socketpair). */
struct client;

/* -ECONNREFUSED or -ENOENT: nobody listens at path; -EACCES. */
int client_open_path(struct client **ret, const char *path, struct why *why);
/* fd is given away. */
int client_open_fd(struct client **ret, int fd, struct why *why);
void client_close(struct client *client); /* NULL is a no-op */

/* Receives the body as it comes; returns n, or less to stop (client_get then
 * returns 0 as well). */
struct client_outlet {
	size_t (*body)(void *context, const char *bytes, size_t n);
	void *context;
};

struct client_param {
	const char *name, *value; /* a NULL name ends the array; escaped by the client */
};

/* GET path?params. 0, or -EBADMSG with the server's sentence for 400, -ENOENT
 * for 404, -EPIPE when the server went away, -EIO. */
int client_get(struct client *client, const char *path, const struct client_param *params,
	       const struct client_outlet *outlet, struct why *why);

#endif
