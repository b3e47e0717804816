/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_ELASTICSEARCH_IMPL_H
#define WEIR_SINK_ELASTICSEARCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "encode/ecs.h"
#include "sink/sink.h"

struct http_answer;

/* Between the files elasticsearch*.c. */

/* What is asked for of an answer, behind the path: else it repeats every id and more. */
#define ELASTICSEARCH_FILTER \
	"?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"

/* Reads what a server says to a bulk request of batch->bytes (reference, "Bulk API",
 * response body). DELIVERED, or PARTIAL with batch->fate set and, if something is
 * refused, an example in why. An item that the answer does not have, or not as it
 * should be, is one to be tried again. PARKED: we may write none of them. SPLIT: the
 * answer is longer than can be read; RETRY: it is none. Takes memory in proportion to
 * the records and HTTP_ANSWER_MAX, whatever comes. is_missing: there is no such index. */
enum delivery elasticsearch_read(struct batch *batch, const struct http_answer *answer,
				 bool *is_missing, struct why *why);

/* What GET / says about a server. */
struct elasticsearch_server {
	unsigned major, minor; /* 0: not known */
	bool is_opensearch;
};

void elasticsearch_read_server(struct elasticsearch_server *ret, const struct http_answer *answer);

/* The bodies of templates. Name and path are the caller's. is_plain: with nothing
 * that a server may be too old for. */
void elasticsearch_template(struct buf *buf, const struct settings_sink *settings,
			    const struct ecs *ecs, const struct elasticsearch_server *server,
			    bool is_plain);
/* Of schema conntracct there are two, "mappings" and "settings". */
void elasticsearch_old_mappings(struct buf *buf, const struct settings_sink *settings);
void elasticsearch_old_settings(struct buf *buf, const struct settings_sink *settings);

#endif
