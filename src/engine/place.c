// SPDX-License-Identifier: Apache-2.0
/*
 * Into which network namespaces the engine's parts are led.
 *
 * A part is a source, or the switches of conntrack. One that is refused what it
 * needs stays missing in the place's own account and is led in again with the
 * next call; the others are not. A namespace that lacks a part is not watched:
 * that is said once for each reason, and shown as long as it lasts.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/engine_impl.h"
#include "source/ct_sysctl.h"
#include "source/netns.h"

/* A thousand namespaces may be refused at once. */
#define TELL_NS (10 * NUM_NS_PER_S)

/* Only what may be had later is missing: a switch that is not ours to set never
 * will be, and the namespace is watched without. */
static int set_switches(struct engine *engine, uint32_t netns, struct why *why)
{
	const int r = engine->sysctl ? ct_sysctl_enable(engine->sysctl, netns, why) : 0;

	if (why_is_shortage(r))
		return r;
	if (r > 0)
		log_info("network namespace %u: conntrack accounting and timestamps "
			 "switched on, put back at exit", netns);
	else if (r < 0 && r != -ENOENT)
		log_warn("network namespace %u: %s", netns, why->text);
	return 0;
}

/* Without a source the switches, which come first, so that what is seen from then on is
 * counted. */
static int enter(struct engine *engine, const struct netns_place *place,
		 struct engine_source *source, struct why *why)
{
	int r;

	if (!source)
		return set_switches(engine, place->netns, why);
	if (!source->source->ops->enter)
		return 0;
	r = source->source->ops->enter(source->source, place->netns, place->found_boot_ns, why);
	source->next_boot_ns = 0;
	return r;
}

static void tell(struct engine *engine, struct netns_place *place, int r, const struct why *why)
{
	if (r == 0 && place->told)
		log_info("network namespace %u is watched now", place->netns);
	if (r == 0)
		place->told = false;
	if (r < 0 && r != place->reason &&
	    log_limit_allows(&engine->enter_limit, clock_boot_ns(), TELL_NS)) {
		log_warn("network namespace %u is not watched yet, and tried again: %s",
			 place->netns, why->text[0] ? why->text : strerror(-r));
		place->told = true;
	}
	place->reason = r;
}

void place_entered(void *context, struct netns_place *place, int r)
{
	struct engine *engine = context;
	struct why first = { "" };
	uint32_t missing = 0;

	if (r < 0) {
		tell(engine, place, r, &first);
		return;
	}
	for (unsigned i = 0; i <= engine->source_count; i++) {
		struct engine_source *source = i ? &engine->source[i - 1] : NULL;
		const uint32_t bit = source ? 1U << source->part : ENGINE_PART_SWITCHES;
		struct why why = { "" };
		int refused;

		if (!(place->missing & bit))
			continue;
		refused = enter(engine, place, source, &why);
		if (refused == 0)
			continue;
		missing |= bit;
		if (r == 0) {
			r = refused;
			first = why;
		}
	}
	place->missing = missing;
	tell(engine, place, r, &first);
}

void place_gone(void *context, uint32_t netns)
{
	struct engine *engine = context;
	const uint64_t now_boot_ns = clock_boot_ns();

	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source *source = engine->source[i].source;

		if (source->ops->leave)
			source->ops->leave(source, netns, now_boot_ns);
	}
	if (engine->sysctl)
		ct_sysctl_forget(engine->sysctl, netns);
	log_debug("network namespace %u is gone", netns);
}
