// SPDX-License-Identifier: Apache-2.0
/*
 * Socket observations into sockets, and flows of sockets alone.
 *
 * A TCP socket belongs to the flow of its connection; one whose namespace has
 * no conntrack entry for it, after a whole pass has had the chance to show
 * one, becomes a flow of its own. A UDP socket only lends its owner. Sockets
 * stay, closed, until their flow's end record has been made.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/hash.h"
#include "flow/table_impl.h"

static uint64_t cookie_hash(const struct table *table, uint64_t cookie)
{
	return hash_bytes(&cookie, sizeof(cookie), table->conf.index_seed);
}

static uint64_t *closed_cookie(const struct table *table, uint64_t cookie)
{
	return &table->closed_cookies[cookie_hash(table, cookie) % CLOSED_COOKIES];
}

static struct sock *sock_find(const struct table *table, uint64_t cookie)
{
	const uint64_t hash = cookie_hash(table, cookie);
	struct sock *sock;
	uint32_t slot, at;

	for (slot = index_first(&table->socket_by_cookie, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->socket_by_cookie, hash, &at)) {
		sock = sock_at(table, slot);
		if (sock->cookie == cookie)
			return sock;
	}
	return NULL;
}

static void sock_index(struct table *table, struct sock *sock, const struct tuple *local)
{
	const uint64_t seed = table->conf.index_seed;
	const uint32_t slot = sock_slot(table, sock);

	if (sock->flags & SOCKET_INDEXED && tuple_is_equal(&sock->local, local))
		return;
	if (sock->flags & SOCKET_INDEXED)
		index_remove(&table->socket_by_tuple, tuple_hash(&sock->local, seed), slot);
	sock->local = *local;
	index_add(&table->socket_by_tuple, tuple_hash(local, seed), slot);
	sock->flags |= SOCKET_INDEXED;
}

static void sock_remove(struct table *table, struct sock *sock)
{
	const uint32_t slot = sock_slot(table, sock);

	index_remove(&table->socket_by_cookie, cookie_hash(table, sock->cookie), slot);
	if (sock->flags & SOCKET_INDEXED)
		index_remove(&table->socket_by_tuple,
			     tuple_hash(&sock->local, table->conf.index_seed), slot);
	owners_drop(table, sock->owner);
	pool_give(&table->sockets, slot);
}

static struct sock *sock_add(struct table *table, const struct obs *obs)
{
	const uint32_t slot = pool_take(&table->sockets);
	struct sock *sock;

	if (slot == POOL_NONE) {
		table->count.sockets_refused++;
		return NULL;
	}
	sock = sock_at(table, slot);
	sock->cookie = obs->socket.cookie;
	sock->netns = obs->socket.netns;
	sock->uid = UINT32_MAX;
	sock->flags = SOCKET_USED;
	if (obs->kind == OBS_BASELINE)
		sock->flags |= SOCKET_OLD;
	sock->seen_boot_ns = obs->at_boot_ns;
	index_add(&table->socket_by_cookie, cookie_hash(table, sock->cookie), slot);
	return sock;
}

void sock_release(struct table *table, struct flow *flow, enum side side)
{
	struct sock *sock;

	if (!flow->socket[side])
		return;
	sock = sock_at(table, flow->socket[side] - 1);
	flow->socket[side] = SLOT_NONE;
	sock->users--;
	if (sock->flow == flow_slot(table, flow) + 1) {
		/* Conntrack can forget a live connection: what the socket counts
		 * later starts from here. */
		sock->flow = SLOT_NONE;
		sock->flags |= SOCKET_COUNTED;
		sock->seen_boot_ns = table->now_boot_ns;
	}
	if (!(sock->flags & SOCKET_CLOSED) || sock->users || sock->flow)
		return;
	/* the connection that nobody has counted is left to sock_settle */
	if (sock->flags & SOCKET_COUNTED || sock->local.proto != IPPROTO_TCP)
		sock_remove(table, sock);
}

void sock_release_of(struct table *table, struct flow *flow)
{
	sock_release(table, flow, INITIATOR);
	sock_release(table, flow, RESPONDER);
}

/* The socket's totals as the flow's: a server's sent bytes are the reply's. */
static void totals_of(const struct sock *sock, enum side mine, uint64_t bytes[SIDES],
		      uint64_t packets[SIDES])
{
	const enum side other = mine == INITIATOR ? RESPONDER : INITIATOR;

	bytes[mine] = sock->payload_bytes[INITIATOR];
	bytes[other] = sock->payload_bytes[RESPONDER];
	packets[mine] = sock->segments[INITIATOR];
	packets[other] = sock->segments[RESPONDER];
}

/* A flow counted by a socket follows the socket that it began with. */
static void sock_count(struct table *table, struct sock *sock, uint64_t at_boot_ns)
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
	totals_of(sock, mine, bytes, packets);
	flow_count(table, flow, bytes, packets, at_boot_ns);
	flow->flags |= FLOW_FRESH;
	if (!flow->seq || flow_has_moved(flow))
		due_set(table, flow);
}

/* From now on that socket counts for the flow; what it counted before weir, or
 * what another flow has reported, is the zero point. */
static void count_by(struct table *table, struct flow *flow, const struct sock *sock,
		     enum side mine)
{
	flow->flags |= FLOW_BY_SOCKET | FLOW_COUNTED | FLOW_FRESH;
	if (mine == RESPONDER)
		flow->flags |= FLOW_BY_SERVER;
	if (sock->flags & (SOCKET_OLD | SOCKET_COUNTED))
		flow->flags |= FLOW_BASELINE;
	if (flow->flags & FLOW_BASELINE) {
		totals_of(sock, mine, flow->bytes, flow->packets);
		totals_of(sock, mine, flow->reported_bytes, flow->reported_packets);
	}
}

void sock_take_over_counting(struct table *table, struct flow *flow)
{
	struct sock *sock;
	enum side side;

	if (flow->flags & FLOW_COUNTED || flow->key.orig.proto != IPPROTO_TCP)
		return;
	/* conntrack may count it and has only not been read since it began */
	if (flow->flags & FLOW_CONNTRACK && !(flow->flags & FLOW_FRESH))
		return;
	for (side = 0; side < SIDES; side++) {
		if (!flow->socket[side])
			continue;
		sock = sock_at(table, flow->socket[side] - 1);
		if (!(sock->flags & SOCKET_HAS_INFO) ||
		    sock->flow != flow_slot(table, flow) + 1)
			continue;
		count_by(table, flow, sock, side);
		sock_count(table, sock, table->now_boot_ns);
		return;
	}
}

static bool has_news(const struct sock *sock, const struct obs_socket *seen)
{
	return sock->payload_bytes[INITIATOR] != seen->payload_sent_bytes ||
	       sock->payload_bytes[RESPONDER] != seen->payload_received_bytes ||
	       sock->retransmits != seen->retransmitted_segments;
}

static void sock_apply(struct table *table, struct sock *sock, const struct obs *obs)
{
	const struct obs_socket *seen = &obs->socket;

	if (seen->has & SOCKET_TUPLE)
		sock_index(table, sock, &seen->local);
	if (seen->has & SOCKET_UID)
		sock->uid = seen->uid;
	if (seen->role != SOCKET_ROLE_UNKNOWN)
		sock->role = seen->role;
	sock->state = seen->state;
	sock->sampled_ms = ms_of(obs->at_boot_ns);
	sock->flags &= (uint16_t)~SOCKET_MISSED;
	if (!(seen->has & SOCKET_INFO))
		return;
	if (sock->flow && has_news(sock, seen))
		flow_tell_socket(table, flow_at(table, sock->flow - 1));
	sock->flags |= SOCKET_HAS_INFO;
	sock->payload_bytes[INITIATOR] = seen->payload_sent_bytes;
	sock->payload_bytes[RESPONDER] = seen->payload_received_bytes;
	sock->segments[INITIATOR] = seen->segments_sent;
	sock->segments[RESPONDER] = seen->segments_received;
	sock->retransmits = seen->retransmitted_segments;
	sock->srtt_us = seen->srtt_us;
	sock->rttvar_us = seen->rttvar_us;
	sock->min_rtt_us = seen->min_rtt_us;
	sock_count(table, sock, obs->at_boot_ns);
}

void flow_tell_socket(struct table *table, struct flow *flow)
{
	if (!flow->seq || flow->flags & FLOW_ENDED)
		return;
	flow->flags |= FLOW_SOCKET_MOVED;
	due_set(table, flow);
}

bool has_live_socket(const struct table *table, const struct flow *flow)
{
	enum side i;

	for (i = 0; i < SIDES; i++) {
		if (flow->socket[i] &&
		    !(sock_at(table, flow->socket[i] - 1)->flags & SOCKET_CLOSED))
			return true;
	}
	return false;
}

/* The socket is gone; with the last one goes a flow that only sockets count. */
static void sock_close(struct table *table, struct sock *sock)
{
	struct flow *flow;

	sock->flags |= SOCKET_CLOSED;
	*closed_cookie(table, sock->cookie) = sock->cookie;
	if (sock->flags & SOCKET_TOLD)
		sock_emit(table, sock, EVENT_CLOSE);
	if (!sock->flow) {
		if (sock->local.proto != IPPROTO_TCP && !sock->users)
			sock_remove(table, sock);
		return; /* sock_settle decides: its flow may still be on its way */
	}
	flow = flow_at(table, sock->flow - 1);
	if (flow->flags & FLOW_BY_SOCKET && sock->flags & SOCKET_STALE) {
		flow->flags |= FLOW_INEXACT;
		flow->inexact_reason = INEXACT_LOST;
	}
	if (has_live_socket(table, flow))
		return;
	if (flow->flags & FLOW_BY_SOCKET && !(flow->flags & FLOW_CONNTRACK)) {
		flow_end(table, flow, -1, 0);
		return;
	}
	if (!(flow->flags & FLOW_CLOSING)) {
		flow->flags |= FLOW_CLOSING;
		flow->flags &= ~FLOW_FRESH;
	}
}

void merge_socket(struct table *table, const struct obs *obs)
{
	struct sock *sock = sock_find(table, obs->socket.cookie);

	if (sock && sock->flags & SOCKET_CLOSED)
		return; /* a dump read before the end was */
	if (!sock) {
		/* what never had an address never was a connection */
		if (!(obs->socket.has & SOCKET_TUPLE)) {
			if (obs->kind == OBS_CLOSE)
				*closed_cookie(table, obs->socket.cookie) = obs->socket.cookie;
			return;
		}
		/* the same after its flow has gone, too */
		if (*closed_cookie(table, obs->socket.cookie) == obs->socket.cookie)
			return;
		sock = sock_add(table, obs);
		if (!sock)
			return;
	}
	if (obs->kind == OBS_CLOSE && !(obs->socket.has & SOCKET_INFO))
		sock->flags |= SOCKET_STALE;
	sock_apply(table, sock, obs);
	if (!sock->flow)
		join_socket(table, sock);
	if (obs->kind == OBS_CLOSE)
		sock_close(table, sock);
}

/* Traces the connection of a new TCP socket, once. */
static void sock_tell(struct table *table, struct sock *sock)
{
	if (sock->flags & (SOCKET_TOLD | SOCKET_OLD) || sock->local.proto != IPPROTO_TCP ||
	    sock->state == TCP_SYN_SENT)
		return;
	sock_emit(table, sock,
		  sock->role == SOCKET_ROLE_SERVER ? EVENT_ACCEPT : EVENT_CONNECT);
}

void merge_owner(struct table *table, const struct obs_owner *seen)
{
	struct sock *sock = sock_find(table, seen->cookie);
	uint32_t owner;

	if (!sock)
		return;
	owner = owners_keep(table, &seen->owner);
	if (!owner)
		return;
	owners_drop(table, sock->owner);
	sock->owner = owner;
	if (sock->flow)
		flow_tell_socket(table, flow_at(table, sock->flow - 1));
	sock_tell(table, sock);
}

void sweep_sockets(struct table *table, const struct obs_sweep *sweep)
{
	const uint32_t began_ms = ms_of(sweep->began_boot_ns);
	struct sock *sock;
	uint32_t slot;

	for (slot = 0; slot < table->sockets.high; slot++) {
		sock = sock_at(table, slot);
		if (!(sock->flags & SOCKET_USED) || sock->flags & SOCKET_CLOSED ||
		    sock->netns != sweep->netns)
			continue;
		if (!sweep->gone && !ms_is_before(sock->sampled_ms, began_ms)) {
			/* its owner had a pass's time to be found */
			if (sock->seen_boot_ns < sweep->began_boot_ns)
				sock_tell(table, sock);
			continue;
		}
		if (!sweep->gone && !(sock->flags & SOCKET_MISSED)) {
			sock->flags |= SOCKET_MISSED;
			continue;
		}
		sock->flags |= SOCKET_STALE; /* its last word was not heard */
		sock_close(table, sock);
	}
}

/* The connection as its initiator sees it. A listener on the local port makes
 * the role known; without one the lower port is taken for the server's. */
static struct tuple connection_of(const struct sock *sock)
{
	enum socket_role role = sock->role;

	if (role == SOCKET_ROLE_UNKNOWN)
		role = ntohs(sock->local.port_be[INITIATOR]) <
				       ntohs(sock->local.port_be[RESPONDER]) ?
			       SOCKET_ROLE_SERVER : SOCKET_ROLE_CLIENT;
	return role == SOCKET_ROLE_SERVER ? tuple_inverse(&sock->local) : sock->local;
}

static void flow_of_socket(struct table *table, struct sock *sock)
{
	struct key key = { .orig = connection_of(sock), .netns = sock->netns };
	uint64_t bytes[SIDES], packets[SIDES];
	struct flow *flow;
	enum side side;

	flow = flow_add(table, &key, &key.orig);
	side = tuple_is_equal(&key.orig, &sock->local) ? INITIATOR : RESPONDER;
	if (!flow) {
		table->count.refused_observations++;
		if (sock->flags & SOCKET_CLOSED) {
			totals_of(sock, side, bytes, packets);
			flow_overflow(table, IPPROTO_TCP, bytes, packets);
			sock_remove(table, sock);
		}
		return;
	}
	flow->start_wall_ns = table_wall_ns(table, sock->seen_boot_ns);
	flow->socket[side] = sock_slot(table, sock) + 1;
	sock->users++;
	sock->flow = flow_slot(table, flow) + 1;
	count_by(table, flow, sock, side);
	sock_count(table, sock, table->now_boot_ns);
	join_flow(table, flow); /* the other end may be on this host as well */
	due_set(table, flow);
	if (has_live_socket(table, flow))
		return;
	if (sock->flags & SOCKET_STALE) {
		flow->flags |= FLOW_INEXACT;
		flow->inexact_reason = INEXACT_LOST;
	}
	if (due_is_old_enough(table, flow))
		flow_emit(table, flow, EVENT_START, -1, 0);
	flow_end(table, flow, -1, 0);
}

/* The entries of sockets seen before this have had the chance to be shown by whole
 * conntrack passes: over their own namespace and over every other that has any,
 * since the entry of a container's connection can be elsewhere. */
static uint64_t settled_boot_ns(struct table *table, uint32_t netns)
{
	const struct scope *own = table_scope(table, netns), *scope;
	uint64_t until_boot_ns = own ? own->ct_began_boot_ns : 0;

	if (table->conf.sockets_only)
		return UINT64_MAX;
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
	return until_boot_ns > sock->seen_boot_ns;
}

void sock_settle(struct table *table, uint32_t netns, bool gone)
{
	const uint64_t until_boot_ns = gone ? UINT64_MAX : settled_boot_ns(table, netns);
	const struct scope *scope = table_scope(table, netns);
	const uint64_t shown_boot_ns = scope ? scope->socket_began_boot_ns : 0;
	struct sock *sock;
	uint32_t slot;

	if (!until_boot_ns)
		return;

	for (slot = 0; slot < table->sockets.high; slot++) {
		sock = sock_at(table, slot);
		if (!(sock->flags & SOCKET_USED) || sock->netns != netns || sock->flow ||
		    sock->local.proto != IPPROTO_TCP)
			continue;
		if (!gone && !is_settled(sock, until_boot_ns, shown_boot_ns))
			continue;
		join_socket(table, sock);
		if (sock->flow)
			continue;
		/* a connection attempt has nothing to count yet */
		if (sock->state == TCP_SYN_SENT)
			continue;
		if (sock->flags & SOCKET_CLOSED &&
		    (sock->flags & SOCKET_COUNTED || !(sock->flags & SOCKET_HAS_INFO)))
			sock_remove(table, sock);
		else if (sock->flags & SOCKET_HAS_INFO)
			flow_of_socket(table, sock);
	}
}
