/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_ECS_H
#define WEIR_ENCODE_ECS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/record.h"

/* Bodies of Elasticsearch's and OpenSearch's bulk API (reference, "Bulk API"): two
 * lines a record, what to do and the document. A record that has no document is
 * one empty line, which the API passes over: so records and lines stay in step.
 * Integers are clamped to what a long of theirs holds (2^63 - 1). */

/* Documents after the Elastic Common Schema, version 8.11: the names come from the
 * field table; what has none there is below "weir". */
struct ecs;

struct ecs_conf {
	const char *host;    /* host.name; NULL: none */
	const char *dataset; /* event.dataset: what the data stream holds */
	bool has_id;         /* _id is FLOW_ID-SEQ, so that a repeat is refused (409) */
};

/* NULL: no memory. conf is used during the call. */
struct ecs *ecs_new(const struct ecs_conf *conf);
void ecs_free(struct ecs *ecs); /* NULL is a no-op */
/* {"create":{"_id":"…"}} and the document: what a data stream takes. Not to be called
 * from two threads for one ecs. */
void ecs_create(struct buf *buf, struct ecs *ecs, const struct record *record);
/* The types of all that a document may have, as the value of "properties" of a mapping. */
void ecs_properties(struct buf *buf, const struct ecs *ecs);

/* The document of conntracct, member for member, with weir's flow_id in decimal, which
 * is its _id too: the latest says how the flow stands. The version is of the record's
 * time, so that one which comes late (409) cannot open a flow again that has ended.
 * Socket events have no document. */
void ecs_conntracct(struct buf *buf, const char *host, const struct record *record);

#endif
