// SPDX-License-Identifier: Apache-2.0
/*
 * Which flows are one connection: an entry in a container's namespace and one in its
 * host's. They share a tuple, each as one of the two sees it, and begin together; no
 * end of a connection lives in both.
 */
#include <stdlib.h>

#include "flow/table_impl.h"

/* Entries of one connection begin this close to each other. */
#define PEER_START_NS 1000000000LL

static bool owns_socket(const struct table *table, const struct flow *flow, enum side side)
{
	return flow->socket[side] &&
	       sock_at(table, flow->socket[side] - 1)->netns == flow->key.netns;
}

bool flow_is_home_of(const struct table *table, const struct flow *flow, enum side side)
{
	const struct addr *addr = side == INITIATOR ? &flow->key.orig.addr[INITIATOR] :
						      &flow->nat.addr[RESPONDER];

	return owns_socket(table, flow, side) || address_is_local(table, flow->key.netns, addr);
}

/* A flow of sockets alone is as old as its first sight: conntrack can pick its
 * connection up at any time. */
static bool can_begin_apart(const struct table *table, const struct flow *x)
{
	return !(x->flags & FLOW_CONNTRACK) && has_live_socket(table, x);
}

bool flows_can_be_peers(const struct table *table, const struct flow *x, const struct flow *y)
{
	const int64_t apart_ns = (int64_t)(x->start_wall_ns - y->start_wall_ns);
	enum side side;

	if (x->key.netns == y->key.netns)
		return false;
	if (llabs(apart_ns) > PEER_START_NS && !can_begin_apart(table, x) &&
	    !can_begin_apart(table, y))
		return false;
	for (side = 0; side < SIDES; side++) {
		if (flow_is_home_of(table, x, side) && flow_is_home_of(table, y, side))
			return false;
	}
	return true;
}

/* Read, and without counters: accounting is off in its namespace, and no socket of its own
 * will count for it from its first record on. */
static bool is_blind(const struct table *table, const struct flow *flow)
{
	enum side side;

	return (flow->flags & (FLOW_FRESH | FLOW_COUNTED)) == FLOW_FRESH &&
	       (flow->seq || !sock_to_count(table, flow, &side));
}

/* True when x is the one to count: the one that can, else the client's side, else the
 * server's, else the older. */
static bool wins(const struct table *table, const struct flow *x, const struct flow *y)
{
	enum side side;

	/* sums take primaries alone; of one that is not read yet nothing is known */
	if (x->flags & FLOW_COUNTED && is_blind(table, y))
		return true;
	if (y->flags & FLOW_COUNTED && is_blind(table, x))
		return false;
	for (side = 0; side < SIDES; side++) {
		const bool x_home = flow_is_home_of(table, x, side);

		if (x_home != flow_is_home_of(table, y, side))
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

static void make_primary(struct flow *primary, struct flow *secondary)
{
	primary->flags = (primary->flags & ~FLOW_SECONDARY) | FLOW_PRIMARY;
	secondary->flags = (secondary->flags & ~FLOW_PRIMARY) | FLOW_SECONDARY;
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
		make_primary(other, flow);
	} else {
		make_primary(flow, other);
	}
}

static bool gives_way(const struct table *table, const struct flow *from, const struct flow *to)
{
	return from->flags & FLOW_PRIMARY && to->flags & FLOW_SECONDARY &&
	       to->flags & FLOW_COUNTED && is_blind(table, from);
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
		if (!flows_can_be_peers(table, flow, other))
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

static void weigh(const struct table *table, struct flow *flow, const struct tuple *wanted)
{
	struct flow *peer = nearest_peer(table, flow, wanted);

	/* both have begun in the records, and neither has ended: as many end as have begun */
	if (!peer || !peer->seq || peer->flags & FLOW_ENDED)
		return;
	if (gives_way(table, peer, flow))
		make_primary(flow, peer);
	else if (gives_way(table, flow, peer))
		make_primary(peer, flow);
}

void weigh_peers(struct table *table, struct flow *flow)
{
	if (!(flow->flags & (FLOW_PRIMARY | FLOW_SECONDARY)) || !flow->seq ||
	    flow->flags & FLOW_ENDED)
		return;
	weigh(table, flow, &flow->key.orig);
	if (flow->flags & FLOW_NAT_INDEXED)
		weigh(table, flow, &flow->nat);
}
