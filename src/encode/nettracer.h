/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_NETTRACER_H
#define WEIR_ENCODE_NETTRACER_H

#include "base/addr.h"
#include "encode/encode.h"

/* What NetTracer's users have written programs for: a line for each local socket of a TCP
 * connection, from that socket's point of view (docs/from-nettracer.md). */

struct nettracer_line {
	uint64_t now_s;               /* Unix time */
	struct addr addr[2];          /* local, remote */
	uint16_t port[2];
	uint32_t pid;                 /* 0: not known */
	uint32_t netns;
	bool is_established, is_accepted, is_closed;
	uint64_t bytes[2], packets[2]; /* sent, received; payload, segments */
	uint64_t retransmitted;
	uint32_t rtt_us, rtt_var_us;
	uint64_t start_s, duration_s; /* of an established one */
};

/* The socket at that end of the record's connection. False: it is not on this host, or it
 * is no TCP. */
bool nettracer_socket(struct nettracer_line *ret, const struct record *record, enum side side);
/* The line for programs, of columns of fixed width, with its newline. */
void nettracer_put_hex(struct buf *buf, const struct nettracer_line *line);
/* Reads such a line back, n bytes without the newline. 0 or -EINVAL. */
int nettracer_parse_hex(struct nettracer_line *ret, const char *text, size_t n);
/* The six columns for a person, each `width` wide; NULL: their titles. */
void nettracer_put_human(struct buf *buf, const struct nettracer_line *line, unsigned width);

#endif
