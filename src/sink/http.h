/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_HTTP_H
#define WEIR_SINK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sink/sink.h"

struct why;

/* Deliveries over HTTP, for every sink that speaks it: one connection that is
 * kept, TLS, a proxy from the environment, gzip, several addresses of which the
 * next is asked when one does not answer. */
struct http;

/* Of an answer so much is kept; one that is longer is cut off. */
#define HTTP_ANSWER_MAX (4U << 20)

struct http_request {
	const char *method;       /* "POST", "GET", "PUT" */
	const char *path;         /* behind the address; starts with / */
	const char *content_type; /* NULL: no body */
	const char *body;         /* borrowed */
	size_t body_n;
	bool stays;                /* only the address that answered last is asked */
	const struct batch *batch; /* whose is_given_up ends it early; NULL: the timeout alone */
};

struct http_answer {
	long status;             /* HTTP's; 0: there was none */
	const char *body;        /* terminated; valid until the next request */
	size_t body_n;
	bool is_cut;             /* there was more of the body than is kept */
	uint64_t retry_after_ns; /* 0: it did not say */
};

/* Settings are copied as far as they are needed. Connects to nobody yet. */
int http_new(struct http **ret, const struct settings_sink *settings, struct why *why);
void http_free(struct http *http); /* NULL is a no-op */

/* Blocks up to the sink's timeout, per address. 0: there is an answer, whatever its
 * status (of 5xx: the last address's); -EIO: none, with the sentence, in which there
 * is no secret. */
int http_ask(struct http *http, const struct http_request *request, struct http_answer *answer,
	     struct why *why);

/* The address that answered last is taken for dead: the next one is asked first. */
void http_move_on(struct http *http);

/* What most receivers mean by a status that is no success: 413 SPLIT; 3xx, 401, 403, 404,
 * 405, 407 PARKED; 408, 425, 429, 5xx RETRY; else REJECTED. With a sentence: the status and the
 * beginning of the body. */
enum delivery http_verdict(const struct http_answer *answer, struct batch *batch,
			   struct why *why);
/* Appends text as a part of a URL (RFC 3986, 2.1). */
void http_append_escaped(struct buf *buf, const char *text);

#endif
