// SPDX-License-Identifier: Apache-2.0
/*
 * Conntrack observations into flows.
 *
 * Observations come from several sockets of the kernel, each in its own order:
 * an END may be read before its OPEN, a dump may show what has just ended, a
 * tuple may begin anew before the end of its last use was read. So a key can
 * have three rows at a time: the live one, one that is superseded and waits for
 * its end, and one that has ended and lingers. The kernel's start timestamp
 * tells them apart where there is one.
 */
#include <errno.h>
#include <netinet/in.h>

#include "flow/table_impl.h"

/* Without the kernel's start, an OPEN that arrives this soon after a dump has shown
 * the flow is that flow's own, read late. */
#define LATE_OPEN_NS 1000000000ULL
/* The kernel's timeouts are whole seconds and its collector is lazy. */
#define TIMEOUT_SLACK_NS 2000000000ULL

/* enum tcp_conntrack, include/uapi/linux/netfilter/nf_conntrack_tcp.h */
enum { CT_TCP_SYN_SENT = 1, CT_TCP_SYN_RECV, CT_TCP_ESTABLISHED, CT_TCP_FIN_WAIT,
       CT_TCP_CLOSE_WAIT, CT_TCP_LAST_ACK, CT_TCP_TIME_WAIT, CT_TCP_CLOSE, CT_TCP_SYN_SENT2 };
/* enum ip_conntrack_status, include/uapi/linux/netfilter/nf_conntrack_common.h */
enum { CT_SEEN_REPLY = 1 << 1, CT_OFFLOAD = 1 << 14, CT_HW_OFFLOAD = 1 << 15 };

struct rows {
	struct flow *live, *superseded, *ended;
	struct flow *same; /* of these, the one with the observation's own start */
};

static bool has_start(const struct obs_ct *ct)
{
	return ct->has & CT_START && ct->start_wall_ns;
}

/* Both starts are known and differ: not the same flow. */
static bool is_other_start(const struct flow *flow, const struct obs_ct *ct)
{
	return has_start(ct) && flow->flags & FLOW_START_KNOWN &&
	       flow->start_wall_ns != ct->start_wall_ns;
}

static bool is_same_start(const struct flow *flow, const struct obs_ct *ct)
{
	return has_start(ct) && flow->flags & FLOW_START_KNOWN &&
	       flow->start_wall_ns == ct->start_wall_ns;
}

static struct rows rows_find(const struct table *table, const struct obs_ct *ct)
{
	const struct key *key = &ct->key;
	const uint64_t hash = tuple_hash(&key->orig, table->conf.index_seed);
	struct rows rows = { 0 };
	struct flow *flow;
	uint32_t slot, at;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		flow = flow_at(table, slot);
		if (!key_is_equal(&flow->key, key))
			continue;
		if (is_same_start(flow, ct))
			rows.same = flow;
		if (flow->flags & FLOW_ENDED)
			rows.ended = flow;
		else if (flow->flags & FLOW_SUPERSEDED)
			rows.superseded = flow;
		else
			rows.live = flow;
	}
	return rows;
}

static bool is_within(const struct flow *flow, const struct obs_ct *ct)
{
	return ct->bytes[0] <= flow->bytes[0] && ct->bytes[1] <= flow->bytes[1] &&
	       ct->packets[0] <= flow->packets[0] && ct->packets[1] <= flow->packets[1];
}

/* What can be learned of a flow apart from its counters. */
static void apply_attributes(struct table *table, struct flow *flow, const struct obs_ct *ct)
{
	const uint32_t slot = flow_slot(table, flow);
	struct tuple nat;

	flow->flags |= FLOW_CONNTRACK;
	if (ct->has & CT_REPLY) {
		nat = tuple_inverse(&ct->reply);
		flow_set_nat(table, flow, &nat);
	}
	if (has_start(ct) && !(flow->flags & FLOW_START_KNOWN)) {
		flow->start_wall_ns = ct->start_wall_ns;
		flow->flags |= FLOW_START_KNOWN;
	}
	if (ct->has & CT_STATUS) {
		flow->status = ct->status;
		flow->flags |= FLOW_HAS_STATUS;
		if (ct->status & (CT_OFFLOAD | CT_HW_OFFLOAD)) {
			flow->flags |= FLOW_INEXACT;
			flow->inexact_reason = INEXACT_OFFLOADED;
		}
	}
	if (ct->has & CT_MARK)
		flow->mark = ct->mark;
	if (ct->has & CT_TIMEOUT && !(ct->has & CT_EVENT)) {
		flow->timeout_s = ct->timeout_s;
		flow->flags |= FLOW_HAS_TIMEOUT;
	}
	if (ct->has & CT_LABELS) {
		for (size_t i = 0; i < sizeof(ct->labels); i++)
			table->labels[slot][i] = ct->labels[i];
		flow->flags |= FLOW_HAS_LABELS;
	}
	if (ct->has & CT_STATE && flow->key.orig.proto == IPPROTO_TCP) {
		flow->ct_state = ct->tcp_state;
		flow->flags |= FLOW_STATE_KNOWN;
		if ((ct->tcp_state == CT_TCP_TIME_WAIT || ct->tcp_state == CT_TCP_CLOSE) &&
		    !(flow->flags & FLOW_CLOSING)) {
			/* wait for the counters of after the close */
			flow->flags |= FLOW_CLOSING;
			flow->flags &= ~FLOW_FRESH;
		}
	}
}

static void apply_counters(struct table *table, struct flow *flow, const struct obs *obs)
{
	const struct obs_ct *ct = &obs->ct;
	enum side i;

	if (!(ct->has & CT_COUNTERS) || flow->flags & FLOW_BY_SOCKET)
		return;
	if (!(flow->flags & FLOW_COUNTED) && flow->flags & FLOW_BASELINE) {
		/* what was there before weir is the zero point of the deltas */
		for (i = 0; i < SIDES; i++) {
			flow->bytes[i] = flow->reported_bytes[i] = ct->bytes[i];
			flow->packets[i] = flow->reported_packets[i] = ct->packets[i];
		}
		flow->sampled_ms = ms_of(obs->at_boot_ns);
		flow->flags |= FLOW_SAMPLED;
	} else {
		flow_count(table, flow, ct->bytes, ct->packets, obs->at_boot_ns);
	}
	flow->flags |= FLOW_COUNTED;
}

/* After its attributes. */
static void apply_rest(struct table *table, struct flow *flow, const struct obs *obs)
{
	apply_counters(table, flow, obs);
	flow->flags &= ~FLOW_MISSED;
	if (!(obs->ct.has & CT_EVENT)) {
		const bool first = !(flow->flags & FLOW_FRESH);

		/* a late one must not make what is known look older than it is */
		if (ms_is_before(flow->sampled_ms, ms_of(obs->at_boot_ns)))
			flow->sampled_ms = ms_of(obs->at_boot_ns);
		flow->flags |= FLOW_FRESH;
		if (first)
			weigh_peers(table, flow);
	}
	if (!flow->seq || flow_has_moved(flow))
		due_set(table, flow);
}

static void apply(struct table *table, struct flow *flow, const struct obs *obs)
{
	apply_attributes(table, flow, &obs->ct);
	apply_rest(table, flow, obs);
}

/* Events of one batch have one time: a tuple that is used twice in it needs two
 * first sights, since the ids are made of them. */
static void sight_apart(const struct table *table, struct flow *flow)
{
	const uint64_t hash = tuple_hash(&flow->key.orig, table->conf.index_seed);
	const struct flow *other;
	uint32_t slot, at;
	uint64_t taken_wall_ns;

	for (slot = index_first(&table->by_tuple, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->by_tuple, hash, &at)) {
		other = flow_at(table, slot);
		if (other == flow || !key_is_equal(&other->key, &flow->key))
			continue;
		taken_wall_ns = other->flags & FLOW_ID_BY_SIGHT ? table->first_sights[slot] :
								  other->start_wall_ns;
		if (flow->start_wall_ns <= taken_wall_ns)
			flow->start_wall_ns = taken_wall_ns + 1;
	}
}

static struct flow *row_add(struct table *table, const struct obs *obs)
{
	const struct obs_ct *ct = &obs->ct;
	struct tuple nat = ct->has & CT_REPLY ? tuple_inverse(&ct->reply) : ct->key.orig;
	struct flow *flow = flow_add(table, &ct->key, &nat);
	bool older;

	if (!flow)
		return NULL;
	older = has_start(ct) ? ct->start_wall_ns < table->conf.started_wall_ns :
				obs->kind == OBS_BASELINE || obs->may_be_old;
	if (older)
		flow->flags |= FLOW_BASELINE;
	if (obs->kind == OBS_OPEN)
		flow->flags |= FLOW_OPENED;
	if (!has_start(ct))
		sight_apart(table, flow);
	return flow;
}

static void row_begin(struct table *table, const struct obs *obs)
{
	struct flow *flow = row_add(table, obs);

	if (!flow) {
		table->count.refused_observations++;
		return;
	}
	/* when it began, and whether it is over, tell which sockets are its own */
	apply_attributes(table, flow, &obs->ct);
	join_flow(table, flow);
	apply_rest(table, flow, obs);
}

/* Whether an OPEN is of the row that stands. OPENs are read in their order, so the
 * first since the row's start is its own; were that one lost, the starts of what
 * is read later tell the two flows apart. */
static bool is_own_open(const struct table *table, const struct flow *flow)
{
	/* conntrack can also pick up a connection that a socket counts */
	if (!(flow->flags & FLOW_CONNTRACK))
		return true;
	if (flow->flags & FLOW_OPENED)
		return false;
	if (flow->flags & FLOW_START_KNOWN)
		return !(flow->flags & FLOW_BASELINE);
	return flow_age_ns(table, flow, table->now_boot_ns) < LATE_OPEN_NS;
}

static void observe_open(struct table *table, const struct obs *obs)
{
	struct rows rows = rows_find(table, &obs->ct);
	struct flow *flow = rows.live, *ended = rows.ended;

	/* that of an earlier flow, read after its end */
	if (ended && !(ended->flags & (FLOW_OPENED | FLOW_BASELINE)) &&
	    (!flow || ended->start_wall_ns < flow->start_wall_ns)) {
		ended->flags |= FLOW_OPENED;
		return;
	}
	if (flow) {
		if (is_own_open(table, flow)) {
			flow->flags |= FLOW_OPENED;
			apply(table, flow, obs);
			return;
		}
		if (is_same_start(flow, &obs->ct))
			return;
		flow->flags |= FLOW_SUPERSEDED;
	}
	row_begin(table, obs);
}

static void observe_sample(struct table *table, const struct obs *obs)
{
	struct rows rows = rows_find(table, &obs->ct);
	const struct obs_ct *ct = &obs->ct;
	struct flow *flow = rows.same ? rows.same : rows.live;

	/* A part of a dump can be older than the events read before it: what it
	 * shows is then of the tuple's last use, not of the live one. */
	if (flow && flow->flags & FLOW_ENDED)
		return;
	if (flow && is_other_start(flow, ct)) {
		flow->flags |= FLOW_SUPERSEDED;
		flow = NULL;
	} else if (!flow && rows.ended) {
		/* Read from the kernel before its end was: nothing new. */
		if (ct->has & CT_EVENT)
			return;
		if (!is_other_start(rows.ended, ct) && is_within(rows.ended, ct))
			return;
	}
	if (flow)
		apply(table, flow, obs);
	else
		row_begin(table, obs);
}

/* Nothing but the SYN and its answer. */
static bool is_one_each_way(const struct flow *flow)
{
	return flow->packets[INITIATOR] == 1 && flow->packets[RESPONDER] == 1;
}

/* What ended a flow, as far as its last state tells; -1 when it does not. */
static int end_reason_of(const struct flow *flow, const struct obs *obs, bool moved,
			 uint64_t stop_boot_ns, uint64_t sampled_boot_ns)
{
	const bool tcp = flow->key.orig.proto == IPPROTO_TCP;

	if (tcp && flow->flags & FLOW_STATE_KNOWN) {
		switch (flow->ct_state) {
		case CT_TCP_LAST_ACK:
		case CT_TCP_TIME_WAIT:
			return END_FIN;
		case CT_TCP_CLOSE:
			/* A reset in answer to the first SYN kills the entry before
			 * it counts as replied (nf_conntrack_tcp_packet), but not
			 * before its last reference is gone (nf_conntrack_in). */
			return flow->status & CT_SEEN_REPLY && !is_one_each_way(flow) ?
				       END_RST : END_REFUSED;
		case CT_TCP_SYN_SENT:
			if (!(flow->status & CT_SEEN_REPLY) && flow->packets[RESPONDER])
				return END_REFUSED;
			break;
		default:
			break;
		}
	}
	if (moved || !(flow->flags & FLOW_HAS_TIMEOUT))
		return -1;
	/* it was overdue when it was read last, and waited to be collected */
	if (!flow->timeout_s)
		return END_TIMEOUT;
	if (stop_boot_ns + TIMEOUT_SLACK_NS >= sampled_boot_ns + flow->timeout_s * 1000000000ULL)
		return END_TIMEOUT;
	return END_DESTROYED;
}

static void close_flow(struct table *table, struct flow *flow, const struct obs *obs)
{
	const struct obs_ct *ct = &obs->ct;
	const uint32_t sample_age_ms = ms_of(obs->at_boot_ns) - flow->sampled_ms;
	const uint64_t sampled_boot_ns = obs->at_boot_ns - sample_age_ms * 1000000ULL;
	uint64_t stop_boot_ns = obs->at_boot_ns, stop_wall_ns = 0;
	bool moved;
	int reason;

	if (ct->has & CT_STOP && ct->stop_wall_ns) {
		stop_wall_ns = ct->stop_wall_ns;
		stop_boot_ns = stop_wall_ns - (uint64_t)table->wall_minus_boot_ns;
	}
	apply_attributes(table, flow, ct);
	if (!flow->seq && due_is_old_enough(table, flow))
		flow_emit(table, flow, EVENT_START, -1, stop_wall_ns);
	moved = ct->has & CT_COUNTERS && !is_within(flow, ct);
	apply_counters(table, flow, obs);
	reason = end_reason_of(flow, obs, moved, stop_boot_ns, sampled_boot_ns);

	if (flow->flags & FLOW_BY_SOCKET && has_live_socket(table, flow)) {
		/* its sockets count and end it */
		flow->flags &= ~FLOW_CONNTRACK;
		return;
	}
	if (reason == END_REFUSED)
		flow_emit_failed(table, flow, ECONNREFUSED, stop_wall_ns);
	else if (flow->key.orig.proto == IPPROTO_TCP && reason == END_TIMEOUT &&
		 flow->ct_state == CT_TCP_SYN_SENT && flow->flags & FLOW_STATE_KNOWN)
		flow_emit_failed(table, flow, ETIMEDOUT, stop_wall_ns);
	flow_end(table, flow, reason, stop_wall_ns);
}

static void observe_close(struct table *table, const struct obs *obs)
{
	struct rows rows = rows_find(table, &obs->ct);
	const struct obs_ct *ct = &obs->ct;
	struct flow *flow;

	if (rows.same && !(rows.same->flags & FLOW_ENDED)) {
		close_flow(table, rows.same, obs);
		return;
	}
	if (rows.same) { /* NETLINK_BROADCAST_ERROR delivers some twice */
		table->count.duplicate_closes++;
		return;
	}
	if (rows.superseded && !is_other_start(rows.superseded, ct)) {
		close_flow(table, rows.superseded, obs);
		return;
	}
	if (rows.live && !is_other_start(rows.live, ct)) {
		close_flow(table, rows.live, obs);
		return;
	}
	/* without timestamps the totals tell */
	if (rows.ended && !is_other_start(rows.ended, ct) && is_within(rows.ended, ct)) {
		table->count.duplicate_closes++;
		return;
	}
	flow = row_add(table, obs);
	if (!flow) {
		flow_overflow(table, ct->key.orig.proto, ct->bytes, ct->packets);
		return;
	}
	apply_attributes(table, flow, ct);
	join_flow(table, flow);
	close_flow(table, flow, obs);
}

void merge_conntrack(struct table *table, const struct obs *obs)
{
	switch ((enum obs_kind)obs->kind) {
	case OBS_OPEN:
		observe_open(table, obs);
		break;
	case OBS_CLOSE:
		observe_close(table, obs);
		break;
	default:
		observe_sample(table, obs);
		break;
	}
}

/* One pass can miss an entry whose DESTROY is still on its way; two cannot. */
static void sweep_missed(struct table *table, struct flow *flow)
{
	if (!(flow->flags & FLOW_MISSED)) {
		flow->flags |= FLOW_MISSED;
		return;
	}
	if (flow->flags & FLOW_BY_SOCKET) {
		flow->flags &= ~FLOW_CONNTRACK;
		if (!has_live_socket(table, flow))
			flow_end(table, flow, -1, 0);
		return;
	}
	flow->flags |= FLOW_INEXACT;
	flow->inexact_reason = INEXACT_LOST;
	flow_end(table, flow, -1, 0);
}

void sweep_conntrack(struct table *table, const struct obs_sweep *sweep, struct scope *scope)
{
	const uint32_t began_ms = ms_of(sweep->began_boot_ns);
	uint64_t without_counters = 0;
	struct flow *flow;
	uint32_t slot;

	for (slot = 0; slot < table->flows.high; slot++) {
		flow = flow_at(table, slot);
		if (!(flow->flags & FLOW_CONNTRACK) || flow->flags & FLOW_ENDED ||
		    (sweep->netns != NETNS_EVERY && flow->key.netns != sweep->netns))
			continue;
		/* one that nothing has been read of yet is not known to lack any */
		without_counters += flow->flags & FLOW_FRESH && !(flow->flags & FLOW_COUNTED);
		if (sweep->gone)
			flow_end(table, flow, END_DESTROYED, 0);
		else if (ms_is_before(flow->sampled_ms, began_ms))
			sweep_missed(table, flow);
	}
	if (scope)
		scope->without_counters = without_counters;
}
