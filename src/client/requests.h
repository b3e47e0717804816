/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CLIENT_REQUESTS_H
#define WEIR_CLIENT_REQUESTS_H

#include "client/client.h"

struct pollfd;

/* Requests of one client, several under way at once, none of which blocks: for who
 * has a screen or a second stream to look after. One thread. */
struct requests;
struct request;

/* The client is borrowed for its life. 0 or -ENOMEM with the sentence. */
int requests_new(struct requests **ret, struct client *client, struct why *why);
/* Cancels what is under way. NULL is a no-op. */
void requests_free(struct requests *requests);

/* Told once when it is over, with what client_get would return; the request is gone
 * then. Not called for one that was cancelled. */
typedef void (*request_done)(void *context, int r, const struct why *why);

/* Begins GET path?params; the outlet is copied, its context and done's are borrowed
 * until the end. Both are called from requests_wait. 0 or -ENOMEM. */
int request_start(struct request **ret, struct requests *requests, const char *path,
		  const struct client_param *params, const struct client_outlet *outlet,
		  request_done done, void *context, struct why *why);
/* From outside of its own outlet. NULL is a no-op. */
void request_cancel(struct request *request);

/* Waits for what comes first: something of a request, an event of the caller's own
 * descriptors (up to REQUESTS_FDS_MAX; their revents are set), the end of the time;
 * and serves the requests. 0, or -errno with the sentence. */
#define REQUESTS_FDS_MAX 32
int requests_wait(struct requests *requests, struct pollfd *fds, unsigned count,
		  int timeout_ms, struct why *why);

#endif
