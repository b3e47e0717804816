// SPDX-License-Identifier: Apache-2.0
/*
 * Where records go: into every outbox and to every subscriber.
 *
 * The set of outboxes is exchanged between two records (a reload), so that each
 * record is in the old one or in the new one of a sink, never in both or none.
 * The old ones drain aside: their threads work on, the collector looks now and
 * then whether one has ended. Nothing here waits, but for room in a queue while
 * everything stops, and for a queue that gave none once no more.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/num.h"
#include "engine/engine_impl.h"
#include "engine/meter.h"

/* How often a retired outbox is looked at. */
#define RETIRED_LOOK_NS (100 * NUM_NS_PER_MS)

/* At the end room is waited for, but one sink's share of it is not the others' loss. */
static bool push(struct engine *engine, unsigned i, const struct record *record)
{
	const bool wait = engine->wait_until_boot_ns && !(engine->impatient >> i & 1);

	if (outbox_push(engine->outbox[i], record, wait ? engine->wait_until_boot_ns : 0) !=
	    OUTBOX_DROPPED)
		return true;
	engine->impatient |= 1U << i;
	return false;
}

void outboxes_take(void *context, const struct record *record)
{
	struct engine *engine = context;
	struct subscriber *subscriber, *next;
	bool dropped = false;

	meter_take(engine->meter, record);
	for (unsigned i = 0; i < engine->outbox_count; i++)
		dropped |= !push(engine, i, record);
	if (record->event == EVENT_END) {
		engine->exported += !dropped;
		engine->lost_outbox_full += dropped;
	}
	for (subscriber = engine->subscribers; subscriber; subscriber = next) {
		next = subscriber->next; /* it may unsubscribe in its call */
		subscriber->outlet.emit(subscriber->outlet.context, record);
	}
}

void outboxes_tell_wanted(struct engine *engine)
{
	uint32_t events = engine->subscribers ? UINT32_MAX : 0;

	for (unsigned i = 0; i < engine->outbox_count; i++)
		events |= outbox_events(engine->outbox[i]);
	table_want(engine->table, events);
}

/* Its fate is in no statistics from here on. */
static void say_goodbye(struct outbox *outbox)
{
	struct outbox_stats stats;
	uint64_t dropped;

	outbox_stats(outbox, &stats);
	dropped = stats.dropped_full + stats.dropped_rejected + stats.dropped_closed +
		  stats.dropped_expired + stats.dropped_spool;
	log_info("sink %s as it was before the reload has ended: %llu records delivered, %llu "
		 "left in its spool, %llu dropped", stats.name,
		 (unsigned long long)stats.delivered, (unsigned long long)stats.spooled,
		 (unsigned long long)dropped);
}

static bool is_retired(const struct engine *engine, const struct outbox *outbox, unsigned before)
{
	for (unsigned i = 0; i < before; i++) {
		if (!strcmp(outbox_name(engine->retired[i]), outbox_name(outbox)))
			return true;
	}
	return false;
}

/* Of one sink there is one that delivers: the oldest. */
static void release_heirs(struct engine *engine)
{
	for (unsigned i = 0; i < engine->retired_count; i++) {
		if (!is_retired(engine, engine->retired[i], i))
			outbox_release(engine->retired[i]);
	}
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		if (!is_retired(engine, engine->outbox[i], engine->retired_count))
			outbox_release(engine->outbox[i]);
	}
}

static void forget_done(struct engine *engine)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < engine->retired_count; i++) {
		struct outbox *outbox = engine->retired[i];

		if (!outbox_is_done(outbox)) {
			engine->retired[kept++] = outbox;
			continue;
		}
		say_goodbye(outbox);
		outbox_free(outbox);
	}
	if (kept == engine->retired_count)
		return;
	engine->retired_count = kept;
	release_heirs(engine);
}

uint64_t outboxes_tick(struct engine *engine, uint64_t now_boot_ns)
{
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_flush(engine->outbox[i]);
	forget_done(engine);
	return engine->retired_count ? now_boot_ns + RETIRED_LOOK_NS : UINT64_MAX;
}

void outboxes_free(struct engine *engine)
{
	for (unsigned i = 0; i < engine->retired_count; i++)
		outbox_free(engine->retired[i]);
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_free(engine->outbox[i]);
}

void engine_own_outbox(struct engine *engine, struct outbox *outbox)
{
	assert(engine->outbox_count < ENGINE_OUTBOXES_MAX);
	engine->outbox[engine->outbox_count++] = outbox;
	outboxes_tell_wanted(engine);
}

bool engine_has_sink(const struct engine *engine, const char *name)
{
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		if (!strcmp(outbox_name(engine->outbox[i]), name))
			return true;
	}
	for (unsigned i = 0; i < engine->retired_count; i++) {
		if (!strcmp(outbox_name(engine->retired[i]), name))
			return true;
	}
	return false;
}

static bool is_among(const struct outbox *outbox, struct outbox *const *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i] == outbox)
			return true;
	}
	return false;
}

int engine_swap_outboxes(struct engine *engine, struct outbox *const *next, unsigned count,
			 uint64_t drain_ns, struct why *why)
{
	const uint64_t now_boot_ns = clock_boot_ns();

	assert(count <= ENGINE_OUTBOXES_MAX);
	outboxes_tick(engine, now_boot_ns);
	if (engine->retired_count + engine->outbox_count > ENGINE_RETIRED_MAX)
		return why_set(why, -EBUSY, "%u sinks that earlier reloads have ended still drain",
			       engine->retired_count);
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		struct outbox *outbox = engine->outbox[i];

		if (is_among(outbox, next, count))
			continue;
		outbox_stop(outbox, now_boot_ns + drain_ns);
		engine->retired[engine->retired_count++] = outbox;
	}
	for (unsigned i = 0; i < count; i++)
		engine->outbox[i] = next[i];
	engine->outbox_count = count;
	release_heirs(engine);
	outboxes_tell_wanted(engine);
	loop_timer_set(engine->timer, now_boot_ns);
	return 0;
}

void engine_reopen(struct engine *engine)
{
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_reopen(engine->outbox[i]);
	for (unsigned i = 0; i < engine->retired_count; i++)
		outbox_reopen(engine->retired[i]);
}

void engine_stop(struct engine *engine, uint64_t drain_ns)
{
	const uint64_t now_boot_ns = clock_boot_ns();

	if (engine->stopped)
		return;
	engine->stopped = true;
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source *source = engine->source[i].source;

		if (source->ops->last_look)
			source->ops->last_look(source, now_boot_ns);
	}
	engine->drain_until_boot_ns = clock_boot_ns() + drain_ns;
	engine->wait_until_boot_ns = clock_boot_ns() + drain_ns / 4;
	table_advance(engine->table, clock_boot_ns());
	table_shutdown(engine->table, clock_boot_ns());
	tap_close(&engine->tap);
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_stop(engine->outbox[i], engine->drain_until_boot_ns);
	for (unsigned i = 0; i < engine->retired_count; i++)
		outbox_stop(engine->retired[i], engine->drain_until_boot_ns);
}

bool engine_has_drained(struct engine *engine)
{
	forget_done(engine);
	for (unsigned i = 0; i < engine->outbox_count; i++) {
		if (!outbox_is_done(engine->outbox[i]))
			return false;
	}
	return !engine->retired_count;
}

void engine_shutdown(struct engine *engine, uint64_t drain_ns)
{
	engine_stop(engine, drain_ns);
	for (unsigned i = 0; i < engine->retired_count; i++) {
		outbox_drain(engine->retired[i], engine->drain_until_boot_ns);
		say_goodbye(engine->retired[i]);
		outbox_free(engine->retired[i]); /* with it goes its hold on the spool */
	}
	engine->retired_count = 0;
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_drain(engine->outbox[i], engine->drain_until_boot_ns);
}

void engine_subscribe(struct engine *engine, struct subscriber *subscriber)
{
	subscriber->next = engine->subscribers;
	engine->subscribers = subscriber;
	outboxes_tell_wanted(engine);
}

void engine_unsubscribe(struct engine *engine, struct subscriber *subscriber)
{
	struct subscriber **at = &engine->subscribers;

	while (*at && *at != subscriber)
		at = &(*at)->next;
	if (*at)
		*at = subscriber->next;
	outboxes_tell_wanted(engine);
}
