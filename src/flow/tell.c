// SPDX-License-Identifier: Apache-2.0
/*
 * What is told of sockets: that a connection was made, accepted and closed, each
 * once, and to the flows that have a socket lent, what is new of it.
 *
 * A connection is told when its owner is found, or has had a pass's time to be;
 * one that was over before that, as it closes, with what is known by then.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "flow/table_impl.h"

void flow_tell_socket(struct table *table, struct flow *flow)
{
	if (!flow->seq || flow->flags & FLOW_ENDED)
		return;
	flow->flags |= FLOW_SOCKET_MOVED;
	due_set(table, flow);
}

static enum socket_role opposite(enum socket_role role)
{
	if (role == SOCKET_ROLE_UNKNOWN)
		return role;
	return role == SOCKET_ROLE_CLIENT ? SOCKET_ROLE_SERVER : SOCKET_ROLE_CLIENT;
}

/* That of the other end of the connection, if it is on this host as well. */
static enum socket_role role_of_peer(const struct table *table, const struct sock *sock)
{
	const struct tuple wanted = tuple_inverse(&sock->local);
	const uint64_t hash = tuple_hash(&wanted, table->conf.index_seed);
	const struct sock *peer;
	uint32_t slot, at;

	for (slot = index_first(&table->socket_by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->socket_by_tuple, hash, &at)) {
		peer = sock_at(table, slot);
		if (peer->role != SOCKET_ROLE_UNKNOWN && tuple_is_equal(&peer->local, &wanted))
			return peer->role;
	}
	return SOCKET_ROLE_UNKNOWN;
}

/* What the socket is in its connection: as its source knows, as conntrack has seen
 * it begin, or as its other end tells. */
static enum socket_role role_of(const struct table *table, const struct sock *sock)
{
	const struct flow *flow = sock->flow ? flow_at(table, sock->flow - 1) : NULL;

	if (sock->role != SOCKET_ROLE_UNKNOWN)
		return sock->role;
	if (flow && flow->flags & FLOW_CONNTRACK)
		return flow->socket[RESPONDER] == sock_slot(table, sock) + 1 ?
			       SOCKET_ROLE_SERVER : SOCKET_ROLE_CLIENT;
	return opposite(role_of_peer(table, sock));
}

/* Who has the lower port is taken for the server where nothing else tells. */
static enum socket_role guess_role(const struct table *table, const struct sock *sock)
{
	const enum socket_role role = role_of(table, sock);

	if (role != SOCKET_ROLE_UNKNOWN)
		return role;
	return ntohs(sock->local.port_be[INITIATOR]) < ntohs(sock->local.port_be[RESPONDER]) ?
		       SOCKET_ROLE_SERVER : SOCKET_ROLE_CLIENT;
}

struct tuple connection_of(const struct table *table, const struct sock *sock)
{
	return guess_role(table, sock) == SOCKET_ROLE_SERVER ? tuple_inverse(&sock->local) :
							       sock->local;
}

void sock_tell(struct table *table, struct sock *sock)
{
	if (sock->flags & (SOCKET_TOLD | SOCKET_OLD) || sock->local.proto != IPPROTO_TCP ||
	    sock->state == TCP_SYN_SENT)
		return;
	/* a pass that shows it has shown the listener, if there is one */
	sock->role = (uint8_t)(sock->state == TCP_CLOSE ? guess_role(table, sock) :
							  role_of(table, sock));
	sock_emit(table, sock,
		  sock->role == SOCKET_ROLE_SERVER ? EVENT_ACCEPT : EVENT_CONNECT);
}

void sock_tell_close(struct table *table, struct sock *sock)
{
	if (!(sock->flags & SOCKET_TOLD)) {
		/* an older one that has been watched; of others nothing is known but that
		 * they are gone */
		if (!(sock->flags & SOCKET_OLD) || sock->flags & SOCKET_FAILURE_TOLD ||
		    sock->seen_boot_ns == table->seen_boot_ns ||
		    sock->local.proto != IPPROTO_TCP || sock->state == TCP_SYN_SENT)
			return;
		if (sock->role == SOCKET_ROLE_UNKNOWN)
			sock->role = (uint8_t)guess_role(table, sock);
	}
	sock_emit(table, sock, EVENT_CLOSE);
}

void merge_owner(struct table *table, const struct obs_owner *seen)
{
	struct sock *sock = sock_find(table, seen->cookie);
	uint32_t owner;

	if (!sock || (seen->guess && sock->owner))
		return;
	owner = owners_keep(table, &seen->owner);
	if (!owner)
		return;
	if (owner == sock->owner) {
		owners_drop(table, owner);
		return;
	}
	owners_drop(table, sock->owner);
	sock->owner = owner;
	if (sock->flow)
		flow_tell_socket(table, flow_at(table, sock->flow - 1));
	else if (sock->users)
		udp_news_note(table, sock);
	sock_tell(table, sock);
}
