// SPDX-License-Identifier: Apache-2.0
/*
 * Conntrack that comes later, or goes.
 *
 * It is a module on most hosts. Where weir may not load it, or nothing can be loaded
 * when weir starts, sockets are all there is until it comes; then the ladder is climbed
 * again and its sources are opened beside the others. Taken out again (which a trampoline
 * does not allow) it takes its entries along: their flows end, and the watch goes on.
 * What was built on the one that has gone, sockets and switches, means nothing to the
 * next.
 */
#include <malloc.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/engine_impl.h"
#include "source/ct_sysctl.h"
#include "source/netns.h"

/* It is there, but nothing of it could be used: what it needs may come later still. */
#define AGAIN_FIRST_NS (5 * NUM_NS_PER_S)
#define AGAIN_SLOWEST_NS (300 * NUM_NS_PER_S)

/* What stands on conntrack. The others keep what they stand on: their sources are open. */
#define FEATURES_HERE (1U << FEATURE_BEGIN | 1U << FEATURE_LIVE | 1U << FEATURE_END)

void late_begin(struct engine *engine)
{
	struct late *late = &engine->late;

	ct_presence_init(&late->presence);
	/* what did not stand at the start is not tried again unless it comes anew */
	late->again_boot_ns = UINT64_MAX;
}

/* Two passes that show nothing, for who waits for two; then the whole scope goes. A flow
 * that a live socket counts goes on. */
static void end_flows(struct engine *engine)
{
	struct obs sweep = {
		.kind = OBS_SWEEP,
		.origin = ORIGIN_CONNTRACK,
		.at_boot_ns = clock_boot_ns(),
		.sweep = { .netns = NETNS_EVERY },
	};

	/* later than what was read in this very millisecond */
	sweep.sweep.began_boot_ns = sweep.at_boot_ns + 2 * NUM_NS_PER_MS;
	sources_observe(engine, &sweep);
	sources_observe(engine, &sweep);
	sweep.sweep.gone = true;
	sources_observe(engine, &sweep);
}

static void leave(struct engine *engine)
{
	struct why reason;

	/* ends are told while it is taken out; the other sources would ask for it, and the
	 * kernel would load it for that */
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source *source = engine->source[i].source;

		if (source->ops == &source_ctlife)
			source->ops->last_look(source, clock_boot_ns());
	}
	sources_close(engine, ORIGIN_CONNTRACK);
	if (engine->sysctl)
		ct_sysctl_forget_all(engine->sysctl);
	why_set(&reason, 0, "conntrack was unloaded");
	for (int i = 0; i < FEATURES; i++)
		if (FEATURES_HERE & 1U << i)
			ladder_fall_off(&engine->standing[i], &reason);
	table_set_sockets_only(engine->table, true);
	end_flows(engine);
	engine->late.again_boot_ns = UINT64_MAX;
	log_info("conntrack was unloaded: its flows have ended");
}

static void enter_again(struct engine *engine, uint64_t now_boot_ns)
{
	uint32_t parts = ENGINE_PART_SWITCHES;

	for (unsigned i = 0; i < engine->source_count; i++) {
		if (engine->source[i].source->ops->origin != ORIGIN_CONNTRACK)
			continue;
		source_watch(engine, &engine->source[i], true);
		parts |= 1U << engine->source[i].part;
	}
	netns_watch_reenter(engine->netns, parts);
	engine->netns_next_boot_ns = netns_watch_tick(engine->netns, now_boot_ns);
}

static void plan_again(struct late *late)
{
	late->again_boot_ns = clock_boot_ns() + late->pause_ns;
	late->pause_ns = clock_earlier(2 * late->pause_ns, AGAIN_SLOWEST_NS);
}

static void arrive(struct engine *engine, uint64_t now_boot_ns)
{
	struct late *late = &engine->late;
	const struct ladder_standing *standing = engine->standing;
	struct why why = { "" };
	int r;

	late->again_boot_ns = UINT64_MAX;
	if (sources_have(engine, ORIGIN_CONNTRACK))
		return;
	r = sources_climb(engine, FEATURES_HERE, &why);
	if (r == 0)
		sources_open(engine, &why);
	malloc_trim(0); /* of the kernel's types, as at the start */
	if (!sources_have(engine, ORIGIN_CONNTRACK)) {
		if (!late->told)
			log_warn("conntrack is loaded, but cannot be read: %s; it is tried again",
				 why.text[0] ? why.text : standing[FEATURE_LIVE].why.text);
		late->told = true;
		plan_again(late);
		return;
	}
	table_set_sockets_only(engine->table, false);
	enter_again(engine, now_boot_ns);
	log_info("conntrack is loaded now: begin by %s, live by %s, end by %s",
		 rung_names[standing[FEATURE_BEGIN].row->rung],
		 rung_names[standing[FEATURE_LIVE].row->rung],
		 rung_names[standing[FEATURE_END].row->rung]);
}

bool late_look(struct engine *engine, uint64_t now_boot_ns)
{
	struct late *late = &engine->late;
	enum ct_news news = ct_presence_look(&late->presence);
	bool changed = false;

	if (news == CT_NEWS_WENT) {
		leave(engine);
		changed = true;
		news = ct_presence_look(&late->presence);
	}
	if (news == CT_NEWS_CAME) {
		late->pause_ns = AGAIN_FIRST_NS;
		late->told = false;
	}
	if (news == CT_NEWS_CAME || now_boot_ns >= late->again_boot_ns) {
		arrive(engine, now_boot_ns);
		changed = true;
	}
	return changed;
}
