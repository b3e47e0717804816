// SPDX-License-Identifier: Apache-2.0
/*
 * Which sources there are: what the ladder chose is opened, in the order of their
 * table, and what they see goes to the recording and into the flow table.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/caps.h"
#include "base/loop.h"
#include "config/settings.h"
#include "engine/engine_impl.h"
#include "source/netns.h"

void sources_observe(struct engine *engine, const struct obs *obs)
{
	tap_write(&engine->tap, obs);
	table_observe(engine->table, obs);
}

/* A source's first whole pass is noticed on the way. */
static void on_obs(void *context, const struct obs *obs)
{
	struct engine *engine = context;

	if (obs->kind == OBS_SWEEP && (obs->sweep.netns == NETNS_EVERY ||
				       obs->sweep.netns == netns_watch_own(engine->netns))) {
		for (unsigned i = 0; i < engine->source_count; i++) {
			if (engine->source[i].source->ops->origin == obs->origin)
				engine->source[i].ready = true;
		}
	}
	sources_observe(engine, obs);
}

/* A source that is in a hurry makes its descriptor readable: all have a turn. */
static void on_hurry(void *context)
{
	struct engine *engine = context;

	for (unsigned i = 0; i < engine->source_count; i++)
		if (engine->source[i].source->ops->fd)
			engine->source[i].next_boot_ns = 0;
	engine_tick(engine);
}

void source_watch(struct engine *engine, const struct engine_source *watched, bool on)
{
	const struct source *source = watched->source;

	if (!source->ops->fd)
		return;
	if (!on)
		loop_remove_fd(engine->loop, source->ops->fd(source));
	else if (loop_add_fd(engine->loop, source->ops->fd(source), EPOLLIN, on_hurry, engine) < 0)
		log_warn("%s: it is only read on its timer", source->ops->name);
}

int sources_climb(struct engine *engine, unsigned features, struct why *why)
{
	rung_set wished;
	const int r = ladder_parse(&wished, engine->conf.settings->source, why);

	if (r < 0)
		return -EBADMSG;
	ladder_climb_some(engine->standing, features, wished);
	return ladder_check(engine->standing, wished, why);
}

bool sources_have(const struct engine *engine, enum origin origin)
{
	for (unsigned i = 0; i < engine->source_count; i++) {
		if (engine->source[i].source->ops->origin == origin)
			return true;
	}
	return false;
}

/* Among the others in the order of their table, in which they are ticked. */
static void add(struct engine *engine, struct source *source, unsigned part)
{
	unsigned at = engine->source_count++;

	for (; at > 0 && engine->source[at - 1].part > part; at--)
		engine->source[at] = engine->source[at - 1];
	engine->source[at] = (struct engine_source){ .source = source, .part = part,
						     .is_late = engine->table };
}

static int open_source(struct engine *engine, unsigned row, struct source_conf *conf,
		       struct why *why)
{
	const struct obs_outlet outlet = { on_obs, engine };
	const struct source_ops *ops = source_table[row];
	struct source *source;
	int r;

	for (int i = 0; i < FEATURES; i++)
		conf->rung[i] = engine->standing[i].row->rung;
	/* later: all others are open as far as they can be */
	if (engine->table && ops->origin != ORIGIN_CONNTRACK)
		return -ENOENT;
	if (ops->stands && !ops->stands(conf))
		return -ENOENT;
	r = ops->probe ? ops->probe(why) : 0;
	if (r == 0)
		r = ops->open(&source, conf, &outlet, why);
	if (r < 0)
		return r;
	add(engine, source, row + 1);
	return 0;
}

int sources_open(struct engine *engine, struct why *why)
{
	struct source_conf conf = {
		/* ends are heard of there alone; without the right to enter, better all */
		.entered_only = caps_has(CAP_SYS_ADMIN),
		.ends = &engine->ends,
		.nothing_older = engine->table,
		.refresh_ns = engine->conf.settings->refresh_ns,
		.ring_bytes = engine->conf.settings->conntrack_ring_bytes,
		.guard = engine->guard,
		.read_only = engine->conf.read_only,
	};
	bool counts = false;
	int r, failed = 0;

	/* who hears of ends says how far; where nobody does, none is waited for */
	engine->ends = (struct ends_mark){ 0 };
	if (engine->standing[FEATURE_END].row->rung == RUNG_NONE)
		engine->ends.read_until_boot_ns = UINT64_MAX;
	if (!engine->conf.settings->conntrack_netns_all)
		netns_own(&conf.netns_only, NULL);
	for (unsigned row = 0; source_table[row] && engine->source_count < ENGINE_SOURCES_MAX;
	     row++) {
		const struct source_ops *ops = source_table[row];
		struct why reason = { "" };

		r = open_source(engine, row, &conf, &reason);
		if (r == -ENOENT)
			continue;
		if (r < 0) {
			log_info("%s: %s", ops->name, reason.text);
			if (ops == &source_ctwalk)
				ladder_step_down(&engine->standing[FEATURE_LIVE], &reason);
			if (ops == &source_socklife)
				ladder_leave_bpf_for_tcp(engine->standing, &reason);
			if (!failed) {
				failed = r;
				why_set(why, r, "%s", reason.text);
			}
			continue;
		}
		counts |= ops->origin != ORIGIN_ADDRESS;
	}
	return counts ? 0 : failed ? failed : -ENOTSUP;
}

void sources_close(struct engine *engine, enum origin origin)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < engine->source_count; i++) {
		struct engine_source *closed = &engine->source[i];

		if (closed->source->ops->origin != origin) {
			engine->source[kept++] = *closed;
			continue;
		}
		source_watch(engine, closed, false);
		closed->source->ops->close(closed->source);
	}
	engine->source_count = kept;
}
