/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_TRAFFIC_H
#define WEIR_ENCODE_TRAFFIC_H

#include <stdint.h>

#include "base/buf.h"
#include "encode/lineproto.h"
#include "flow/record.h"

/* weir_traffic: the deltas of a batch of records, summed per set of tags (host,
 * proto, direction, service, process; container and netns on request), at the time of
 * the batch's latest record. The sum of a field over all points is what the flows have
 * moved, each byte once. */
struct traffic;

/* The names of processes beyond so many are "_other": a series each is too much. */
#define TRAFFIC_PROCESSES_MAX 64

/* NULL: no memory. conf is borrowed for its life. */
struct traffic *traffic_new(const struct lineproto_conf *conf);
void traffic_free(struct traffic *traffic); /* NULL is a no-op */
/* Adds a record of a flow; events of sockets and flows that are not primary are
 * left out. Without memory the record is left out, and buf's error is set. */
void traffic_add(struct traffic *traffic, struct buf *buf, const struct record *record);
/* Appends the sums as points and begins anew. */
void traffic_flush(struct traffic *traffic, struct buf *buf);

#endif
