// SPDX-License-Identifier: Apache-2.0
/* Tuples and keys: equality, the other direction, hashes, protocol names. */
#include "flow/key.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/num.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

struct proto_row {
	const char *name;
	uint8_t proto;
};

static const struct proto_row protos[] = {
	{ "tcp", IPPROTO_TCP },   { "udp", IPPROTO_UDP },         { "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP },   { "dccp", IPPROTO_DCCP },
	{ "gre", IPPROTO_GRE },   { "udplite", IPPROTO_UDPLITE },
};

/* Queries and their replies (RFC 792, RFC 4443 section 4, RFC 4620). */
struct icmp_pair {
	uint8_t proto, query, reply;
};

static const struct icmp_pair icmp_pairs[] = {
	{ IPPROTO_ICMP, ICMP_ECHO, ICMP_ECHOREPLY },
	{ IPPROTO_ICMP, ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY },
	{ IPPROTO_ICMP, ICMP_INFO_REQUEST, ICMP_INFO_REPLY },
	{ IPPROTO_ICMP, ICMP_ADDRESS, ICMP_ADDRESSREPLY },
	{ IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY },
	{ IPPROTO_ICMPV6, 139, 140 }, /* node information */
};

bool tuple_is_equal(const struct tuple *x, const struct tuple *y)
{
	return !memcmp(x, y, sizeof(*x));
}

bool key_is_equal(const struct key *x, const struct key *y)
{
	return !memcmp(x, y, sizeof(*x));
}

static uint8_t icmp_type_inverse(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(icmp_pairs); i++) {
		if (icmp_pairs[i].proto != proto)
			continue;
		if (icmp_pairs[i].query == type)
			return icmp_pairs[i].reply;
		if (icmp_pairs[i].reply == type)
			return icmp_pairs[i].query;
	}
	return type;
}

struct tuple tuple_inverse(const struct tuple *tuple)
{
	struct tuple inverse = *tuple;

	inverse.addr[INITIATOR] = tuple->addr[RESPONDER];
	inverse.addr[RESPONDER] = tuple->addr[INITIATOR];
	if (proto_is_icmp(tuple->proto)) {
		inverse.icmp_type = icmp_type_inverse(tuple->proto, tuple->icmp_type);
		return inverse;
	}
	inverse.port_be[INITIATOR] = tuple->port_be[RESPONDER];
	inverse.port_be[RESPONDER] = tuple->port_be[INITIATOR];
	return inverse;
}

bool tuple_is_v4(const struct tuple *tuple)
{
	return addr_is_v4(&tuple->addr[INITIATOR]);
}

bool proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

bool proto_is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (protos[i].proto == proto)
			return protos[i].name;
	}
	return NULL;
}

int proto_parse(uint8_t *ret, const char *text, unsigned n)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		if (strlen(protos[i].name) == n && !memcmp(protos[i].name, text, n)) {
			*ret = protos[i].proto;
			return 0;
		}
	}
	if (num_parse_u64(&number, text, n) < 0 || number > UINT8_MAX)
		return -EINVAL;
	*ret = (uint8_t)number;
	return 0;
}

uint64_t tuple_hash(const struct tuple *tuple, uint64_t seed)
{
	return hash_bytes(tuple, sizeof(*tuple), seed);
}

uint64_t key_flow_id(const struct key *key, uint64_t start_wall_ns, uint64_t boot_seed)
{
	struct {
		struct key key;
		uint64_t start_wall_ns;
	} identity = { *key, start_wall_ns };

	return hash_bytes(&identity, sizeof(identity), boot_seed);
}
