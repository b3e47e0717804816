// SPDX-License-Identifier: Apache-2.0
/*
 * The flow table: what stands and how it is taken apart.
 *
 * Observations are dispatched from here to the files that merge them; rows are
 * added, counted and ended here and nowhere else. Invariants: a flow has
 * exactly one index entry by its original tuple and, with NAT, one by the tuple
 * that the responder sees; totals only enter through flow_count; a live flow is
 * never evicted.
 */
#include "flow/table.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "flow/table_impl.h"

/* An ended flow keeps its row this long, so that a late OPEN or a repeated
 * CLOSE of the same flow finds it and is not taken for another flow. */
#define LINGER_NS 2000000000ULL

const char *const lost_names[LOST_REASONS + 1] = {
	[LOST_TABLE_FULL] = "table_full",
	[LOST_OUTBOX_FULL] = "outbox_full",
};

static int table_map(struct table *table, const struct table_conf *conf)
{
	const uint32_t flows = conf->max_flows, sockets = conf->max_sockets;
	int r;

	r = pool_init(&table->flows, sizeof(struct flow), flows);
	if (r == 0) /* a NATed flow has two entries */
		r = index_init(&table->by_tuple, 2 * flows);
	if (r == 0)
		r = pool_init(&table->sockets, sizeof(struct sock), sockets);
	if (r == 0)
		r = index_init(&table->socket_by_cookie, sockets);
	if (r == 0)
		r = index_init(&table->socket_by_tuple, sockets);
	if (r == 0) {
		table->closed_cookies = pool_map(CLOSED_COOKIES * sizeof(uint64_t));
		r = table->closed_cookies ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = pool_init(&table->owners, sizeof(struct owner_entry), OWNERS_MAX);
	if (r == 0)
		r = index_init(&table->owner_by_content, OWNERS_MAX);
	if (r == 0)
		r = pool_init(&table->addresses, sizeof(struct local_address), ADDRESSES_MAX);
	if (r == 0)
		r = index_init(&table->address_by_value, ADDRESSES_MAX);
	if (r < 0)
		return r;
	table->labels = pool_map((size_t)flows * sizeof(*table->labels));
	table->peer_ids = pool_map((size_t)flows * sizeof(*table->peer_ids));
	table->first_sights = pool_map((size_t)flows * sizeof(*table->first_sights));
	return table->labels && table->peer_ids && table->first_sights ? 0 : -ENOMEM;
}

int table_new(struct table **ret, const struct table_conf *conf, struct why *why)
{
	struct table *table;
	int r;

	if (!conf->max_flows || conf->max_flows > 1U << 27 || !conf->max_sockets)
		return why_set(why, -EINVAL, "a flow table needs room for 1 to 134217728 flows");
	r = curve_check(&conf->curve, why);
	if (r < 0)
		return r;

	table = calloc(1, sizeof(*table));
	if (!table)
		return why_set(why, -ENOMEM, "no memory for the flow table");
	table->conf = *conf;
	table->wanted = UINT32_MAX;
	table->wall_minus_boot_ns = conf->wall_minus_boot_ns;
	r = table_map(table, conf);
	if (r < 0) {
		why_set(why, r, "no address space for a table of %u flows", conf->max_flows);
		table_free(table);
		return r;
	}
	table->count.capacity = conf->max_flows;
	table->count.sockets_capacity = conf->max_sockets;
	*ret = table;
	return 0;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	pool_unmap(table->labels, (size_t)table->conf.max_flows * sizeof(*table->labels));
	pool_unmap(table->closed_cookies, CLOSED_COOKIES * sizeof(uint64_t));
	pool_unmap(table->first_sights,
		   (size_t)table->conf.max_flows * sizeof(*table->first_sights));
	pool_unmap(table->peer_ids, (size_t)table->conf.max_flows * sizeof(*table->peer_ids));
	index_fini(&table->address_by_value);
	pool_fini(&table->addresses);
	index_fini(&table->owner_by_content);
	pool_fini(&table->owners);
	index_fini(&table->socket_by_tuple);
	index_fini(&table->socket_by_cookie);
	pool_fini(&table->sockets);
	index_fini(&table->by_tuple);
	pool_fini(&table->flows);
	free(table);
}

static void linger_drop_oldest(struct table *table)
{
	struct flow *flow = flow_at(table, table->linger_first - 1);

	table->linger_first = flow->due_next;
	if (!table->linger_first)
		table->linger_last = SLOT_NONE;
	table->lingering--;
	flow_remove(table, flow);
}

static void linger_add(struct table *table, struct flow *flow)
{
	const uint32_t slot = flow_slot(table, flow) + 1;

	flow->due_next = SLOT_NONE;
	if (table->linger_last)
		flow_at(table, table->linger_last - 1)->due_next = slot;
	else
		table->linger_first = slot;
	table->linger_last = slot;
	table->lingering++;
}

static void linger_expire(struct table *table)
{
	const uint32_t now_ms = ms_of(table->now_boot_ns);
	const uint32_t linger_ms = LINGER_NS / 1000000;
	const struct flow *flow;

	while (table->linger_first) {
		flow = flow_at(table, table->linger_first - 1);
		if (ms_is_before(now_ms, flow->record_ms + linger_ms))
			return;
		linger_drop_oldest(table);
	}
}

struct flow *flow_add(struct table *table, const struct key *key, const struct tuple *nat)
{
	const uint64_t hash = tuple_hash(&key->orig, table->conf.index_seed);
	struct flow *flow;
	uint32_t slot;

	slot = pool_take(&table->flows);
	if (slot == POOL_NONE && table->linger_first) {
		linger_drop_oldest(table);
		slot = pool_take(&table->flows);
	}
	if (slot == POOL_NONE)
		return NULL;

	flow = flow_at(table, slot);
	flow->key = *key;
	flow->nat = key->orig;
	flow->flags = FLOW_USED;
	flow->record_ms = flow->sampled_ms = ms_of(table->now_boot_ns);
	flow->moved_boot_ns = table->now_boot_ns;
	flow->start_wall_ns = table_wall_ns(table, table->now_boot_ns);
	index_add(&table->by_tuple, hash, slot);
	flow_set_nat(table, flow, nat);
	table->count.opened++;
	table->count.live++;
	return flow;
}

void flow_overflow(struct table *table, uint8_t proto, const uint64_t bytes[SIDES],
		   const uint64_t packets[SIDES])
{
	enum overflow_proto bucket = OVERFLOW_OTHER;
	enum side i;

	if (proto == IPPROTO_TCP)
		bucket = OVERFLOW_TCP;
	else if (proto == IPPROTO_UDP)
		bucket = OVERFLOW_UDP;
	else if (proto_is_icmp(proto))
		bucket = OVERFLOW_ICMP;
	table->count.opened++;
	table->count.lost_table_full++;
	for (i = 0; i < SIDES; i++) {
		table->count.overflow_bytes[bucket][i] += bytes[i];
		table->count.overflow_packets[bucket][i] += packets[i];
	}
}

void flow_set_nat(struct table *table, struct flow *flow, const struct tuple *nat)
{
	const uint32_t slot = flow_slot(table, flow);

	if (tuple_is_equal(&flow->nat, nat))
		return;
	if (flow->flags & FLOW_NAT_INDEXED) {
		index_remove(&table->by_tuple, tuple_hash(&flow->nat, table->conf.index_seed),
			     slot);
		flow->flags &= ~FLOW_NAT_INDEXED;
	}
	flow->nat = *nat;
	if (tuple_is_equal(&flow->key.orig, nat))
		return;
	index_add(&table->by_tuple, tuple_hash(nat, table->conf.index_seed), slot);
	flow->flags |= FLOW_NAT_INDEXED;
}

void flow_remove(struct table *table, struct flow *flow)
{
	const uint32_t slot = flow_slot(table, flow);
	const uint64_t seed = table->conf.index_seed;

	due_cancel(table, flow);
	sock_release_of(table, flow);
	if (flow->flags & FLOW_NAT_INDEXED)
		index_remove(&table->by_tuple, tuple_hash(&flow->nat, seed), slot);
	index_remove(&table->by_tuple, tuple_hash(&flow->key.orig, seed), slot);
	if (!(flow->flags & FLOW_ENDED))
		table->count.live--;
	if (flow->flags & FLOW_HAS_LABELS)
		memset(table->labels[slot], 0, sizeof(table->labels[slot]));
	if (flow->flags & FLOW_HAS_PEER_ID)
		table->peer_ids[slot] = 0;
	pool_give(&table->flows, slot);
}

/* A total went down: somebody zeroed the kernel's counters. What had grown
 * unreported stays due: the zero point moves below zero by that much (the
 * arithmetic is modulo 2^64 on purpose). */
static void flow_reset(struct table *table, struct flow *flow)
{
	enum side i;

	for (i = 0; i < SIDES; i++) {
		flow->reported_bytes[i] -= flow->bytes[i];
		flow->reported_packets[i] -= flow->packets[i];
		flow->bytes[i] = flow->packets[i] = 0;
	}
	table->count.resets++;
}

void flow_count(struct table *table, struct flow *flow, const uint64_t bytes[SIDES],
		const uint64_t packets[SIDES], uint64_t at_boot_ns)
{
	const uint32_t at_ms = ms_of(at_boot_ns);
	const uint32_t interval_ms = at_ms - flow->sampled_ms;
	const bool late = ms_is_before(at_ms, flow->sampled_ms);
	const bool rated = flow->flags & FLOW_SAMPLED && interval_ms && !late;
	enum side i;

	for (i = 0; i < SIDES; i++) {
		if (bytes[i] >= flow->bytes[i] && packets[i] >= flow->packets[i])
			continue;
		if (late)
			return; /* older than what is known: says nothing new */
		flow_reset(table, flow);
		break;
	}
	for (i = 0; i < SIDES; i++) {
		const uint64_t grown = bytes[i] - flow->bytes[i];

		if (rated)
			flow->rate_bps[i] = (float)((double)grown * 8000.0 / interval_ms);
		if (grown || packets[i] != flow->packets[i])
			flow->moved_boot_ns = at_boot_ns;
		table->count.grown_bytes += grown;
		flow->bytes[i] = bytes[i];
		flow->packets[i] = packets[i];
	}
	if (!late)
		flow->sampled_ms = at_ms;
	flow->flags |= FLOW_SAMPLED | (rated ? FLOW_RATED : 0);
}

void flow_end(struct table *table, struct flow *flow, int end_reason, uint64_t end_wall_ns)
{
	flow_emit(table, flow, EVENT_END, end_reason, end_wall_ns);
	due_cancel(table, flow); /* after: what the last look finds makes it due */
	flow->flags |= FLOW_ENDED;
	if (flow->flags & FLOW_INEXACT && flow->inexact_reason == INEXACT_LOST)
		table->count.inexact_ends++;
	table->count.ended++;
	table->count.live--;
	sock_release_of(table, flow);
	linger_add(table, flow);
}

struct scope *table_scope(struct table *table, uint32_t netns)
{
	uint32_t i;

	for (i = 0; i < table->scope_count; i++) {
		if (table->scope[i].netns == netns)
			return &table->scope[i];
	}
	return netns && table->spare_scope.netns == netns ? &table->spare_scope : NULL;
}

static struct scope *scope_begin(struct table *table, uint32_t netns, uint64_t began_boot_ns)
{
	struct scope *scope = table_scope(table, netns);

	if (scope && scope != &table->spare_scope)
		return scope;
	if (table->scope_count == SCOPES_MAX) {
		/* Its sockets then settle by each conntrack pass of their own alone. */
		table->count.passes_forgotten++;
		table->spare_scope = (struct scope){ .netns = netns,
						     .socket_began_boot_ns = began_boot_ns };
		return &table->spare_scope;
	}
	scope = &table->scope[table->scope_count++];
	*scope = (struct scope){ .netns = netns };
	return scope;
}

static void table_sweep(struct table *table, enum origin origin, const struct obs_sweep *sweep)
{
	/* Each source says for itself that a namespace is gone: the first takes
	 * what was known of it away, the others must not bring it back. */
	struct scope *scope = sweep->gone ? table_scope(table, sweep->netns) :
					    scope_begin(table, sweep->netns,
							sweep->began_boot_ns);

	switch (origin) {
	case ORIGIN_CONNTRACK:
		if (!sweep->still_empty)
			sweep_conntrack(table, sweep, scope);
		if (scope)
			scope->ct_began_boot_ns = sweep->began_boot_ns;
		sock_settle(table, sweep->netns, false);
		break;
	case ORIGIN_SOCKET:
		sweep_sockets(table, sweep);
		if (scope && !sweep->moved_only && !sweep->udp_only)
			scope->socket_began_boot_ns = sweep->began_boot_ns;
		sock_settle(table, sweep->netns, sweep->gone);
		break;
	case ORIGIN_ADDRESS:
		sweep_addresses(table, sweep);
		break;
	}
	if (scope && sweep->gone && scope != &table->spare_scope)
		*scope = table->scope[--table->scope_count];
}

void table_observe(struct table *table, const struct obs *obs)
{
	table->seen_boot_ns = obs->at_boot_ns;
	if (obs->at_boot_ns > table->now_boot_ns)
		table->now_boot_ns = obs->at_boot_ns;
	switch ((enum obs_kind)obs->kind) {
	case OBS_OPEN:
	case OBS_BASELINE:
	case OBS_SAMPLE:
	case OBS_CLOSE:
		if (obs->origin == ORIGIN_CONNTRACK)
			merge_conntrack(table, obs);
		else
			merge_socket(table, obs);
		break;
	case OBS_OWNER:
		merge_owner(table, &obs->owner);
		break;
	case OBS_ADDRESS:
		merge_address(table, obs);
		break;
	case OBS_SWEEP:
		table_sweep(table, obs->origin, &obs->sweep);
		break;
	}
	if (table->linger_first)
		linger_expire(table);
}

void table_want(struct table *table, uint32_t events)
{
	table->wanted = events;
}

void table_set_clock(struct table *table, int64_t wall_minus_boot_ns)
{
	table->wall_minus_boot_ns = wall_minus_boot_ns;
}

void table_set_sockets_only(struct table *table, bool sockets_only)
{
	table->conf.sockets_only = sockets_only;
}

void table_shutdown(struct table *table, uint64_t now_boot_ns)
{
	struct flow *flow;
	uint32_t slot;

	if (now_boot_ns > table->now_boot_ns)
		table->now_boot_ns = now_boot_ns;
	for (slot = 0; slot < table->flows.high; slot++) {
		flow = flow_at(table, slot);
		if (!(flow->flags & FLOW_USED) || flow->flags & FLOW_ENDED)
			continue;
		flow_end(table, flow, END_SHUTDOWN, 0);
	}
}

bool table_next(const struct table *table, uint32_t *cursor, uint64_t now_boot_ns,
		struct record *ret)
{
	const struct flow *flow;

	while (*cursor < table->flows.high) {
		flow = flow_at(table, (*cursor)++);
		if (!(flow->flags & FLOW_USED) || flow->flags & FLOW_ENDED)
			continue;
		record_fill(table, flow, now_boot_ns, ret);
		return true;
	}
	return false;
}

uint64_t table_live(const struct table *table)
{
	return table->count.live;
}

void table_counts(const struct table *table, struct table_stats *ret)
{
	*ret = table->count;
	ret->sockets = table->sockets.live;
	ret->without_counters = table_without_counters(table);
	ret->memory_bytes = pool_bytes(&table->flows) + index_bytes(&table->by_tuple) +
			    pool_bytes(&table->sockets) + index_bytes(&table->socket_by_cookie) +
			    index_bytes(&table->socket_by_tuple) + pool_bytes(&table->owners) +
			    index_bytes(&table->owner_by_content) +
			    pool_bytes(&table->addresses) + index_bytes(&table->address_by_value) +
			    (size_t)table->conf.max_flows *
				    (sizeof(*table->labels) + sizeof(*table->peer_ids) +
				     sizeof(*table->first_sights));
}

void table_stats(const struct table *table, struct table_stats *ret)
{
	const struct flow *flow;
	uint32_t slot;

	table_counts(table, ret);
	for (slot = 0; slot < table->flows.high; slot++) {
		flow = flow_at(table, slot);
		if (!(flow->flags & FLOW_USED) || flow->flags & FLOW_ENDED)
			continue;
		ret->unreported_bytes += flow->bytes[0] - flow->reported_bytes[0] +
					 flow->bytes[1] - flow->reported_bytes[1];
	}
}

uint64_t table_without_counters(const struct table *table)
{
	uint64_t flows = 0;

	for (uint32_t i = 0; i < table->scope_count; i++)
		flows += table->scope[i].without_counters;
	return flows;
}
