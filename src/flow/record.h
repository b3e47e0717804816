/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_RECORD_H
#define WEIR_FLOW_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/key.h"
#include "flow/owner.h"

/* What weir says about a flow: the flat value that leaves the table. The
 * fields, their names and their meaning are docs/interface.md section 2; the
 * order of enum field_id is the order of output. */

#define RECORD_SCHEMA 1

enum event {
	EVENT_START, EVENT_UPDATE, EVENT_END,                        /* flows */
	EVENT_CONNECT, EVENT_ACCEPT, EVENT_CLOSE, EVENT_FAILED,      /* TCP sockets */
};

enum direction { DIRECTION_OUTBOUND, DIRECTION_INBOUND, DIRECTION_FORWARD, DIRECTION_LOCAL };

enum end_reason {
	END_FIN, END_RST, END_TIMEOUT, END_DESTROYED, END_SHUTDOWN, END_REFUSED, END_UNREACHABLE,
};

enum inexact { INEXACT_LOST, INEXACT_OFFLOADED, INEXACT_ACCT_OFF };

enum field_id {
	FIELD_EVENT, FIELD_TIME, FIELD_START, FIELD_END, FIELD_DURATION_MS,
	FIELD_FLOW_ID, FIELD_SEQ, FIELD_COMMUNITY_ID, FIELD_HOST,
	FIELD_FAMILY, FIELD_PROTO, FIELD_SRC_IP, FIELD_SRC_PORT, FIELD_DST_IP, FIELD_DST_PORT,
	FIELD_ICMP_TYPE, FIELD_ICMP_CODE, FIELD_ICMP_ID, FIELD_GRE_KEY,
	FIELD_NAT_SRC_IP, FIELD_NAT_SRC_PORT, FIELD_NAT_DST_IP, FIELD_NAT_DST_PORT,
	FIELD_DIRECTION,
	FIELD_BYTES_ORIG, FIELD_PACKETS_ORIG, FIELD_BYTES_REPLY, FIELD_PACKETS_REPLY,
	FIELD_DELTA_BYTES_ORIG, FIELD_DELTA_PACKETS_ORIG,
	FIELD_DELTA_BYTES_REPLY, FIELD_DELTA_PACKETS_REPLY,
	FIELD_RATE_ORIG_BPS, FIELD_RATE_REPLY_BPS,
	FIELD_COUNTED_BY, FIELD_BASELINE, FIELD_EXACT, FIELD_INEXACT_REASON,
	FIELD_CT_STATE, FIELD_TCP_STATE, FIELD_TIMEOUT_S, FIELD_END_REASON,
	FIELD_IFINDEX_IN, FIELD_IFINDEX_OUT,
	FIELD_PRIMARY, FIELD_PEER_FLOW_ID,
	FIELD_NETNS, FIELD_ZONE, FIELD_MARK, FIELD_LABELS, FIELD_STATUS,
	FIELD_CLIENT_PID, FIELD_CLIENT_COMM, FIELD_CLIENT_UID, FIELD_CLIENT_CGROUP,
	FIELD_CLIENT_CONTAINER, FIELD_CLIENT_EXE,
	FIELD_SERVER_PID, FIELD_SERVER_COMM, FIELD_SERVER_UID, FIELD_SERVER_CGROUP,
	FIELD_SERVER_CONTAINER,
	FIELD_TCP_PAYLOAD_ORIG, FIELD_TCP_PAYLOAD_REPLY,
	FIELD_TCP_SEGMENTS_ORIG, FIELD_TCP_SEGMENTS_REPLY,
	FIELD_RETRANSMITS, FIELD_RTT_US, FIELD_RTTVAR_US, FIELD_MIN_RTT_US, FIELD_CWND,
	FIELD_RWND_LIMITED_US, FIELD_SNDBUF_LIMITED_US,
	FIELD_SERVER_RETRANSMITS, FIELD_SERVER_RTT_US, FIELD_SERVER_RTTVAR_US,
	FIELD_SERVER_MIN_RTT_US, FIELD_SERVER_CWND,
	FIELD_SERVER_RWND_LIMITED_US, FIELD_SERVER_SNDBUF_LIMITED_US,
	FIELD_CONNECT_US, FIELD_ERROR, FIELD_SCHEMA,
	FIELD_COUNT,
};

/* Only members whose bit is in `has` mean anything; the others are not even
 * cleared. Set them with record_set, ask with record_has. */
struct record {
	uint64_t has[2];
	uint8_t event;     /* enum event */
	uint8_t direction; /* enum direction */
	uint8_t end_reason, inexact_reason;
	uint8_t counted_by; /* enum origin of obs.h */
	uint8_t ct_state;   /* enum tcp_conntrack */
	uint8_t tcp_state;  /* of tcp_states.h */
	bool baseline, exact, primary;
	uint16_t zone;
	struct tuple orig; /* FAMILY, PROTO, SRC_*, DST_*, ICMP_*, GRE_KEY, COMMUNITY_ID */
	struct tuple nat;  /* as the responder sees it: the inverted reply tuple */
	uint64_t time_wall_ns, start_wall_ns, end_wall_ns;
	double duration_ms;
	uint64_t flow_id, peer_flow_id;
	uint32_t seq, schema;
	uint64_t bytes[SIDES], packets[SIDES];
	uint64_t delta_bytes[SIDES], delta_packets[SIDES];
	uint64_t rate_bps[SIDES];
	uint32_t timeout_s, netns, mark, status, ifindex_in, ifindex_out;
	uint8_t labels[16];
	uint64_t tcp_payload_bytes[SIDES], tcp_segments[SIDES];
	uint32_t retransmits[SIDES], rtt_us[SIDES], rttvar_us[SIDES], min_rtt_us[SIDES];
	uint32_t cwnd[SIDES];
	uint64_t rwnd_limited_us[SIDES], sndbuf_limited_us[SIDES];
	uint32_t connect_us;
	uint32_t error;            /* errno of a failed connect */
	uint32_t socket_netns[SIDES]; /* of the local sockets, where TCP_STATE is told; 0: none */
	struct owner owner[SIDES]; /* [INITIATOR] client, [RESPONDER] server */
};

static inline bool record_has(const struct record *record, unsigned field)
{
	return record->has[field / 64] >> field % 64 & 1;
}

static inline void record_set(struct record *record, unsigned field)
{
	record->has[field / 64] |= 1ULL << field % 64;
}

/* Whose flow it is, where one name has to do: the client's process, else the
 * server's; empty: not known. */
static inline const char *record_process(const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_COMM))
		return record->owner[INITIATOR].comm;
	return record_has(record, FIELD_SERVER_COMM) ? record->owner[RESPONDER].comm : "";
}

/* Which end of the flow is this host's (of two, the client's). */
static inline enum side record_local_side(const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_COMM) || record_has(record, FIELD_CLIENT_PID))
		return INITIATOR;
	if (record_has(record, FIELD_SERVER_COMM) || record_has(record, FIELD_SERVER_PID))
		return RESPONDER;
	return record_has(record, FIELD_DIRECTION) &&
	       record->direction == DIRECTION_INBOUND ? RESPONDER : INITIATOR;
}

/* Which end's socket retransmits, rtt_us and the like are of: where there is a second
 * socket's own the client's, whoever is known of the two. */
static inline enum side record_health_side(const struct record *record)
{
	if (record_has(record, FIELD_SERVER_RETRANSMITS) ||
	    record_has(record, FIELD_SERVER_RTT_US))
		return INITIATOR;
	return record_local_side(record);
}

/* Where records go. Valid during the call. */
struct record_outlet {
	void (*emit)(void *context, const struct record *record);
	void *context;
};

#endif
