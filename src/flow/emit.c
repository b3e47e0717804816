// SPDX-License-Identifier: Apache-2.0
/*
 * Flow → record.
 *
 * Here, and only here, deltas are computed: what has grown since the flow's
 * last record. A record that is emitted moves that zero point, so that the sum
 * of the deltas of all records is the growth of the kernel's counters.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/table_impl.h"

#define SET(record, field) record_set(record, FIELD_##field)

uint64_t flow_id(const struct table *table, const struct flow *flow)
{
	const uint64_t start_wall_ns = flow->flags & FLOW_ID_BY_SIGHT ?
					       table->first_sights[flow_slot(table, flow)] :
					       flow->start_wall_ns;

	return key_flow_id(&flow->key, start_wall_ns, table->conf.boot_seed);
}

static void fill_tuple(const struct flow *flow, struct record *ret)
{
	const struct tuple *orig = &flow->key.orig, *nat = &flow->nat;
	const bool ports = proto_has_ports(orig->proto);

	ret->orig = *orig;
	ret->nat = *nat;
	SET(ret, FAMILY);
	SET(ret, PROTO);
	SET(ret, SRC_IP);
	SET(ret, DST_IP);
	SET(ret, COMMUNITY_ID);
	if (ports) {
		SET(ret, SRC_PORT);
		SET(ret, DST_PORT);
	} else if (proto_is_icmp(orig->proto)) {
		SET(ret, ICMP_TYPE);
		SET(ret, ICMP_CODE);
		SET(ret, ICMP_ID);
	} else if (orig->proto == IPPROTO_GRE) {
		SET(ret, GRE_KEY);
	}
	if (!addr_is_equal(&orig->addr[0], &nat->addr[0]) || orig->port_be[0] != nat->port_be[0]) {
		SET(ret, NAT_SRC_IP);
		if (ports)
			SET(ret, NAT_SRC_PORT);
	}
	if (!addr_is_equal(&orig->addr[1], &nat->addr[1]) || orig->port_be[1] != nat->port_be[1]) {
		SET(ret, NAT_DST_IP);
		if (ports)
			SET(ret, NAT_DST_PORT);
	}
}

static void fill_direction(const struct table *table, const struct flow *flow,
			   struct record *ret)
{
	const uint32_t netns = flow->key.netns;
	const bool from_here = address_is_local(table, netns, &flow->key.orig.addr[INITIATOR]);
	const bool to_here = address_is_local(table, netns, &flow->nat.addr[RESPONDER]);

	/* Without one known address of the namespace there is no telling. */
	if (!from_here && !to_here && !address_any(table, netns))
		return;
	if (from_here && to_here)
		ret->direction = DIRECTION_LOCAL;
	else if (from_here)
		ret->direction = DIRECTION_OUTBOUND;
	else if (to_here)
		ret->direction = DIRECTION_INBOUND;
	else
		ret->direction = DIRECTION_FORWARD;
	SET(ret, DIRECTION);
}

static void fill_counters(const struct flow *flow, struct record *ret)
{
	enum side i;

	if (flow->flags & FLOW_COUNTED) {
		for (i = 0; i < SIDES; i++) {
			ret->bytes[i] = flow->bytes[i];
			ret->packets[i] = flow->packets[i];
			ret->delta_bytes[i] = flow->bytes[i] - flow->reported_bytes[i];
			ret->delta_packets[i] = flow->packets[i] - flow->reported_packets[i];
		}
		for (unsigned id = FIELD_BYTES_ORIG; id <= FIELD_DELTA_PACKETS_REPLY; id++)
			record_set(ret, id);
		ret->counted_by =
			flow->flags & FLOW_BY_SOCKET ? ORIGIN_SOCKET : ORIGIN_CONNTRACK;
		SET(ret, COUNTED_BY);
	}
	if (flow->flags & FLOW_RATED) {
		for (i = 0; i < SIDES; i++)
			ret->rate_bps[i] = (uint64_t)flow->rate_bps[i];
		SET(ret, RATE_ORIG_BPS);
		SET(ret, RATE_REPLY_BPS);
	}
	if (flow->flags & FLOW_BASELINE) {
		ret->baseline = true;
		SET(ret, BASELINE);
	}
	if (flow->flags & FLOW_INEXACT) {
		ret->inexact_reason = flow->inexact_reason;
	} else if (flow->flags & FLOW_FRESH && !(flow->flags & FLOW_COUNTED)) {
		ret->inexact_reason = INEXACT_ACCT_OFF;
	} else {
		return;
	}
	ret->exact = false;
	SET(ret, EXACT);
	SET(ret, INEXACT_REASON);
}

static void fill_conntrack(const struct table *table, const struct flow *flow,
			   uint64_t now_boot_ns, struct record *ret)
{
	const uint32_t slot = flow_slot(table, flow);
	uint32_t passed_s;

	if (!(flow->flags & FLOW_CONNTRACK))
		return;
	ret->zone = flow->key.zone;
	ret->mark = flow->mark;
	SET(ret, ZONE);
	SET(ret, MARK);
	if (flow->flags & FLOW_HAS_STATUS) {
		ret->status = flow->status;
		SET(ret, STATUS);
	}
	if (flow->flags & FLOW_STATE_KNOWN) {
		ret->ct_state = flow->ct_state;
		SET(ret, CT_STATE);
	}
	if (flow->flags & FLOW_HAS_LABELS) {
		memcpy(ret->labels, table->labels[slot], sizeof(ret->labels));
		SET(ret, LABELS);
	}
	if (flow->flags & FLOW_HAS_TIMEOUT) {
		passed_s = (ms_of(now_boot_ns) - flow->sampled_ms) / 1000;
		ret->timeout_s = flow->timeout_s > passed_s ? flow->timeout_s - passed_s : 0;
		SET(ret, TIMEOUT_S);
	}
}

static void fill_owner(const struct table *table, const struct sock *sock, enum side side,
		       struct record *ret)
{
	static const uint8_t first[SIDES] = { FIELD_CLIENT_PID, FIELD_SERVER_PID };
	const unsigned pid = first[side];
	struct owner *owner = &ret->owner[side];

	/* pid comm uid cgroup container, in this order on both sides */
	if (sock->owner) {
		*owner = ((struct owner_entry *)pool_at(&table->owners, sock->owner - 1))->owner;
		record_set(ret, pid);
		record_set(ret, pid + 1);
		if (owner->cgroup[0])
			record_set(ret, pid + 3);
		if (owner->container[0])
			record_set(ret, pid + 4);
		if (side == INITIATOR && owner->exe[0])
			SET(ret, CLIENT_EXE);
	}
	if (sock->uid != UINT32_MAX) {
		owner->uid = sock->uid;
		record_set(ret, pid + 2);
	}
}

static void fill_health(const struct sock *sock, enum side side, struct record *ret)
{
	ret->retransmits[side] = sock->retransmits;
	ret->rtt_us[side] = sock->srtt_us;
	ret->rttvar_us[side] = sock->rttvar_us;
	ret->min_rtt_us[side] = sock->min_rtt_us;
	ret->cwnd[side] = sock->cwnd;
	if (sock->cwnd)
		record_set(ret, side == INITIATOR ? FIELD_CWND : FIELD_SERVER_CWND);
	ret->rwnd_limited_us[side] = sock->rwnd_limited_ms * 1000ULL;
	if (sock->rwnd_limited_ms)
		record_set(ret, side == INITIATOR ? FIELD_RWND_LIMITED_US :
						    FIELD_SERVER_RWND_LIMITED_US);
	ret->sndbuf_limited_us[side] = sock->sndbuf_limited_ms * 1000ULL;
	if (sock->sndbuf_limited_ms)
		record_set(ret, side == INITIATOR ? FIELD_SNDBUF_LIMITED_US :
						    FIELD_SERVER_SNDBUF_LIMITED_US);
}

/* What either end is sure of is a lower bound: bytes in flight are not acknowledged
 * yet, and a socket that closed first can miss one (diag_parse.c). */
static void fill_payload(const struct sock *sock, enum side side, struct record *ret)
{
	enum side i;

	for (i = 0; i < SIDES; i++) {
		const uint64_t bytes = sock->payload_bytes[i == side ? INITIATOR : RESPONDER];

		if (bytes > ret->tcp_payload_bytes[i])
			ret->tcp_payload_bytes[i] = bytes;
	}
}

/* The client's socket tells where both ends are local, then the server's health
 * has fields of its own. */
static void fill_sockets(const struct table *table, const struct flow *flow,
			 struct record *ret)
{
	const bool tcp = flow->key.orig.proto == IPPROTO_TCP;
	bool told = false;
	unsigned id;
	enum side side;

	ret->socket_netns[INITIATOR] = ret->socket_netns[RESPONDER] = 0;
	for (side = 0; side < SIDES; side++) {
		const struct sock *sock;

		if (!flow->socket[side])
			continue;
		sock = sock_at(table, flow->socket[side] - 1);
		ret->socket_netns[side] = sock->netns;
		fill_owner(table, sock, side, ret);
		if (!tcp)
			continue;
		if (!told) {
			ret->tcp_state = sock->state;
			SET(ret, TCP_STATE);
		}
		if (!(sock->flags & SOCKET_HAS_INFO))
			continue;
		if (!told)
			ret->tcp_payload_bytes[0] = ret->tcp_payload_bytes[1] = 0;
		fill_payload(sock, side, ret);
		if (told) {
			fill_health(sock, RESPONDER, ret);
			for (id = FIELD_SERVER_RETRANSMITS; id <= FIELD_SERVER_MIN_RTT_US; id++)
				record_set(ret, id);
			continue;
		}
		fill_health(sock, INITIATOR, ret);
		if (sock->connect_us && side == INITIATOR) {
			ret->connect_us = sock->connect_us;
			SET(ret, CONNECT_US);
		}
		ret->tcp_segments[side] = sock->segments[INITIATOR];
		ret->tcp_segments[!side] = sock->segments[RESPONDER];
		for (id = FIELD_TCP_PAYLOAD_ORIG; id <= FIELD_MIN_RTT_US; id++)
			record_set(ret, id);
		told = true;
	}
}

/* How old a flow already was when weir came nobody knows but the kernel. */
static void fill_duration(const struct flow *flow, uint64_t until_wall_ns, struct record *ret)
{
	if ((flow->flags & (FLOW_BASELINE | FLOW_START_KNOWN)) == FLOW_BASELINE)
		return;
	ret->duration_ms = until_wall_ns > flow->start_wall_ns ?
				   (double)(until_wall_ns - flow->start_wall_ns) / 1e6 : 0;
	SET(ret, DURATION_MS);
}

void record_fill(const struct table *table, const struct flow *flow, uint64_t now_boot_ns,
		 struct record *ret)
{
	const uint32_t slot = flow_slot(table, flow);

	ret->has[0] = ret->has[1] = 0;
	ret->event = EVENT_UPDATE;
	ret->time_wall_ns = table_wall_ns(table, now_boot_ns);
	ret->start_wall_ns = flow->start_wall_ns;
	ret->flow_id = flow_id(table, flow);
	ret->seq = flow->seq;
	ret->schema = RECORD_SCHEMA;
	ret->netns = flow->key.netns;
	ret->primary = !(flow->flags & FLOW_SECONDARY);
	SET(ret, EVENT);
	SET(ret, TIME);
	SET(ret, START);
	fill_duration(flow, ret->time_wall_ns, ret);
	SET(ret, FLOW_ID);
	SET(ret, SEQ);
	SET(ret, SCHEMA);
	SET(ret, NETNS);
	SET(ret, HOST);
	if (flow->flags & FLOW_SECONDARY || flow->flags & FLOW_HAS_PEER_ID)
		SET(ret, PRIMARY);
	if (flow->flags & FLOW_HAS_PEER_ID) {
		ret->peer_flow_id = table->peer_ids[slot];
		SET(ret, PEER_FLOW_ID);
	}
	fill_tuple(flow, ret);
	fill_direction(table, flow, ret);
	fill_counters(flow, ret);
	fill_conntrack(table, flow, now_boot_ns, ret);
	fill_sockets(table, flow, ret);
}

void flow_emit(struct table *table, struct flow *flow, enum event event, int end_reason,
	       uint64_t end_wall_ns)
{
	struct record record;
	enum side i;

	join_flow_again(table, flow);
	if (!flow->seq && !(flow->flags & FLOW_START_KNOWN)) {
		flow->flags |= FLOW_ID_BY_SIGHT;
		table->first_sights[flow_slot(table, flow)] = flow->start_wall_ns;
	}
	if (!flow->seq) {
		sock_take_over_counting(table, flow);
		join_peers(table, flow);
	}
	record_fill(table, flow, table->now_boot_ns, &record);
	record.event = (uint8_t)event;
	if (event == EVENT_END) {
		record.end_wall_ns = end_wall_ns;
		if (!end_wall_ns)
			record.end_wall_ns = table_wall_ns(table, flow->moved_boot_ns);
		if (record.end_wall_ns < record.start_wall_ns)
			record.end_wall_ns = record.start_wall_ns;
		fill_duration(flow, record.end_wall_ns, &record);
		record_set(&record, FIELD_END);
		if (end_reason >= 0) {
			record.end_reason = (uint8_t)end_reason;
			record_set(&record, FIELD_END_REASON);
		}
	} else if (end_wall_ns) {
		fill_duration(flow, end_wall_ns, &record);
	}
	for (i = 0; i < SIDES; i++) {
		table->count.reported_bytes += flow->bytes[i] - flow->reported_bytes[i];
		flow->reported_bytes[i] = flow->bytes[i];
		flow->reported_packets[i] = flow->packets[i];
	}
	flow->flags &= ~FLOW_SOCKET_MOVED;
	flow->seq++;
	flow->record_ms = ms_of(table->now_boot_ns);
	table->conf.out.emit(table->conf.out.context, &record);
	if (event == EVENT_START)
		weigh_peers(table, flow);
}

static bool is_failure_told(const struct table *table, const struct flow *flow)
{
	const uint32_t client = flow->socket[INITIATOR];

	return flow->flags & FLOW_FAILED_TOLD ||
	       (client && sock_at(table, client - 1)->flags & SOCKET_FAILURE_TOLD);
}

static void count_failure(struct table *table, uint32_t error)
{
	enum failure failure = FAILURE_OTHER;

	switch (error) {
	case ECONNREFUSED:
		failure = FAILURE_REFUSED;
		break;
	case ETIMEDOUT:
		failure = FAILURE_TIMEOUT;
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
		failure = FAILURE_UNREACHABLE;
		break;
	case ECONNRESET:
		failure = FAILURE_RESET;
		break;
	}
	table->count.failures[failure]++;
}

void flow_emit_failed(struct table *table, struct flow *flow, uint32_t error,
		      uint64_t end_wall_ns)
{
	struct record record;
	unsigned id;

	if (is_failure_told(table, flow))
		return;
	flow->flags |= FLOW_FAILED_TOLD;
	count_failure(table, error);
	if (!(table->wanted >> EVENT_FAILED & 1))
		return;
	record_fill(table, flow, table->now_boot_ns, &record);
	if (end_wall_ns)
		fill_duration(flow, end_wall_ns, &record);
	record.event = EVENT_FAILED;
	record.error = error;
	record_set(&record, FIELD_ERROR);
	/* it is not one of the flow's records: nothing to add up */
	for (id = FIELD_DELTA_BYTES_ORIG; id <= FIELD_DELTA_PACKETS_REPLY; id++)
		record.has[id / 64] &= ~(1ULL << id % 64);
	record.has[FIELD_SEQ / 64] &= ~(1ULL << FIELD_SEQ % 64);
	table->conf.out.emit(table->conf.out.context, &record);
}

/* What a socket alone tells of its connection. */
static void fill_lone(const struct table *table, const struct sock *sock, enum event event,
		      struct record *ret)
{
	struct flow lone, *flow = &lone;
	enum side side;

	ret->event = (uint8_t)event;
	/* who made it can become known later than that it was made */
	ret->time_wall_ns =
		table_wall_ns(table, (event == EVENT_CONNECT || event == EVENT_ACCEPT) &&
					     sock->connected_boot_ns ?
					     sock->connected_boot_ns : table->seen_boot_ns);
	ret->schema = RECORD_SCHEMA;
	ret->netns = sock->netns;
	side = sock->role == SOCKET_ROLE_SERVER ? RESPONDER : INITIATOR;
	memset(&lone, 0, sizeof(lone));
	lone.key.orig = side == INITIATOR ? sock->local : tuple_inverse(&sock->local);
	lone.nat = lone.key.orig;
	lone.socket[side] = sock_slot(table, sock) + 1;
	if (sock->flow) {
		flow = flow_at(table, sock->flow - 1);
		if (flow->seq) {
			ret->flow_id = flow_id(table, flow);
			SET(ret, FLOW_ID);
		}
	}
	SET(ret, EVENT);
	SET(ret, TIME);
	SET(ret, SCHEMA);
	SET(ret, NETNS);
	SET(ret, HOST);
	/* of one whose beginning was seen, not concluded */
	if (event == EVENT_CLOSE && sock->flags & SOCKET_TIMED &&
	    table->seen_boot_ns >= sock->connected_boot_ns) {
		ret->start_wall_ns = table_wall_ns(table, sock->connected_boot_ns);
		ret->duration_ms = (double)(table->seen_boot_ns - sock->connected_boot_ns) / 1e6;
		SET(ret, START);
		SET(ret, DURATION_MS);
	}
	fill_tuple(flow, ret);
	fill_sockets(table, &lone, ret);
}

void sock_emit(struct table *table, struct sock *sock, enum event event)
{
	struct record record = { 0 };

	sock->flags |= SOCKET_TOLD;
	table->count.told[event]++;
	if (!(table->wanted >> event & 1))
		return;
	fill_lone(table, sock, event, &record);
	table->conf.out.emit(table->conf.out.context, &record);
}

void sock_emit_failed(struct table *table, struct sock *sock, uint32_t error)
{
	struct record record = { 0 };
	struct flow *flow = sock->flow ? flow_at(table, sock->flow - 1) : NULL;

	if (flow && flow->flags & FLOW_FAILED_TOLD)
		return;
	sock->flags |= SOCKET_FAILURE_TOLD;
	count_failure(table, error);
	if (!(table->wanted >> EVENT_FAILED & 1))
		return;
	fill_lone(table, sock, EVENT_FAILED, &record);
	record.error = error;
	if (error)
		SET(&record, ERROR);
	/* it failed before it had any */
	if (!sock->local.port_be[INITIATOR])
		record.has[FIELD_SRC_PORT / 64] &= ~(1ULL << FIELD_SRC_PORT % 64);
	if (addr_is_unspecified(&sock->local.addr[INITIATOR]))
		record.has[FIELD_SRC_IP / 64] &= ~(1ULL << FIELD_SRC_IP % 64);
	table->conf.out.emit(table->conf.out.context, &record);
}
