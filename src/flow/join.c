// SPDX-License-Identifier: Apache-2.0
/*
 * Which sockets belong to which flow.
 *
 * A socket is the client of a flow when its own tuple is the original tuple,
 * the server when it is the inverse of what the responder sees; both tests hold
 * through any NAT and in any namespace. The flow's own namespace goes first; a
 * foreign socket is attached only while it is the only one that fits.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/array.h"
#include "flow/table_impl.h"

/* Clocks are compared through two others. */
#define APART_NS 20000000

static uint32_t ambiguous_flag(enum side side)
{
	return side == INITIATOR ? FLOW_AMBIGUOUS_CLIENT : FLOW_AMBIGUOUS_SERVER;
}

/* Whether a socket of another namespace can be the flow's at that side: not when
 * that end lives in the flow's own, nor when its entry is another connection's
 * (namespaces may use equal addresses). */
static bool can_be_foreign(const struct table *table, const struct flow *flow,
			   const struct sock *sock, enum side side)
{
	const struct flow *other;

	if (flow_is_home_of(table, flow, side))
		return false;
	if (!sock->flow || sock->flow == flow_slot(table, flow) + 1)
		return true;
	other = flow_at(table, sock->flow - 1);
	return !(other->flags & FLOW_CONNTRACK) || flows_can_be_peers(table, other, flow);
}

/* Of a connection that was over before a pass could show it. */
static bool is_seen_dead(const struct sock *sock)
{
	return sock->local.proto == IPPROTO_TCP && sock->state == TCP_CLOSE;
}

static bool is_over(const struct table *table, const struct flow *flow)
{
	return flow->flags & FLOW_CLOSING ||
	       (!(flow->flags & FLOW_CONNTRACK) && !has_live_socket(table, flow));
}

/* Of foreign sockets with equal tuples a dead one is rather of a flow that is over,
 * a live one of one that is not. */
static bool goes_with(const struct table *table, const struct flow *flow,
		      const struct sock *sock)
{
	return is_seen_dead(sock) == is_over(table, flow);
}

/* The socket that counts for the flow, or NULL. */
static const struct sock *counting_socket(const struct table *table, const struct flow *flow)
{
	const enum side side = flow->flags & FLOW_BY_SERVER ? RESPONDER : INITIATOR;

	return flow->flags & FLOW_BY_SOCKET && flow->socket[side] ?
		       sock_at(table, flow->socket[side] - 1) : NULL;
}

/* How long after the flow began, or before, the socket had its connection, where both
 * are known; and how far apart two sockets must be in this to tell them apart. */
static bool from_start(const struct table *table, const struct flow *flow,
		       const struct sock *sock, int64_t *ret_ns, int64_t *apart_ns)
{
	const struct sock *counting = counting_socket(table, flow);

	if (!(sock->flags & SOCKET_TIMED))
		return false;
	if (counting && counting->flags & SOCKET_TIMED) {
		*ret_ns = llabs((int64_t)(sock->connected_boot_ns - counting->connected_boot_ns));
		*apart_ns = 0;
		return true;
	}
	if (!(flow->flags & FLOW_START_KNOWN))
		return false;
	*ret_ns = llabs((int64_t)(table_wall_ns(table, sock->connected_boot_ns) -
				  flow->start_wall_ns));
	*apart_ns = APART_NS;
	return true;
}

/* Whether the times tell that, of two sockets with equal tuples, the flow is x's: it
 * began as x's connection was made, and y's was made some time later or earlier. */
static bool is_nearer(const struct table *table, const struct flow *flow, const struct sock *x,
		      const struct sock *y)
{
	int64_t x_ns, y_ns, apart_ns;

	if (from_start(table, flow, x, &x_ns, &apart_ns) &&
	    from_start(table, flow, y, &y_ns, &apart_ns))
		return x_ns < y_ns && y_ns - x_ns > apart_ns;
	/* seen before y's was made, and after x's */
	return !(flow->flags & FLOW_START_KNOWN) && x->flags & y->flags & SOCKET_TIMED &&
	       table_wall_ns(table, x->connected_boot_ns) <= flow->start_wall_ns &&
	       table_wall_ns(table, y->connected_boot_ns) > flow->start_wall_ns;
}

/* Offers a socket that fits; true when it is now lent to the flow. */
static bool attach(struct table *table, struct flow *flow, struct sock *sock, enum side side)
{
	const bool own = sock->netns == flow->key.netns;
	struct sock *other;
	bool doubt;

	if (!own && !can_be_foreign(table, flow, sock, side))
		return false;
	if (flow->socket[side]) {
		other = sock_at(table, flow->socket[side] - 1);
		if (other == sock) {
			if (sock->local.proto == IPPROTO_TCP && !sock->flow)
				sock->flow = flow_slot(table, flow) + 1;
			return true;
		}
		if (other->netns == flow->key.netns)
			return false; /* the first of its own stays */
		if (!own && is_nearer(table, flow, other, sock))
			return false;
		if (!own && goes_with(table, flow, other) && !goes_with(table, flow, sock))
			return false;
		doubt = !own && !is_nearer(table, flow, sock, other) &&
			(!goes_with(table, flow, sock) || goes_with(table, flow, other));
		/* a guess that was wrong: its connection is still to be counted */
		if (counting_socket(table, flow) != other &&
		    other->flow == flow_slot(table, flow) + 1)
			other->flow = SLOT_NONE;
		sock_release(table, flow, side);
		if (doubt) { /* two foreigners: nobody knows which */
			flow->flags |= ambiguous_flag(side);
			return false;
		}
	} else if (!own && flow->flags & ambiguous_flag(side)) {
		return false;
	}
	flow->socket[side] = sock_slot(table, sock) + 1;
	sock->users++;
	if (sock->local.proto == IPPROTO_TCP && (own || !sock->flow))
		sock->flow = flow_slot(table, flow) + 1;
	flow_tell_socket(table, flow);
	return true;
}

/* The tuple of the socket that would be at that side of the flow. */
static struct tuple socket_tuple(const struct flow *flow, enum side side)
{
	return side == INITIATOR ? flow->key.orig : tuple_inverse(&flow->nat);
}

/* Whether a socket with that tuple may be asked to be at that side of the flow. */
static bool is_candidate(const struct table *table, const struct flow *flow,
			 const struct sock *sock, bool own)
{
	if ((sock->netns == flow->key.netns) != own)
		return false;
	if (sock->flags & SOCKET_NO_V4 && addr_is_v4(&flow->key.orig.addr[INITIATOR]))
		return false;
	/* a closed one is of an earlier connection, unless nobody has it */
	if (sock->flags & SOCKET_CLOSED && (sock->flow || sock->flags & SOCKET_COUNTED ||
					    sock->local.proto == IPPROTO_UDP))
		return false;
	/* one seen dead, unless sock_settle finds no better place */
	return own || !is_seen_dead(sock) || is_over(table, flow);
}

/* hash: that of the tuple */
static void join_by_tuple(struct table *table, struct flow *flow, enum side side,
			  const struct tuple *wanted, uint64_t hash, bool own_only)
{
	const struct index *index = &table->socket_by_tuple;
	uint32_t slot, at, entries;
	struct sock *sock;

	slot = index_first(index, hash, &at);
	while (slot != INDEX_END) {
		sock = sock_at(table, slot);
		entries = index->count;
		if (tuple_is_equal(&sock->local, wanted) &&
		    is_candidate(table, flow, sock, own_only) &&
		    attach(table, flow, sock, side) && own_only)
			return;
		/* when one that had to make room is gone, others have moved up */
		slot = index->count == entries ? index_next(index, hash, &at) :
						 index_first(index, hash, &at);
	}
}

/* Whether datagrams to that end reach sockets of the flow's namespace that are bound
 * to a port alone. A group is no address of anybody: what comes to it from
 * elsewhere is heard here. */
static bool is_heard_here(const struct table *table, const struct flow *flow,
			  enum side side, const struct addr *addr)
{
	const uint32_t netns = flow->key.netns;

	if (addr_is_unspecified(addr))
		return false;
	if (address_is_local(table, netns, addr) || !address_any(table, netns))
		return true;
	return side == RESPONDER && addr_is_group(addr) &&
	       !address_is_local(table, netns, &flow->key.orig.addr[INITIATOR]);
}

/* A UDP socket that is bound but not connected: by address and port, then by
 * port alone, in the flow's own namespace. It serves many flows, so it lends
 * its owner by reference and is not claimed. */
static void join_bound_udp(struct table *table, struct flow *flow, enum side side)
{
	static const struct addr any6;
	struct addr any4;
	struct tuple wanted = socket_tuple(flow, side);
	const struct addr local = wanted.addr[INITIATOR];
	const struct addr *const bound[] = { &local, addr_is_v4(&local) ? &any4 : &any6, &any6 };
	unsigned count;

	if (!table->bound_udp[wanted.port_be[INITIATOR]] || addr_is_unspecified(&local))
		return;
	count = is_heard_here(table, flow, side, &local) ? ARRAY_LEN(bound) : 1;
	addr_from_v4(&any4, &any6);
	wanted.port_be[RESPONDER] = 0;
	for (unsigned i = 0; i < 2 * count && !flow->socket[side]; i++) {
		wanted.addr[INITIATOR] = *bound[i / 2];
		wanted.addr[RESPONDER] = i % 2 ? any6 : any4;
		join_by_tuple(table, flow, side, &wanted,
			      tuple_hash(&wanted, table->conf.index_seed), true);
	}
}

void join_flow(struct table *table, struct flow *flow)
{
	enum side side;
	struct tuple wanted;
	uint64_t hash;

	if (!table->sockets.live ||
	    (flow->key.orig.proto != IPPROTO_TCP && flow->key.orig.proto != IPPROTO_UDP))
		return;
	for (side = 0; side < SIDES; side++) {
		if (flow->socket[side])
			continue;
		wanted = socket_tuple(flow, side);
		hash = tuple_hash(&wanted, table->conf.index_seed);
		join_by_tuple(table, flow, side, &wanted, hash, true);
		if (!flow->socket[side])
			join_by_tuple(table, flow, side, &wanted, hash, false);
		if (!flow->socket[side] && flow->key.orig.proto == IPPROTO_UDP)
			join_bound_udp(table, flow, side);
	}
}

void join_flow_again(struct table *table, struct flow *flow)
{
	if (flow->socket[INITIATOR] && flow->socket[RESPONDER])
		return;
	/* nobody claims a UDP socket: what was not there is not there */
	if (flow->key.orig.proto == IPPROTO_UDP &&
	    ms_is_before(table->ends_ms, flow->record_ms))
		return;
	join_flow(table, flow);
}

enum whose { WHOSE_OWN, WHOSE_GOES_WITH, WHOSE_ANY };

static bool join_socket_at(struct table *table, struct sock *sock, enum side side,
			   enum whose whose)
{
	struct tuple wanted = side == INITIATOR ? sock->local : tuple_inverse(&sock->local);
	const uint64_t hash = tuple_hash(&wanted, table->conf.index_seed);
	struct flow *flow;
	uint32_t slot, at;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		flow = flow_at(table, slot);
		if (flow->flags & FLOW_ENDED ||
		    (flow->key.netns == sock->netns) != (whose == WHOSE_OWN))
			continue;
		if (!tuple_is_equal(side == INITIATOR ? &flow->key.orig : &flow->nat, &wanted))
			continue;
		if (whose == WHOSE_GOES_WITH && !goes_with(table, flow, sock))
			continue;
		if (attach(table, flow, sock, side))
			return true;
	}
	return false;
}

/* Whether an entry of the connection has just ended: it can be read before the end of
 * the socket is, and has counted what there was. */
static bool has_ended(const struct table *table, const struct sock *sock)
{
	const struct tuple wanted[SIDES] = { sock->local, tuple_inverse(&sock->local) };
	enum side side;

	for (side = 0; side < SIDES; side++) {
		const uint64_t hash = tuple_hash(&wanted[side], table->conf.index_seed);
		uint32_t slot, at;

		for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
		     slot = index_next(&table->by_tuple, hash, &at)) {
			const struct flow *flow = flow_at(table, slot);

			if (flow->flags & FLOW_ENDED && flow->flags & FLOW_CONNTRACK &&
			    tuple_is_equal(side == INITIATOR ? &flow->key.orig : &flow->nat,
					   &wanted[side]))
				return true;
		}
	}
	return false;
}

void join_socket(struct table *table, struct sock *sock, bool anywhere)
{
	enum whose whose, last = anywhere || !is_seen_dead(sock) ? WHOSE_ANY : WHOSE_GOES_WITH;

	if (!(sock->flags & SOCKET_INDEXED) || !sock->local.port_be[RESPONDER])
		return;
	/* the flow that it was part of is gone */
	if (is_seen_dead(sock) && sock->flags & SOCKET_COUNTED)
		return;
	for (whose = WHOSE_OWN; whose <= last; whose++) {
		if (join_socket_at(table, sock, INITIATOR, whose) ||
		    join_socket_at(table, sock, RESPONDER, whose))
			return;
	}
	if (is_seen_dead(sock) && has_ended(table, sock))
		sock->flags |= SOCKET_COUNTED;
}

static unsigned add_once(struct flow *ret[BORROWERS_MAX], unsigned count, struct flow *flow)
{
	for (unsigned i = 0; i < count; i++) {
		if (ret[i] == flow)
			return count;
	}
	if (count < BORROWERS_MAX)
		ret[count++] = flow;
	return count;
}

unsigned join_borrowers(const struct table *table, const struct sock *sock,
			struct flow *ret[BORROWERS_MAX])
{
	const struct tuple wanted[SIDES] = { sock->local, tuple_inverse(&sock->local) };
	unsigned count = 0;
	enum side side;

	/* its translation may have become known since: it is then found by no tuple */
	if (sock->flow)
		ret[count++] = flow_at(table, sock->flow - 1);
	for (side = 0; side < SIDES && sock->users > count; side++) {
		const uint64_t hash = tuple_hash(&wanted[side], table->conf.index_seed);
		uint32_t slot, at;

		for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
		     slot = index_next(&table->by_tuple, hash, &at)) {
			struct flow *flow = flow_at(table, slot);

			if (flow->socket[side] == sock_slot(table, sock) + 1)
				count = add_once(ret, count, flow);
		}
	}
	return count;
}
