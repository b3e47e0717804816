// SPDX-License-Identifier: Apache-2.0
/*
 * When a flow's next record is due.
 *
 * Only flows that have something to say are in the wheel: those whose first
 * record is still to be made and those whose counters moved since the last
 * one. A bucket holds flows due in its tick, and those whose time lies beyond
 * the wheel's horizon, which are looked at again when the tick comes round.
 */
#include "flow/table_impl.h"

static const uint64_t ns_per_ms = 1000000;

uint64_t flow_age_ns(const struct table *table, const struct flow *flow, uint64_t now_boot_ns)
{
	const uint64_t now_wall_ns = table_wall_ns(table, now_boot_ns);

	return now_wall_ns > flow->start_wall_ns ? now_wall_ns - flow->start_wall_ns : 0;
}

/* What was there before the collector and has no start of the kernel's (it
 * stamps only what begins while nf_conntrack_timestamp is set) is taken for
 * aged to the second point, lest a restart reports all of it like news. */
static uint64_t paced_age_ns(const struct table *table, const struct flow *flow)
{
	const struct curve *curve = &table->conf.curve;
	const uint64_t aged_ns = curve->point[curve->count > 1].age_ns;
	const uint64_t age_ns = flow_age_ns(table, flow, table->now_boot_ns);

	if ((flow->flags & (FLOW_BASELINE | FLOW_START_KNOWN)) == FLOW_BASELINE)
		return age_ns + aged_ns;
	return age_ns;
}

bool due_is_old_enough(const struct table *table, const struct flow *flow)
{
	return paced_age_ns(table, flow) >= curve_minimum_age_ns(&table->conf.curve);
}

/* Boot time of a modulo-2^32 millisecond that lies in the past. */
static uint64_t ms_to_boot_ns(const struct table *table, uint32_t ms)
{
	const uint64_t now_ms = table->now_boot_ns / ns_per_ms;

	return (now_ms - (uint32_t)((uint32_t)now_ms - ms)) * ns_per_ms;
}

static uint64_t flow_due_boot_ns(const struct table *table, const struct flow *flow)
{
	const struct curve *curve = &table->conf.curve;
	const uint64_t age_ns = paced_age_ns(table, flow);
	const uint64_t minimum_age_ns = curve_minimum_age_ns(curve);
	uint64_t due_boot_ns = ms_to_boot_ns(table, flow->record_ms);

	if (!flow->seq) {
		/* the start waits one refresh for counters and the kernel's time */
		if (flow->flags & FLOW_FRESH)
			due_boot_ns = table->now_boot_ns;
		else
			due_boot_ns += table->conf.refresh_ns;
	} else if ((flow->flags & (FLOW_CLOSING | FLOW_CLOSING_TOLD | FLOW_FRESH)) ==
		   (FLOW_CLOSING | FLOW_FRESH)) {
		due_boot_ns = table->now_boot_ns;
	} else {
		due_boot_ns += curve_every_ns(curve, age_ns);
	}
	if (age_ns < minimum_age_ns && due_boot_ns < table->now_boot_ns + minimum_age_ns - age_ns)
		due_boot_ns = table->now_boot_ns + minimum_age_ns - age_ns;
	return due_boot_ns;
}

void due_cancel(struct table *table, struct flow *flow)
{
	if (!(flow->flags & FLOW_QUEUED))
		return;
	if (flow->due_prev)
		flow_at(table, flow->due_prev - 1)->due_next = flow->due_next;
	else
		table->due_head[flow->due_bucket] = flow->due_next;
	if (flow->due_next)
		flow_at(table, flow->due_next - 1)->due_prev = flow->due_prev;
	flow->due_next = flow->due_prev = SLOT_NONE;
	flow->flags &= ~FLOW_QUEUED;
	table->due_count--;
}

static uint64_t tick_of(uint64_t boot_ns)
{
	return boot_ns / (DUE_TICK_MS * ns_per_ms);
}

void due_set(struct table *table, struct flow *flow)
{
	uint64_t tick = tick_of(flow_due_boot_ns(table, flow));
	uint16_t bucket;

	if (tick < table->due_tick)
		tick = table->due_tick;
	if (tick >= table->due_tick + DUE_BUCKETS)
		tick = table->due_tick + DUE_BUCKETS - 1;
	bucket = (uint16_t)(tick % DUE_BUCKETS);
	if (flow->flags & FLOW_QUEUED) {
		if (flow->due_bucket == bucket)
			return;
		due_cancel(table, flow);
	}
	flow->due_bucket = bucket;
	flow->due_prev = SLOT_NONE;
	flow->due_next = table->due_head[bucket];
	if (flow->due_next)
		flow_at(table, flow->due_next - 1)->due_prev = flow_slot(table, flow) + 1;
	table->due_head[bucket] = flow_slot(table, flow) + 1;
	flow->flags |= FLOW_QUEUED;
	table->due_count++;
}

static void due_fire(struct table *table, struct flow *flow)
{
	const bool first = !flow->seq;

	due_cancel(table, flow);
	if (!first && !flow_has_moved(flow))
		return;
	if (flow_due_boot_ns(table, flow) > table->now_boot_ns) {
		due_set(table, flow);
		return;
	}
	if (flow->flags & FLOW_CLOSING && flow->flags & FLOW_FRESH)
		flow->flags |= FLOW_CLOSING_TOLD;
	flow_emit(table, flow, first ? EVENT_START : EVENT_UPDATE, -1, 0);
}

/* The first tick that has a flow, from due_tick on. */
static uint64_t due_next_boot_ns(const struct table *table)
{
	uint64_t tick;

	if (!table->due_count)
		return UINT64_MAX;
	for (tick = table->due_tick; !table->due_head[tick % DUE_BUCKETS]; tick++)
		;
	return tick * DUE_TICK_MS * ns_per_ms;
}

uint64_t table_advance(struct table *table, uint64_t now_boot_ns)
{
	uint64_t now_tick;
	uint32_t slot, next;
	bool more;

	if (now_boot_ns > table->now_boot_ns)
		table->now_boot_ns = now_boot_ns;
	more = udp_news_tell(table);
	now_tick = tick_of(table->now_boot_ns);
	if (table->due_tick + DUE_BUCKETS <= now_tick)
		table->due_tick = now_tick - DUE_BUCKETS + 1;
	while (table->due_count && table->due_tick <= now_tick) {
		slot = table->due_head[table->due_tick % DUE_BUCKETS];
		/* what fires now and is due again goes into a later tick */
		table->due_tick++;
		for (; slot; slot = next) {
			struct flow *flow = flow_at(table, slot - 1);

			next = flow->due_next;
			due_fire(table, flow);
		}
	}
	if (!table->due_count && table->due_tick < now_tick)
		table->due_tick = now_tick;
	return more ? table->now_boot_ns : due_next_boot_ns(table);
}

void table_set_pace(struct table *table, uint64_t refresh_ns, const struct curve *curve)
{
	uint32_t slot, next;

	table->conf.refresh_ns = refresh_ns;
	table->conf.curve = *curve;
	/* one that moves into a bucket still to come is looked at again, and stays there */
	for (unsigned bucket = 0; bucket < DUE_BUCKETS; bucket++) {
		for (slot = table->due_head[bucket]; slot; slot = next) {
			struct flow *flow = flow_at(table, slot - 1);

			next = flow->due_next;
			due_set(table, flow);
		}
	}
}
