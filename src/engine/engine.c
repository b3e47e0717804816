// SPDX-License-Identifier: Apache-2.0
/*
 * The engine: builds guard, table, sources and sinks, runs them on one loop
 * and takes them down in reverse.
 *
 * It decides nothing about flows. It knows when each part wants to be called,
 * hands observations to the table and records to the outboxes, and counts what
 * the outboxes could not take.
 */
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/loop.h"
#include "base/num.h"
#include "config/settings.h"
#include "engine/engine_impl.h"
#include "source/ct_sysctl.h"
#include "source/guard.h"
#include "source/netns.h"
#include "source/track.h"

/* Deadlines are rounded up to this, so that several share one wake-up. */
#define TICK_GRID_NS (20 * NUM_NS_PER_MS)
#define CLOCK_LOOK_NS (1 * NUM_NS_PER_S)
#define WATCH_LOOK_NS (5 * NUM_NS_PER_S)
/* How long the sinks may take for what is queued at the end. */
#define DRAIN_NS (5 * NUM_NS_PER_S)
/* As many sockets as flows, up to here: a host with more has them refused,
 * counted; their flows are still counted by conntrack. */
#define SOCKETS_MAX (1U << 19)

static void on_record(void *context, const struct record *record)
{
	struct engine *engine = context;
	struct subscriber *subscriber, *next;
	bool dropped = false;

	for (unsigned i = 0; i < engine->outbox_count; i++)
		dropped |= outbox_push(engine->outbox[i], record, engine->wait_until_boot_ns) ==
			   OUTBOX_DROPPED;
	if (record->event == EVENT_END) {
		engine->exported += !dropped;
		engine->lost_outbox_full += dropped;
	}
	for (subscriber = engine->subscribers; subscriber; subscriber = next) {
		next = subscriber->next; /* it may unsubscribe in its call */
		subscriber->outlet.emit(subscriber->outlet.context, record);
	}
}

/* The first line tells a replay what the observations do not. */
static int tap_open(struct engine *engine, uint64_t started_wall_ns, struct why *why)
{
	const char *path = engine->conf.record_path;

	if (!path)
		return 0;
	engine->tap = fopen(path, "we");
	if (!engine->tap)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	fprintf(engine->tap, "clock wall_minus_boot=%lld started=%llu\n",
		(long long)clock_wall_minus_boot_ns(), (unsigned long long)started_wall_ns);
	return 0;
}

static void tap_write(struct engine *engine, const struct obs *obs)
{
	buf_clear(&engine->tap_line);
	obs_append_text(&engine->tap_line, obs);
	buf_putc(&engine->tap_line, '\n');
	if (!engine->tap_line.error)
		fwrite(engine->tap_line.data, 1, engine->tap_line.len, engine->tap);
}

static void on_obs(void *context, const struct obs *obs)
{
	struct engine *engine = context;

	if (engine->tap)
		tap_write(engine, obs);
	table_observe(engine->table, obs);
}

/* Each source's outlet is its own, so that its first whole pass is noticed. */
static void on_source_obs(void *context, const struct obs *obs)
{
	struct engine *engine = context;

	if (obs->kind == OBS_SWEEP && obs->sweep.netns == netns_watch_own(engine->netns)) {
		for (unsigned i = 0; i < engine->source_count; i++) {
			if (engine->source[i].source->ops->origin == obs->origin)
				engine->source[i].ready = true;
		}
	}
	on_obs(engine, obs);
}

static void on_netns_entered(void *context, uint32_t netns, bool own)
{
	struct engine *engine = context;
	struct why why = { "" };
	int r;

	if (engine->sysctl) {
		r = ct_sysctl_enable(engine->sysctl, netns, &why);
		if (r > 0)
			log_info("network namespace %u: conntrack accounting and timestamps "
				 "switched on, put back at exit", netns);
		else if (r < 0 && r != -ENOENT)
			log_warn("network namespace %u: %s", netns, why.text);
	}
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source *source = engine->source[i].source;

		if (!source->ops->enter)
			continue;
		why = (struct why){ "" };
		r = source->ops->enter(source, netns, &why);
		engine->source[i].next_boot_ns = 0;
		if (r < 0 && log_limit_allows(&engine->enter_limit, clock_boot_ns(),
					      10 * NUM_NS_PER_S))
			log_warn("network namespace %u, %s: %s", netns, source->ops->name,
				 why.text[0] ? why.text : strerror(-r));
	}
}

static void on_netns_gone(void *context, uint32_t netns)
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

static uint64_t round_up(uint64_t boot_ns)
{
	return (boot_ns + TICK_GRID_NS - 1) / TICK_GRID_NS * TICK_GRID_NS;
}

static uint64_t earlier(uint64_t x, uint64_t y)
{
	return x < y ? x : y;
}

/* Losses are said when they happen, once per growth and at most every 10 s. */
static void tell_losses(struct engine *engine, struct engine_source *source)
{
	struct source_stats now = { 0 };

	source->source->ops->stats(source->source, &now);
	if (now.lost != source->last.lost)
		log_warn("%s: the kernel dropped events %llu times, resynchronising",
			 source->source->ops->name,
			 (unsigned long long)(now.lost - source->last.lost));
	if (now.reliability_lost != source->last.reliability_lost)
		log_warn("%s: reliable delivery was given up for a while, since the collector "
			 "did not run; resynchronising", source->source->ops->name);
	if (now.malformed && !source->last.malformed)
		log_warn("%s: a message of the kernel made no sense and was skipped",
			 source->source->ops->name);
	source->last = now;
}

static void on_tick(void *context)
{
	struct engine *engine = context;
	const uint64_t now_boot_ns = clock_boot_ns();
	uint64_t next_boot_ns = UINT64_MAX, due_boot_ns;

	if (engine->stopped)
		return;
	if (now_boot_ns >= engine->clock_next_boot_ns) {
		table_set_clock(engine->table, clock_wall_minus_boot_ns());
		engine->clock_next_boot_ns = now_boot_ns + CLOCK_LOOK_NS;
	}
	if (now_boot_ns >= engine->netns_next_boot_ns)
		engine->netns_next_boot_ns = netns_watch_tick(engine->netns, now_boot_ns);
	next_boot_ns = earlier(next_boot_ns, engine->netns_next_boot_ns);
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct engine_source *source = &engine->source[i];

		if (now_boot_ns >= source->next_boot_ns)
			source->next_boot_ns =
				source->source->ops->tick(source->source, now_boot_ns);
		next_boot_ns = earlier(next_boot_ns, source->next_boot_ns);
	}
	due_boot_ns = table_advance(engine->table, clock_boot_ns());
	next_boot_ns = earlier(next_boot_ns, due_boot_ns);
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_flush(engine->outbox[i]);
	if (now_boot_ns >= engine->watch_next_boot_ns) {
		engine->watch_next_boot_ns = now_boot_ns + WATCH_LOOK_NS;
		for (unsigned i = 0; i < engine->source_count; i++)
			tell_losses(engine, &engine->source[i]);
	}
	loop_timer_set(engine->timer, next_boot_ns <= now_boot_ns ? now_boot_ns :
								    round_up(next_boot_ns));
}

static int open_sources(struct engine *engine, struct why *why)
{
	const struct source_conf conf = {
		.refresh_ns = engine->conf.settings->refresh_ns,
		.guard = engine->guard,
		.read_only = engine->conf.read_only,
	};
	const struct obs_outlet outlet = { on_source_obs, engine };
	const struct source_ops *const *ops;
	bool counts = false;
	int r, failed = 0;

	for (ops = source_table; *ops && engine->source_count < ENGINE_SOURCES_MAX; ops++) {
		struct source *source;
		struct why reason = { "" };

		r = (*ops)->probe(&reason);
		if (r == 0)
			r = (*ops)->open(&source, &conf, &outlet, &reason);
		if (r < 0) {
			log_info("%s: %s", (*ops)->name, reason.text);
			if (!failed) {
				failed = r;
				why_set(why, r, "%s", reason.text);
			}
			continue;
		}
		counts |= (*ops)->origin != ORIGIN_ADDRESS;
		engine->source[engine->source_count++].source = source;
	}
	return counts ? 0 : failed ? failed : -ENOTSUP;
}

static bool has_source(const struct engine *engine, enum origin origin)
{
	for (unsigned i = 0; i < engine->source_count; i++) {
		if (engine->source[i].source->ops->origin == origin)
			return true;
	}
	return false;
}

/* The same until the host reboots, different after: what makes flow ids. */
static uint64_t boot_seed(void)
{
	char id[64];
	const int n = fs_read_text("/proc/sys/kernel/random/boot_id", id, sizeof(id));

	return n > 0 ? hash_bytes(id, (size_t)n, 0) : 0;
}

static int make_table(struct engine *engine, uint64_t started_wall_ns, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	struct table_conf conf = {
		.max_flows = settings->table_max_flows,
		.max_sockets = settings->table_max_flows < SOCKETS_MAX ?
				       settings->table_max_flows : SOCKETS_MAX,
		.refresh_ns = settings->refresh_ns,
		.index_seed = hash_seed_random(),
		.boot_seed = boot_seed(),
		.started_wall_ns = started_wall_ns,
		.wall_minus_boot_ns = clock_wall_minus_boot_ns(),
		.sockets_only = !has_source(engine, ORIGIN_CONNTRACK),
		.out = { on_record, engine },
	};

	_Static_assert((int)SETTINGS_REPORT_MAX <= (int)CURVE_POINTS_MAX,
		       "every report setting fits the curve");
	conf.curve.count = settings->report_count;
	for (size_t i = 0; i < settings->report_count; i++)
		conf.curve.point[i] = (struct curve_point){ settings->report[i].age_ns,
							    settings->report[i].every_ns };
	return table_new(&engine->table, &conf, why);
}

static int prepare_conntrack(struct engine *engine, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	int r = 0;

	if (engine->conf.read_only)
		return 0;
	if (settings->conntrack_manage_sysctl && caps_has(CAP_NET_ADMIN))
		r = ct_sysctl_new(&engine->sysctl, why);
	if (r == 0 && settings->conntrack_track)
		r = track_open(&engine->track, why);
	if (r == 0 && engine->track)
		log_info("nftables table \"inet weir\" loaded: this host's traffic is tracked "
			 "while weir runs");
	return r;
}

int engine_new(struct engine **ret, const struct engine_conf *conf, struct why *why)
{
	const uint64_t started_wall_ns = clock_wall_ns();
	const struct netns_listener listener = { on_netns_entered, on_netns_gone, NULL };
	struct netns_listener mine = listener;
	struct engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return why_set(why, -ENOMEM, "no memory for the engine");
	engine->conf = *conf;
	engine->loop = conf->loop;
	engine->started_boot_ns = clock_boot_ns();
	mine.context = engine;
	if (gethostname(engine->host, sizeof(engine->host) - 1) < 0)
		engine->host[0] = '\0';

	/* the guard is forked first: it must not inherit what follows */
	if (!conf->read_only && caps_has(CAP_NET_ADMIN)) {
		r = guard_new(&engine->guard, why);
		if (r < 0)
			goto fail;
	}
	r = tap_open(engine, started_wall_ns, why);
	if (r < 0)
		goto fail;
	r = open_sources(engine, why);
	if (r == 0)
		r = make_table(engine, started_wall_ns, why);
	if (r == 0)
		r = prepare_conntrack(engine, why);
	if (r == 0)
		r = netns_watch_new(&engine->netns, conf->settings->conntrack_netns_all, &mine,
				    why);
	if (r < 0)
		goto fail;
	r = loop_timer_new(engine->loop, &engine->timer, on_tick, engine);
	if (r < 0) {
		why_set(why, r, "timerfd: %s", strerror(-r));
		goto fail;
	}
	*ret = engine;
	return 0;
fail:
	engine_free(engine);
	return r;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	loop_timer_free(engine->timer);
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_free(engine->outbox[i]);
	netns_watch_free(engine->netns);
	for (unsigned i = engine->source_count; i-- > 0;)
		engine->source[i].source->ops->close(engine->source[i].source);
	track_close(engine->track);
	ct_sysctl_free(engine->sysctl);
	table_free(engine->table);
	if (engine->tap)
		fclose(engine->tap);
	buf_fini(&engine->tap_line);
	guard_free(engine->guard);
	free(engine);
}

void engine_own_outbox(struct engine *engine, struct outbox *outbox)
{
	assert(engine->outbox_count < ENGINE_OUTBOXES_MAX);
	engine->outbox[engine->outbox_count++] = outbox;
}

void engine_start(struct engine *engine)
{
	/* the first namespaces now, so that nothing begins unseen */
	engine->netns_next_boot_ns = netns_watch_tick(engine->netns, clock_boot_ns());
	if (netns_watch_limit(engine->netns) && !engine->conf.read_only)
		log_info("%s", netns_watch_limit(engine->netns));
	loop_timer_set(engine->timer, clock_boot_ns());
}

void engine_shutdown(struct engine *engine)
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
	engine->wait_until_boot_ns = clock_boot_ns() + DRAIN_NS;
	table_advance(engine->table, clock_boot_ns());
	table_shutdown(engine->table, clock_boot_ns());
	for (unsigned i = 0; i < engine->outbox_count; i++)
		outbox_drain(engine->outbox[i], engine->wait_until_boot_ns);
}

bool engine_is_ready(const struct engine *engine)
{
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source_stats stats = { 0 };

		engine->source[i].source->ops->stats(engine->source[i].source, &stats);
		if (!engine->source[i].ready || stats.settling)
			return false;
	}
	return true;
}

const struct table *engine_table(const struct engine *engine)
{
	return engine->table;
}

const char *engine_host(const struct engine *engine)
{
	return engine->host;
}

void engine_subscribe(struct engine *engine, struct subscriber *subscriber)
{
	subscriber->next = engine->subscribers;
	engine->subscribers = subscriber;
}

void engine_unsubscribe(struct engine *engine, struct subscriber *subscriber)
{
	struct subscriber **at = &engine->subscribers;

	while (*at && *at != subscriber)
		at = &(*at)->next;
	if (*at)
		*at = subscriber->next;
}
