/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_KEY_H
#define WEIR_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* Indexes of everything that has two ends. The initiator is the source of the
 * original tuple. */
enum side { INITIATOR, RESPONDER, SIDES };

/* One direction of a flow, as one namespace sees it. No padding: a tuple is
 * hashed and compared as bytes. Both ports are zero where the protocol has
 * none; ICMP keeps its id in port_be[INITIATOR], GRE (PPTP) its keys in both. */
struct tuple {
	struct addr addr[SIDES];
	uint16_t port_be[SIDES];
	uint8_t proto; /* IPPROTO_* */
	uint8_t icmp_type, icmp_code;
	uint8_t pad; /* zero */
};

/* To which directions a conntrack zone belongs (NF_CT_ZONE_DIR_*). */
enum zone_scope { ZONE_BOTH, ZONE_ORIGINAL, ZONE_REPLY };

/* What makes two observations speak of the same flow; with the start it is what
 * makes a flow unique for ever. No padding. */
struct key {
	struct tuple orig;
	uint32_t netns;     /* inode number of the network namespace */
	uint16_t zone;      /* conntrack zone id, 0 by default */
	uint8_t zone_scope; /* enum zone_scope */
	uint8_t pad;        /* zero */
};

_Static_assert(sizeof(struct tuple) == 40, "a tuple has no padding");
_Static_assert(sizeof(struct key) == 48, "a key has no padding");

bool tuple_is_equal(const struct tuple *x, const struct tuple *y);
bool key_is_equal(const struct key *x, const struct key *y);
/* The other direction: addresses and ports swapped; ICMP queries become their
 * replies (RFC 792, RFC 4443) and keep the id where it is. */
struct tuple tuple_inverse(const struct tuple *tuple);
bool tuple_is_v4(const struct tuple *tuple);
bool proto_has_ports(uint8_t proto); /* TCP UDP SCTP DCCP UDP-Lite */
bool proto_is_icmp(uint8_t proto);   /* ICMP, ICMPv6 */

/* The name of interface.md section 2, or NULL: print the number. */
const char *proto_name(uint8_t proto);
/* 0 or -EINVAL; also takes the number. */
int proto_parse(uint8_t *ret, const char *text, unsigned n);

/* Index hash of the tuple alone: a tuple is found whatever its namespace. */
uint64_t tuple_hash(const struct tuple *tuple, uint64_t seed);
/* The identity of a flow: hash over key and start, seeded by the boot id, so
 * that it is the same after a restart of weir and different after a reboot. */
uint64_t key_flow_id(const struct key *key, uint64_t start_wall_ns, uint64_t boot_seed);

#endif
