// SPDX-License-Identifier: Apache-2.0
/*
 * UDP sockets and owners that become known after the flows of their ports.
 *
 * A TCP socket finds its flow by its tuple. One that is bound to a port serves any
 * number of flows, which only a walk over all of them finds: after a pass over the
 * sockets that brought something new, in slices, and paced by what it costs.
 */
#include <netinet/in.h>
#include <string.h>

#include "flow/table_impl.h"

/* A row that is none of it takes some 15 ns to look at, one that is up to 2 us. */
#define SLICE_ROWS 32768
#define SLICE_TOLD 512
/* Between two walks, for each row: 2 % of a core. */
#define PAUSE_PER_ROW_NS 1000

void udp_news_note(struct table *table, struct sock *sock)
{
	if (sock->local.proto != IPPROTO_UDP || sock->flags & SOCKET_NEWS)
		return;
	sock->flags |= SOCKET_NEWS;
	table->news.sockets++;
}

void udp_news_forget(struct table *table, const struct sock *sock)
{
	if (sock->flags & SOCKET_NEWS)
		table->news.sockets--;
}

void udp_news_begin(struct table *table)
{
	struct udp_news *news = &table->news;
	struct sock *sock;
	uint32_t slot;

	if (news->telling || !news->sockets || table->now_boot_ns < news->pause_until_boot_ns)
		return;
	memset(news->ports, 0, sizeof(news->ports));
	for (slot = 0; slot < table->sockets.high; slot++) {
		sock = sock_at(table, slot);
		sock->flags &= (uint16_t)~SOCKET_TELLING;
		if (!(sock->flags & SOCKET_NEWS))
			continue;
		sock->flags ^= SOCKET_NEWS | SOCKET_TELLING;
		news->ports[sock->local.port_be[INITIATOR] / 8] |=
			(uint8_t)(1U << sock->local.port_be[INITIATOR] % 8);
	}
	news->sockets = 0;
	news->cursor = 0;
	news->telling = true;
}

static bool has_news(const struct table *table, uint16_t port_be)
{
	return table->news.ports[port_be / 8] >> port_be % 8 & 1;
}

/* Whether the flow was one to look at. */
static bool tell_flow(struct table *table, struct flow *flow)
{
	const uint16_t port_be[SIDES] = { flow->key.orig.port_be[INITIATOR],
					  flow->nat.port_be[RESPONDER] };
	bool lacks_one = false, told = false;
	enum side side;

	for (side = 0; side < SIDES; side++) {
		if (!has_news(table, port_be[side]))
			continue;
		told = true;
		if (!flow->socket[side])
			lacks_one = true;
		else if (sock_at(table, flow->socket[side] - 1)->flags & SOCKET_TELLING)
			flow_tell_socket(table, flow);
	}
	if (lacks_one)
		join_flow(table, flow);
	return told;
}

bool udp_news_tell(struct table *table)
{
	struct udp_news *news = &table->news;
	uint32_t told = 0, rows = 0;
	struct flow *flow;

	if (!news->telling)
		return false;
	for (; news->cursor < table->flows.high; news->cursor++) {
		if (told >= SLICE_TOLD || rows++ >= SLICE_ROWS)
			return true;
		flow = flow_at(table, news->cursor);
		if (flow->flags & FLOW_USED && !(flow->flags & FLOW_ENDED) &&
		    flow->key.orig.proto == IPPROTO_UDP)
			told += tell_flow(table, flow);
	}
	news->telling = false;
	news->pause_until_boot_ns =
		table->now_boot_ns + (uint64_t)table->flows.high * PAUSE_PER_ROW_NS;
	return false;
}
