// SPDX-License-Identifier: Apache-2.0
/*
 * Flows that a socket counts, since conntrack does not: those whose entry lacks counters,
 * and the connections of TCP sockets that no entry came for, once one had the time
 * to.
 */
#include <netinet/in.h>

#include "flow/table_impl.h"

static void raise(uint64_t *value, uint64_t to)
{
	if (*value < to)
		*value = to;
}

/* The socket's totals as the flow's: a server's sent bytes are the reply's. What its
 * peer has read has arrived, though a reset came before the word of it; and the socket
 * of who accepts has not sent the SYN-ACK itself. flow is NULL where there is no room for
 * one. */
static void totals_of(const struct table *table, const struct flow *flow,
		      const struct sock *sock, enum side mine, uint64_t bytes[SIDES],
		      uint64_t packets[SIDES])
{
	const enum side other = mine == INITIATOR ? RESPONDER : INITIATOR;
	const struct sock *peer = NULL;

	bytes[mine] = sock->payload_bytes[INITIATOR];
	bytes[other] = sock->payload_bytes[RESPONDER];
	packets[mine] = sock->segments[INITIATOR];
	packets[other] = sock->segments[RESPONDER];
	if (flow && flow->socket[other])
		peer = sock_at(table, flow->socket[other] - 1);
	if (!peer || !(peer->flags & SOCKET_HAS_INFO))
		return;
	raise(&bytes[mine], peer->payload_bytes[RESPONDER]);
	raise(&bytes[other], peer->payload_bytes[INITIATOR]);
	raise(&packets[mine], peer->segments[RESPONDER]);
	raise(&packets[other], peer->segments[INITIATOR]);
}

void sock_count(struct table *table, struct sock *sock, uint64_t at_boot_ns)
{
	uint64_t bytes[SIDES], packets[SIDES];
	struct flow *flow;
	enum side mine;

	if (!sock->flow || !(sock->flags & SOCKET_HAS_INFO))
		return;
	flow = flow_at(table, sock->flow - 1);
	mine = flow->flags & FLOW_BY_SERVER ? RESPONDER : INITIATOR;
	if (!(flow->flags & FLOW_BY_SOCKET) ||
	    flow->socket[mine] != sock_slot(table, sock) + 1)
		return;
	totals_of(table, flow, sock, mine, bytes, packets);
	flow_count(table, flow, bytes, packets, at_boot_ns);
	flow->flags |= FLOW_FRESH;
	if (!flow->seq || flow_has_moved(flow))
		due_set(table, flow);
}

uint64_t sock_end_wall_ns(const struct table *table, const struct flow *flow)
{
	uint64_t closed_boot_ns = 0;

	for (enum side side = 0; side < SIDES; side++)
		if (flow->socket[side])
			raise(&closed_boot_ns,
			      sock_at(table, flow->socket[side] - 1)->closed_boot_ns);
	return closed_boot_ns ? table_wall_ns(table, closed_boot_ns) : 0;
}

void sock_count_last(struct table *table, struct flow *flow)
{
	for (enum side side = 0; side < SIDES; side++)
		if (flow->socket[side])
			sock_count(table, sock_at(table, flow->socket[side] - 1),
				   table->now_boot_ns);
}

/* What was counted before weir, or what another flow has reported, is the zero point. */
static void begin_at(const struct table *table, struct flow *flow, const struct sock *sock,
		     enum side mine)
{
	if (!(flow->flags & FLOW_BASELINE))
		return;
	totals_of(table, flow, sock, mine, flow->bytes, flow->packets);
	totals_of(table, flow, sock, mine, flow->reported_bytes, flow->reported_packets);
}

/* From now on that socket counts for the flow. */
static void count_by(struct flow *flow, const struct sock *sock, enum side mine)
{
	flow->flags |= FLOW_BY_SOCKET | FLOW_COUNTED | FLOW_FRESH;
	if (mine == RESPONDER)
		flow->flags |= FLOW_BY_SERVER;
	if (sock->flags & (SOCKET_OLD | SOCKET_COUNTED))
		flow->flags |= FLOW_BASELINE;
}

struct sock *sock_to_count(const struct table *table, const struct flow *flow, enum side *side)
{
	struct sock *sock;

	if (flow->flags & FLOW_COUNTED || flow->key.orig.proto != IPPROTO_TCP)
		return NULL;
	/* conntrack may count it and has only not been read since it began */
	if (flow->flags & FLOW_CONNTRACK && !(flow->flags & FLOW_FRESH))
		return NULL;
	for (*side = 0; *side < SIDES; ++*side) {
		if (!flow->socket[*side])
			continue;
		sock = sock_at(table, flow->socket[*side] - 1);
		if (sock->flags & SOCKET_HAS_INFO && sock->flow == flow_slot(table, flow) + 1)
			return sock;
	}
	return NULL;
}

void sock_take_over_counting(struct table *table, struct flow *flow)
{
	enum side side;
	struct sock *sock = sock_to_count(table, flow, &side);

	if (!sock)
		return;
	count_by(flow, sock, side);
	begin_at(table, flow, sock, side);
	sock_count(table, sock, table->now_boot_ns);
}

static void flow_of_socket(struct table *table, struct sock *sock)
{
	struct key key = { .orig = connection_of(table, sock), .netns = sock->netns };
	uint64_t bytes[SIDES], packets[SIDES];
	struct flow *flow;
	enum side side;

	flow = flow_add(table, &key, &key.orig);
	side = tuple_is_equal(&key.orig, &sock->local) ? INITIATOR : RESPONDER;
	if (!flow) {
		table->count.refused_observations++;
		if (sock->flags & SOCKET_CLOSED) {
			totals_of(table, NULL, sock, side, bytes, packets);
			flow_overflow(table, IPPROTO_TCP, bytes, packets);
			sock_remove(table, sock);
		}
		return;
	}
	flow->start_wall_ns = table_wall_ns(table, sock->seen_boot_ns);
	flow->socket[side] = sock_slot(table, sock) + 1;
	sock->users++;
	sock->flow = flow_slot(table, flow) + 1;
	count_by(flow, sock, side);
	join_flow(table, flow); /* the other end may be on this host as well */
	begin_at(table, flow, sock, side);
	sock_count(table, sock, table->now_boot_ns);
	due_set(table, flow);
	if (has_live_socket(table, flow))
		return;
	if (sock->flags & SOCKET_STALE) {
		flow->flags |= FLOW_INEXACT;
		flow->inexact_reason = INEXACT_LOST;
	}
	if (due_is_old_enough(table, flow))
		flow_emit(table, flow, EVENT_START, -1, 0);
	flow_end(table, flow, -1, sock_end_wall_ns(table, flow));
}

/* The entries of sockets connected before this have had the chance to be shown by whole
 * conntrack passes: over their own namespace and over every other that has any,
 * since the entry of a container's connection can be elsewhere. */
static uint64_t settled_boot_ns(struct table *table, uint32_t netns)
{
	const struct scope *every = table_scope(table, NETNS_EVERY);
	const struct scope *own = table_scope(table, netns), *scope;
	uint64_t until_boot_ns = own ? own->ct_began_boot_ns : 0;

	if (table->conf.sockets_only)
		return UINT64_MAX;
	if (every && every->ct_began_boot_ns)
		return every->ct_began_boot_ns;
	for (scope = table->scope; scope < table->scope + table->scope_count; scope++)
		if (scope->ct_began_boot_ns && scope->ct_began_boot_ns < until_boot_ns)
			until_boot_ns = scope->ct_began_boot_ns;
	return until_boot_ns;
}

static bool is_settled(const struct sock *sock, uint64_t until_boot_ns, uint64_t shown_boot_ns)
{
	/* One that a flow has let go may be dead, its DESTROY lost: a whole pass that
	 * began after that has to show it. */
	if (sock->flags & SOCKET_COUNTED && !(sock->flags & SOCKET_CLOSED) &&
	    (sock->flags & SOCKET_MISSED || shown_boot_ns <= sock->seen_boot_ns))
		return false;
	/* A SYN that nothing has let through yet has no entry anywhere. */
	return sock->connected_boot_ns && until_boot_ns > sock->connected_boot_ns;
}

/* When the last whole pass began that would have shown the socket. */
static uint64_t shown_boot_ns(struct table *table, const struct sock *sock)
{
	const struct scope *own = table_scope(table, sock->netns);
	const struct scope *every = table_scope(table, NETNS_EVERY);
	const uint64_t own_boot_ns = own ? own->socket_began_boot_ns : 0;

	if (every && every->socket_began_boot_ns > own_boot_ns)
		return every->socket_began_boot_ns;
	return own_boot_ns;
}

void sock_settle(struct table *table, uint32_t netns, bool gone)
{
	const uint64_t until_boot_ns = gone ? UINT64_MAX : settled_boot_ns(table, netns);
	struct sock *sock;
	uint32_t slot;

	if (!until_boot_ns)
		return;

	for (slot = 0; slot < table->sockets.high; slot++) {
		sock = sock_at(table, slot);
		if (!(sock->flags & SOCKET_USED) || sock->flow ||
		    (netns != NETNS_EVERY && sock->netns != netns) ||
		    sock->local.proto != IPPROTO_TCP)
			continue;
		if (!gone && !is_settled(sock, until_boot_ns, shown_boot_ns(table, sock)))
			continue;
		join_socket(table, sock, true);
		if (sock->flow || (sock->flags & SOCKET_CLOSED && sock->users))
			continue; /* who has it lent gives it back */
		if (sock->flags & SOCKET_CLOSED &&
		    (sock->flags & SOCKET_COUNTED || !(sock->flags & SOCKET_HAS_INFO)))
			sock_remove(table, sock);
		else if (sock->flags & SOCKET_HAS_INFO)
			flow_of_socket(table, sock);
	}
}
