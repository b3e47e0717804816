// SPDX-License-Identifier: Apache-2.0
/* abi/weir_abi.h's socket into an observation: a pure function. */
#include "source/sock_record.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/weir_abi.h"
#include "base/num.h"

static void parse_address(struct addr *ret, const uint8_t bytes[16], bool v4)
{
	if (v4)
		addr_from_v4(ret, bytes);
	else
		addr_from_v6(ret, bytes);
}

static enum socket_role role_of(uint8_t role)
{
	switch (role) {
	case ABI_ROLE_CLIENT:
		return SOCKET_ROLE_CLIENT;
	case ABI_ROLE_SERVER:
		return SOCKET_ROLE_SERVER;
	default:
		return SOCKET_ROLE_UNKNOWN;
	}
}

int sock_record_parse(struct obs_socket *ret, const struct abi_sock *record, uint64_t tick_ns)
{
	const bool v4 = record->family == AF_INET;

	memset(ret, 0, sizeof(*ret));
	if ((!v4 && record->family != AF_INET6) || !record->cookie || !record->state ||
	    record->state > TCP_CLOSING || record->kind > ABI_SOCK_SEEN)
		return -EBADMSG;
	parse_address(&ret->local.addr[INITIATOR], record->local, v4);
	parse_address(&ret->local.addr[RESPONDER], record->remote, v4);
	ret->local.port_be[INITIATOR] = record->local_port_be;
	ret->local.port_be[RESPONDER] = record->remote_port_be;
	ret->local.proto = IPPROTO_TCP;
	ret->cookie = record->cookie;
	ret->netns = record->netns;
	ret->uid = record->uid;
	ret->inode = record->inode;
	ret->role = (uint8_t)role_of(record->role);
	ret->state = record->state;
	if (record->kind == ABI_SOCK_CLOSED)
		ret->state = TCP_CLOSE;
	ret->has = SOCKET_UID;
	/* one that failed before anything was sent has no port of its own yet */
	if (record->remote_port_be &&
	    (record->local_port_be || record->kind == ABI_SOCK_FAILED))
		ret->has |= SOCKET_TUPLE;
	if (record->role == ABI_ROLE_CLIENT)
		ret->connect_us = record->connect_us;
	ret->error = record->error > 0 ? (uint32_t)record->error : 0;
	if (record->kind == ABI_SOCK_FAILED) {
		ret->state = TCP_SYN_SENT;
		ret->has |= SOCKET_FAILED;
		return 0;
	}
	if (record->kind == ABI_SOCK_CONNECTED || record->kind == ABI_SOCK_ACCEPTED)
		ret->has |= SOCKET_MADE;
	if (record->flags & ABI_SOCK_BARE)
		ret->has |= SOCKET_UNSEEN;
	ret->has |= SOCKET_INFO;
	ret->payload_sent_bytes = record->sent_bytes;
	ret->payload_received_bytes = record->received_bytes;
	ret->segments_sent = record->segments_sent;
	ret->segments_received = record->segments_received;
	ret->retransmitted_segments = record->retransmits;
	ret->srtt_us = record->srtt_us;
	ret->rttvar_us = record->rttvar_us;
	ret->min_rtt_us = record->min_rtt_us;
	ret->cwnd = record->cwnd;
	ret->rwnd_limited_us = record->rwnd_limited_ticks * tick_ns / NUM_NS_PER_US;
	ret->sndbuf_limited_us = record->sndbuf_limited_ticks * tick_ns / NUM_NS_PER_US;
	return 0;
}
