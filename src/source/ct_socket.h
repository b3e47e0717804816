/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_SOCKET_H
#define WEIR_SOURCE_CT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/obs.h"
#include "source/source.h"

struct why;

/* The netlink sockets of ctnetlink and what is read from them. A socket belongs
 * to the namespace in which it was opened. None of them ever blocks. */

/* A socket for requests: fd, or -errno with the sentence. */
int ct_socket_open(struct why *why);
/* A socket that hears the n groups (NFNLGRP_CONNTRACK_*). */
int ct_socket_listen(const int *groups, size_t n, uint64_t buffer_bytes, struct why *why);
/* NETLINK_BROADCAST_ERROR: the kernel tries again what found no room. */
int ct_socket_set_reliable(int fd, bool on);
/* How many entries the namespace has. Answers at once. */
int ct_socket_count(int fd, uint32_t seq, uint32_t *ret);
/* Takes every entry of the namespace out of the table. Answers at once. */
int ct_socket_flush(int fd, uint32_t seq);
/* Asks for all entries; the answer is read with ct_inbox_dump. */
int ct_socket_request_dump(int fd, uint32_t seq);

/* The room into which messages are read, and where they go from there. */
struct ct_inbox;

int ct_inbox_new(struct ct_inbox **ret, const struct obs_outlet *outlet);
void ct_inbox_free(struct ct_inbox *inbox);
/* What was read so far: seen, malformed; lost is the caller's to add to. */
struct source_stats *ct_inbox_stats(struct ct_inbox *inbox);

/* Reads one batch of events and emits them. The number of messages (0: no more
 * now), or -errno: -ENOBUFS when some found no room. old: no pass has yet shown
 * which entries were there before. */
int ct_inbox_events(struct ct_inbox *inbox, int fd, uint32_t netns, uint64_t now_boot_ns,
		    bool old);

struct ct_dump {
	int fd;
	uint32_t seq, netns;
	enum obs_kind kind;
};

/* Reads one part of a dump and emits its entries as `kind`.
 * 1: more to come, 0: that was the last, or -errno when the kernel broke it off.
 * *interrupted is set, and never cleared, when the kernel says that the table
 * changed under the dump so that an entry may be missing. */
int ct_inbox_dump(struct ct_inbox *inbox, const struct ct_dump *dump, bool *interrupted);

#endif
