/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_BEACON_H
#define WEIR_SOURCE_BEACON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/key.h"

struct why;

/* A known flow: a network namespace of our own, in which conntrack is on and two UDP
 * sockets talk over the loopback. What a source says of it can be held against what
 * was sent. Nobody else sees the namespace; it is gone with the beacon. */
struct beacon;

/* -EPERM without CAP_SYS_ADMIN or CAP_NET_ADMIN, -ENOTSUP where the kernel has no
 * conntrack or no nf_tables, with the sentence. The thread is back in its own
 * namespace whatever happens. */
int beacon_new(struct beacon **ret, struct why *why);
void beacon_free(struct beacon *beacon); /* NULL is a no-op */

/* 127."wei".1 and .2 as it were: of the loopback network, so local everywhere. */
#define BEACON_ADDRESS(side) (0x7f776500U + 1 + (uint32_t)(side))

/* Whether the flow is a beacon's, of whichever weir on this host: it talks between two
 * addresses of the loopback network that nobody else has a reason to use. */
bool beacon_is_one(const struct key *key);

/* Sends one datagram each way, of so many bytes of payload. 0 or -errno. */
int beacon_talk(struct beacon *beacon, size_t request_bytes, size_t reply_bytes);
/* Takes the flow's entry out of conntrack's table. 0 or -errno. */
int beacon_drop(struct beacon *beacon);

/* The flow, and what conntrack must have counted since its entry began, also after it
 * was dropped. */
const struct key *beacon_key(const struct beacon *beacon);
void beacon_counted(const struct beacon *beacon, uint64_t bytes[SIDES], uint64_t packets[SIDES]);

/* Calls fn with the thread inside the beacon's namespace; its result, or -errno. */
int beacon_inside(struct beacon *beacon, int (*fn)(void *context), void *context);

#endif
