// SPDX-License-Identifier: Apache-2.0
/*
 * Socket observations into sockets, and flows of sockets alone.
 *
 * A TCP socket belongs to the flow of its connection; one whose namespace has
 * no conntrack entry for it, after a whole pass has had the chance to show
 * one, becomes a flow of its own. A UDP socket only lends its owner. Sockets
 * stay, closed, until their flow's end record has been made.
 */
#include <assert.h>
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

struct sock *sock_find(const struct table *table, uint64_t cookie)
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

static bool is_bound_udp(const struct sock *sock)
{
	return sock->local.proto == IPPROTO_UDP && !sock->local.port_be[RESPONDER];
}

static void sock_unindex(struct table *table, struct sock *sock)
{
	if (!(sock->flags & SOCKET_INDEXED))
		return;
	index_remove(&table->socket_by_tuple,
		     tuple_hash(&sock->local, table->conf.index_seed), sock_slot(table, sock));
	table->bound_udp[sock->local.port_be[INITIATOR]] -= is_bound_udp(sock);
	sock->flags &= (uint16_t)~SOCKET_INDEXED;
}

static void sock_index(struct table *table, struct sock *sock, const struct tuple *local)
{
	if (sock->flags & SOCKET_INDEXED && tuple_is_equal(&sock->local, local))
		return;
	sock_unindex(table, sock);
	sock->local = *local;
	index_add(&table->socket_by_tuple, tuple_hash(local, table->conf.index_seed),
		  sock_slot(table, sock));
	table->bound_udp[local->port_be[INITIATOR]] += is_bound_udp(sock);
	if (local->proto == IPPROTO_UDP)
		table->ends_ms = ms_of(table->now_boot_ns);
	sock->flags |= SOCKET_INDEXED;
}

void sock_remove(struct table *table, struct sock *sock)
{
	const uint32_t slot = sock_slot(table, sock);

	assert(!sock->users);
	udp_news_forget(table, sock);
	index_remove(&table->socket_by_cookie, cookie_hash(table, sock->cookie), slot);
	sock_unindex(table, sock);
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
	if (obs->kind == OBS_BASELINE || obs->may_be_old)
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
		sock->flags &= (uint16_t)~SOCKET_TIMED;
		sock->seen_boot_ns = sock->connected_boot_ns = table->now_boot_ns;
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

/* Counters of one connection only grow, whoever reads them when: what is lower was read
 * before, or while the kernel was at it. Segments are counted in 32 bits there. */
static void grow(struct table *table, struct sock *sock, const struct obs_socket *seen)
{
	/* what an older one has done before it was seen counts for nothing */
	const bool counts = sock->flags & SOCKET_HAS_INFO || !(sock->flags & SOCKET_OLD);
	const uint64_t payload[SIDES] = { seen->payload_sent_bytes,
					  seen->payload_received_bytes };
	const uint64_t segments[SIDES] = { seen->segments_sent, seen->segments_received };

	for (enum side side = 0; side < SIDES; side++) {
		const uint32_t more = (uint32_t)(segments[side] - sock->segments[side]);

		if (payload[side] > sock->payload_bytes[side])
			sock->payload_bytes[side] = payload[side];
		if (more >= 1U << 31)
			continue;
		sock->segments[side] += more;
		if (counts && side == INITIATOR) /* its own */
			table->count.segments_sent += more;
	}
	if (seen->retransmitted_segments <= sock->retransmits)
		return;
	if (counts)
		table->count.segments_retransmitted +=
			seen->retransmitted_segments - sock->retransmits;
	sock->retransmits = seen->retransmitted_segments;
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
	const bool is_late = ms_is_before(ms_of(obs->at_boot_ns), sock->sampled_ms);

	/* one socket can make several connections (AF_UNSPEC) */
	if (seen->has & SOCKET_TUPLE && sock->flags & SOCKET_INDEXED &&
	    !tuple_is_equal(&seen->local, &sock->local)) {
		memset(sock->payload_bytes, 0, sizeof(sock->payload_bytes));
		memset(sock->segments, 0, sizeof(sock->segments));
		sock->retransmits = 0;
	}
	if (seen->has & SOCKET_TUPLE)
		sock_index(table, sock, &seen->local);
	if (seen->has & SOCKET_UNSEEN)
		sock->flags |= SOCKET_HIDDEN;
	if (seen->has & SOCKET_UID)
		sock->uid = seen->uid;
	if (seen->has & SOCKET_ONLY_V6)
		sock->flags |= SOCKET_NO_V4;
	/* what a pass saw knows better than what is concluded from an end */
	if (seen->role != SOCKET_ROLE_UNKNOWN && (obs->kind != OBS_CLOSE || !sock->state))
		sock->role = seen->role;
	if (!sock->connected_boot_ns && seen->state != TCP_SYN_SENT)
		sock->connected_boot_ns = obs->at_boot_ns;
	if (seen->has & SOCKET_MADE) {
		sock->connected_boot_ns = obs->at_boot_ns;
		sock->flags |= SOCKET_TIMED;
	}
	/* an event can be read after what came after it */
	if (!is_late || obs->kind == OBS_CLOSE) {
		sock->state = seen->state;
		sock->sampled_ms = ms_of(obs->at_boot_ns);
	}
	sock->flags &= (uint16_t)~SOCKET_MISSED;
	if (seen->connect_us)
		sock->connect_us = seen->connect_us;
	if (!(seen->has & SOCKET_INFO))
		return;
	if (sock->flow && has_news(sock, seen))
		flow_tell_socket(table, flow_at(table, sock->flow - 1));
	grow(table, sock, seen);
	sock->flags |= SOCKET_HAS_INFO;
	if (is_late && obs->kind != OBS_CLOSE) {
		sock_count(table, sock, obs->at_boot_ns);
		return;
	}
	sock->srtt_us = seen->srtt_us;
	sock->rttvar_us = seen->rttvar_us;
	sock->min_rtt_us = seen->min_rtt_us;
	sock->cwnd = seen->cwnd;
	sock->rwnd_limited_ms = (uint32_t)(seen->rwnd_limited_us / 1000);
	sock->sndbuf_limited_ms = (uint32_t)(seen->sndbuf_limited_us / 1000);
	sock_count(table, sock, obs->at_boot_ns);
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

/* A socket of the flow is gone; with the last one goes a flow that only sockets count. */
static void flow_lose_socket(struct table *table, struct flow *flow)
{
	if (flow->flags & FLOW_ENDED || has_live_socket(table, flow))
		return;
	sock_count_last(table, flow);
	if (flow->flags & FLOW_BY_SOCKET && !(flow->flags & FLOW_CONNTRACK)) {
		flow_end(table, flow, -1, sock_end_wall_ns(table, flow));
		return;
	}
	if (!(flow->flags & FLOW_CLOSING)) {
		flow->flags |= FLOW_CLOSING;
		flow->flags &= ~FLOW_FRESH;
	}
}

/* The kernel's walk over its UDP sockets can miss one that is rehashed meanwhile: what
 * shows it again is right, and its cookie is not a dead one's. */
static bool is_missed_udp(const struct sock *sock)
{
	return sock->local.proto == IPPROTO_UDP && sock->flags & SOCKET_STALE;
}

static void sock_close(struct table *table, struct sock *sock)
{
	struct flow *flow, *borrower[BORROWERS_MAX];
	unsigned count, i;

	sock->flags |= SOCKET_CLOSED;
	if (!sock->connected_boot_ns)
		sock->connected_boot_ns = table->now_boot_ns;
	if (!is_missed_udp(sock))
		*closed_cookie(table, sock->cookie) = sock->cookie;
	sock_tell_close(table, sock);
	if (sock->local.proto != IPPROTO_TCP) {
		if (!sock->users)
			sock_remove(table, sock);
		return;
	}
	if (sock->flow && sock->flags & SOCKET_STALE) {
		flow = flow_at(table, sock->flow - 1);
		if (flow->flags & FLOW_BY_SOCKET) {
			flow->flags |= FLOW_INEXACT;
			flow->inexact_reason = INEXACT_LOST;
		}
	}
	/* without a flow sock_settle decides: it may still be on its way */
	count = join_borrowers(table, sock, borrower);
	for (i = 0; i < count; i++)
		flow_lose_socket(table, borrower[i]);
}

void merge_socket(struct table *table, const struct obs *obs)
{
	struct sock *sock = sock_find(table, obs->socket.cookie);
	const bool is_new = !sock;
	bool stood;

	if (sock && sock->flags & SOCKET_CLOSED && !is_missed_udp(sock))
		return; /* a dump read before the end was */
	if (!sock) {
		/* what never had an address never was a connection */
		if (!(obs->socket.has & SOCKET_TUPLE)) {
			if (obs->kind == OBS_CLOSE)
				*closed_cookie(table, obs->socket.cookie) = obs->socket.cookie;
			return;
		}
		/* it connects once more */
		if (obs->socket.has & SOCKET_MADE)
			*closed_cookie(table, obs->socket.cookie) = 0;
		/* the same after its flow has gone, too */
		if (*closed_cookie(table, obs->socket.cookie) == obs->socket.cookie)
			return;
		sock = sock_add(table, obs);
		if (!sock)
			return;
	}
	if (is_missed_udp(sock))
		sock->flags &= (uint16_t)~(SOCKET_CLOSED | SOCKET_STALE);
	if (obs->kind == OBS_CLOSE && obs->socket.local.proto == IPPROTO_TCP &&
	    !(obs->socket.has & SOCKET_INFO))
		sock->flags |= SOCKET_STALE;
	/* the address of one that was refused is gone by then (diag_parse.c) */
	stood = sock->connected_boot_ns || obs->socket.has & SOCKET_TUPLE;
	sock_apply(table, sock, obs);
	if (!sock->flow)
		join_socket(table, sock, false);
	if (is_new && !sock->local.port_be[RESPONDER])
		udp_news_note(table, sock);
	if (obs->kind != OBS_CLOSE)
		return;
	sock->closed_boot_ns = obs->at_boot_ns;
	if (obs->socket.has & SOCKET_FAILED)
		sock_emit_failed(table, sock, obs->socket.error);
	else if (stood)
		sock_tell(table, sock);
	sock_close(table, sock);
	/* no flow can be of what never had a port */
	if (obs->socket.has & SOCKET_FAILED && !obs->socket.local.port_be[INITIATOR])
		sock_remove(table, sock);
}

void sweep_sockets(struct table *table, const struct obs_sweep *sweep)
{
	const uint32_t began_ms = ms_of(sweep->began_boot_ns);
	const uint64_t owners_boot_ns =
		sweep->owners_boot_ns ? sweep->owners_boot_ns : sweep->began_boot_ns;
	struct sock *sock;
	uint32_t slot;

	for (slot = 0; slot < table->sockets.high; slot++) {
		sock = sock_at(table, slot);
		if (!(sock->flags & SOCKET_USED) || sock->flags & SOCKET_CLOSED ||
		    (sweep->netns != NETNS_EVERY && sock->netns != sweep->netns))
			continue;
		if (sock->local.proto == IPPROTO_TCP ? sweep->udp_only : sweep->tcp_only)
			continue;
		if (sock->flags & SOCKET_HIDDEN && !sweep->gone)
			continue;
		if (!sweep->gone &&
		    (sweep->moved_only || !ms_is_before(sock->sampled_ms, began_ms))) {
			/* its owner had a pass's time to be found */
			if (sock->seen_boot_ns < owners_boot_ns)
				sock_tell(table, sock);
			continue;
		}
		if (!sweep->gone && !(sock->flags & SOCKET_MISSED)) {
			sock->flags |= SOCKET_MISSED;
			continue;
		}
		sock_tell(table, sock);
		sock->flags |= SOCKET_STALE; /* its last word was not heard */
		sock_close(table, sock);
	}
	udp_news_begin(table);
}
