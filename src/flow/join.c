// SPDX-License-Identifier: Apache-2.0
/*
 * Which sockets belong to which flow, and which flows are one connection.
 *
 * A socket is the client of a flow when its own tuple is the original tuple,
 * the server when it is the inverse of what the responder sees; both tests hold
 * through any NAT and in any namespace. The flow's own namespace goes first; a
 * foreign socket is attached only while it is the only one that fits.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "flow/table_impl.h"

/* Entries of one connection begin this close to each other. */
#define PEER_START_NS 1000000000LL

static uint32_t ambiguous_flag(enum side side)
{
	return side == INITIATOR ? FLOW_AMBIGUOUS_CLIENT : FLOW_AMBIGUOUS_SERVER;
}

static bool owns_socket(const struct table *table, const struct flow *flow, enum side side)
{
	return flow->socket[side] &&
	       sock_at(table, flow->socket[side] - 1)->netns == flow->key.netns;
}

/* Whether the namespace of the flow is where that end of the connection lives. */
static bool is_home_of(const struct table *table, const struct flow *flow, enum side side)
{
	const struct addr *addr = side == INITIATOR ? &flow->key.orig.addr[INITIATOR] :
						      &flow->nat.addr[RESPONDER];

	return owns_socket(table, flow, side) || address_is_local(table, flow->key.netns, addr);
}

/* Two entries can only be one connection when no end lives in both. */
static bool can_be_peers(const struct table *table, const struct flow *x, const struct flow *y)
{
	const int64_t apart_ns = (int64_t)(x->start_wall_ns - y->start_wall_ns);
	enum side side;

	if (x->key.netns == y->key.netns || llabs(apart_ns) > PEER_START_NS)
		return false;
	for (side = 0; side < SIDES; side++) {
		if (is_home_of(table, x, side) && is_home_of(table, y, side))
			return false;
	}
	return true;
}

/* Whether a socket of another namespace can be the flow's at that side: not when
 * that end lives in the flow's own, nor when its entry is another connection's
 * (namespaces may use equal addresses). */
static bool can_be_foreign(const struct table *table, const struct flow *flow,
			   const struct sock *sock, enum side side)
{
	const struct flow *other;

	if (is_home_of(table, flow, side))
		return false;
	if (!sock->flow || sock->flow == flow_slot(table, flow) + 1)
		return true;
	other = flow_at(table, sock->flow - 1);
	return !(other->flags & FLOW_CONNTRACK) || can_be_peers(table, other, flow);
}

/* Offers a socket that fits; true when it is now lent to the flow. */
static bool attach(struct table *table, struct flow *flow, struct sock *sock, enum side side)
{
	const bool own = sock->netns == flow->key.netns;
	struct sock *other;

	if (!own && !can_be_foreign(table, flow, sock, side))
		return false;
	if (flow->socket[side]) {
		other = sock_at(table, flow->socket[side] - 1);
		if (other == sock)
			return true;
		if (other->netns == flow->key.netns)
			return false; /* the first of its own stays */
		/* a guess that was wrong: its connection is still to be counted */
		if (!(flow->flags & FLOW_BY_SOCKET) && other->flow == flow_slot(table, flow) + 1)
			other->flow = SLOT_NONE;
		sock_release(table, flow, side);
		if (!own) { /* two foreigners: nobody knows which */
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

static void join_by_tuple(struct table *table, struct flow *flow, enum side side,
			  const struct tuple *wanted, bool own_only)
{
	const uint64_t hash = tuple_hash(wanted, table->conf.index_seed);
	struct sock *sock;
	uint32_t slot, at;

	for (slot = index_first(&table->socket_by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->socket_by_tuple, hash, &at)) {
		sock = sock_at(table, slot);
		if (!tuple_is_equal(&sock->local, wanted))
			continue;
		if ((sock->netns == flow->key.netns) != own_only)
			continue;
		/* a closed one is of an earlier connection, unless nobody has it */
		if (sock->flags & SOCKET_CLOSED &&
		    (sock->flow || sock->flags & SOCKET_COUNTED ||
		     sock->local.proto == IPPROTO_UDP))
			continue;
		if (attach(table, flow, sock, side) && own_only)
			return;
	}
}

/* A UDP socket that is bound but not connected: by address and port, then by
 * port alone, in the flow's own namespace. It serves many flows, so it lends
 * its owner by reference and is not claimed. */
static void join_bound_udp(struct table *table, struct flow *flow, enum side side)
{
	const struct tuple exact = socket_tuple(flow, side);
	struct tuple wanted = exact;
	static const struct addr any6;
	struct addr any4;
	int attempt;

	addr_from_v4(&any4, &any6);
	wanted.port_be[RESPONDER] = 0;
	for (attempt = 0; attempt < 6 && !flow->socket[side]; attempt++) {
		const struct addr *local = attempt / 2 == 0 ? &exact.addr[INITIATOR] :
					   attempt / 2 == 1 ? &any4 : &any6;

		wanted.addr[INITIATOR] = *local;
		wanted.addr[RESPONDER] = attempt % 2 ? any6 : any4;
		join_by_tuple(table, flow, side, &wanted, true);
	}
}

void join_flow(struct table *table, struct flow *flow)
{
	enum side side;
	struct tuple wanted;

	if (!table->sockets.live ||
	    (flow->key.orig.proto != IPPROTO_TCP && flow->key.orig.proto != IPPROTO_UDP))
		return;
	for (side = 0; side < SIDES; side++) {
		if (flow->socket[side])
			continue;
		wanted = socket_tuple(flow, side);
		join_by_tuple(table, flow, side, &wanted, true);
		if (!flow->socket[side])
			join_by_tuple(table, flow, side, &wanted, false);
		if (!flow->socket[side] && flow->key.orig.proto == IPPROTO_UDP)
			join_bound_udp(table, flow, side);
	}
}

static bool join_socket_at(struct table *table, struct sock *sock, enum side side, bool own)
{
	struct tuple wanted = side == INITIATOR ? sock->local : tuple_inverse(&sock->local);
	const uint64_t hash = tuple_hash(&wanted, table->conf.index_seed);
	struct flow *flow;
	uint32_t slot, at;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		flow = flow_at(table, slot);
		if (flow->flags & FLOW_ENDED || (flow->key.netns == sock->netns) != own)
			continue;
		if (!tuple_is_equal(side == INITIATOR ? &flow->key.orig : &flow->nat, &wanted))
			continue;
		if (attach(table, flow, sock, side))
			return true;
	}
	return false;
}

void join_socket(struct table *table, struct sock *sock)
{
	if (!(sock->flags & SOCKET_INDEXED) || !sock->local.port_be[RESPONDER])
		return;
	if (join_socket_at(table, sock, INITIATOR, true) ||
	    join_socket_at(table, sock, RESPONDER, true) ||
	    join_socket_at(table, sock, INITIATOR, false) ||
	    join_socket_at(table, sock, RESPONDER, false))
		return;
}

/* True when x is the one to count: the client's side, else the server's, else
 * the older. */
static bool wins(const struct table *table, const struct flow *x, const struct flow *y)
{
	enum side side;

	for (side = 0; side < SIDES; side++) {
		const bool x_home = is_home_of(table, x, side);

		if (x_home != is_home_of(table, y, side))
			return x_home;
	}
	if (x->start_wall_ns != y->start_wall_ns)
		return x->start_wall_ns < y->start_wall_ns;
	return x->key.netns < y->key.netns;
}

static void peer_tell(struct table *table, struct flow *to, const struct flow *peer)
{
	const uint32_t slot = flow_slot(table, to);

	table->peer_ids[slot] = flow_id(table, peer);
	to->flags |= FLOW_HAS_PEER_ID;
}

/* The id can still change until the first record or the kernel's start. */
static bool has_id(const struct flow *flow)
{
	return flow->seq || flow->flags & (FLOW_START_KNOWN | FLOW_ID_BY_SIGHT);
}

/* Makes one of the two primary, unless one is or another of their connection.
 * What has been reported as primary stays it: nothing is counted twice. */
static void choose(const struct table *table, struct flow *flow, struct flow *other)
{
	const bool other_is_primary = other->flags & FLOW_PRIMARY ||
				      (other->seq && !(other->flags & FLOW_SECONDARY));

	if (flow->flags & (FLOW_PRIMARY | FLOW_SECONDARY)) {
		if (!other_is_primary)
			other->flags |= FLOW_SECONDARY;
	} else if (other->flags & FLOW_SECONDARY) {
		flow->flags |= FLOW_SECONDARY;
	} else if (other_is_primary || wins(table, other, flow)) {
		flow->flags |= FLOW_SECONDARY;
		other->flags |= FLOW_PRIMARY;
	} else {
		flow->flags |= FLOW_PRIMARY;
		other->flags |= FLOW_SECONDARY;
	}
}

static void join_peer(struct table *table, struct flow *flow, struct flow *other)
{
	choose(table, flow, other);
	if (has_id(flow))
		peer_tell(table, other, flow);
	if (has_id(other))
		peer_tell(table, flow, other);
}

/* Whether the peer with that id is an earlier use of the flow's own tuple. */
static bool is_of_earlier_use(const struct table *table, const struct flow *flow, uint64_t id)
{
	const uint64_t hash = tuple_hash(&flow->key.orig, table->conf.index_seed);
	const struct flow *row;
	uint32_t slot, at;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		row = flow_at(table, slot);
		if (row != flow && key_is_equal(&row->key, &flow->key) &&
		    flow_id(table, row) == id)
			return true;
	}
	return false;
}

static struct flow *nearest_peer(const struct table *table, const struct flow *flow,
				 const struct tuple *wanted)
{
	const uint64_t hash = tuple_hash(wanted, table->conf.index_seed);
	struct flow *other, *nearest = NULL;
	uint64_t apart_ns, nearest_ns = UINT64_MAX;
	uint32_t slot, at;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		other = flow_at(table, slot);
		if (other == flow || other->key.netns == flow->key.netns)
			continue;
		if (!tuple_is_equal(&other->key.orig, wanted) &&
		    !tuple_is_equal(&other->nat, wanted))
			continue;
		if (!can_be_peers(table, flow, other))
			continue;
		if (other->flags & FLOW_HAS_PEER_ID &&
		    is_of_earlier_use(table, flow, table->peer_ids[slot]))
			continue;
		apart_ns = (uint64_t)llabs((int64_t)(flow->start_wall_ns - other->start_wall_ns));
		if (apart_ns >= nearest_ns)
			continue;
		nearest_ns = apart_ns;
		nearest = other;
	}
	return nearest;
}

/* An entry that translates stands between two others that share no tuple: it is
 * asked first, so that all three know of each other. */
static void join_peers_by(struct table *table, struct flow *flow, const struct tuple *wanted,
			  bool further)
{
	struct flow *peer = nearest_peer(table, flow, wanted);

	if (!peer)
		return;
	if (further && !peer->seq && peer->flags & FLOW_NAT_INDEXED) {
		join_peers_by(table, peer, &peer->key.orig, false);
		join_peers_by(table, peer, &peer->nat, false);
	}
	join_peer(table, flow, peer);
}

void join_peers(struct table *table, struct flow *flow)
{
	join_peers_by(table, flow, &flow->key.orig, true);
	if (flow->flags & FLOW_NAT_INDEXED)
		join_peers_by(table, flow, &flow->nat, true);
}
