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

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/loop.h"
#include "base/num.h"
#include "config/settings.h"
#include "engine/engine_impl.h"
#include "engine/meter.h"
#include "source/ct_sysctl.h"
#include "source/guard.h"
#include "source/netns.h"
#include "source/track.h"

/* Deadlines are rounded up to this, so that several share one wake-up. */
#define TICK_GRID_NS (20 * NUM_NS_PER_MS)
#define CLOCK_LOOK_NS (1 * NUM_NS_PER_S)
#define WATCH_LOOK_NS (5 * NUM_NS_PER_S)
/* A switch that cannot be turned is told this rarely. */
#define SWITCH_TELL_NS (600 * NUM_NS_PER_S)
/* As many sockets as flows, up to here: a host with more has them refused,
 * counted; their flows are still counted by conntrack. */
#define SOCKETS_MAX (1U << 19)

static uint64_t round_up(uint64_t boot_ns)
{
	return (boot_ns + TICK_GRID_NS - 1) / TICK_GRID_NS * TICK_GRID_NS;
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
		log_warn("%s: reliable delivery was given up, since the collector did not run "
			 "or its guard has ended; resynchronising", source->source->ops->name);
	if (now.malformed && !source->last.malformed)
		log_warn("%s: a message of the kernel made no sense and was skipped",
			 source->source->ops->name);
	/* once for as long as it lasts */
	if (now.refused != source->last.refused && !source->is_refused)
		log_warn("%s: owners of sockets are looked for later: descriptors or memory "
			 "are refused", source->source->ops->name);
	source->is_refused = now.refused != source->last.refused;
	source->last = now;
}

/* Another weir puts them back when it ends; its namespaces are ours, too. */
static void watch_switches(struct engine *engine, uint64_t now_boot_ns)
{
	struct why why = { "" };
	unsigned were_off;

	if (!engine->sysctl)
		return;
	were_off = ct_sysctl_watch(engine->sysctl, &why);
	if (were_off)
		log_info("conntrack accounting or timestamps were off in %u network namespace%s: "
			 "switched on, put back at exit", were_off, were_off == 1 ? "" : "s");
	if (why.text[0] && log_limit_allows(&engine->switch_limit, now_boot_ns, SWITCH_TELL_NS))
		log_warn("%s", why.text);
}

void engine_tick(void *context)
{
	struct engine *engine = context;
	const uint64_t now_boot_ns = clock_boot_ns();
	uint64_t next_boot_ns = UINT64_MAX, due_boot_ns;

	if (engine->stopped || engine->frozen_boot_ns)
		return;
	if (now_boot_ns >= engine->clock_next_boot_ns) {
		table_set_clock(engine->table, clock_wall_minus_boot_ns());
		engine->clock_next_boot_ns = now_boot_ns + CLOCK_LOOK_NS;
	}
	if (now_boot_ns >= engine->netns_next_boot_ns)
		engine->netns_next_boot_ns = netns_watch_tick(engine->netns, now_boot_ns);
	next_boot_ns = clock_earlier(next_boot_ns, engine->netns_next_boot_ns);
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct engine_source *source = &engine->source[i];

		if (now_boot_ns >= source->next_boot_ns)
			source->next_boot_ns =
				source->source->ops->tick(source->source, now_boot_ns);
		next_boot_ns = clock_earlier(next_boot_ns, source->next_boot_ns);
	}
	due_boot_ns = table_advance(engine->table, clock_boot_ns());
	next_boot_ns = clock_earlier(next_boot_ns, due_boot_ns);
	next_boot_ns = clock_earlier(next_boot_ns, outboxes_tick(engine, now_boot_ns));
	if (now_boot_ns >= engine->watch_next_boot_ns) {
		engine->watch_next_boot_ns = now_boot_ns + WATCH_LOOK_NS;
		if (late_look(engine, now_boot_ns))
			next_boot_ns = now_boot_ns;
		for (unsigned i = 0; i < engine->source_count; i++)
			tell_losses(engine, &engine->source[i]);
		watch_switches(engine, now_boot_ns);
	}
	/* what has become due meanwhile has waited enough */
	loop_timer_set(engine->timer, next_boot_ns <= clock_boot_ns() ? now_boot_ns :
									round_up(next_boot_ns));
}

/* The same until the host reboots, different after: what makes flow ids. */
static uint64_t boot_seed(void)
{
	char id[64];
	const int n = fs_read_text("/proc/sys/kernel/random/boot_id", id, sizeof(id));

	return n > 0 ? hash_bytes(id, (size_t)n, 0) : 0;
}

static struct curve curve_of(const struct settings *settings)
{
	struct curve curve = { .count = settings->report_count };

	for (size_t i = 0; i < settings->report_count; i++)
		curve.point[i] = (struct curve_point){ settings->report[i].age_ns,
						       settings->report[i].every_ns };
	return curve;
}

static int make_table(struct engine *engine, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	struct table_conf conf = {
		.max_flows = settings->table_max_flows,
		.max_sockets = settings->table_max_flows < SOCKETS_MAX ?
				       settings->table_max_flows : SOCKETS_MAX,
		.refresh_ns = settings->refresh_ns,
		.index_seed = hash_seed_random(),
		.boot_seed = boot_seed(),
		.started_wall_ns = engine->started_wall_ns,
		.wall_minus_boot_ns = clock_wall_minus_boot_ns(),
		.sockets_only = !sources_have(engine, ORIGIN_CONNTRACK),
		.out = { outboxes_take, engine },
	};

	_Static_assert((int)SETTINGS_REPORT_MAX <= (int)CURVE_POINTS_MAX,
		       "every report setting fits the curve");
	conf.curve = curve_of(settings);
	if (engine->conf.replay_path) {
		conf.boot_seed = conf.index_seed = 1; /* the same ids whenever and wherever */
		conf.sockets_only = false;
		return replay_open(engine, &conf, why);
	}
	return table_new(&engine->table, &conf, why);
}

static int prepare_conntrack(struct engine *engine, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	int r = 0;

	if (engine->conf.read_only)
		return 0;
	if (settings->conntrack_manage_sysctl && caps_has(CAP_NET_ADMIN))
		r = ct_sysctl_new(&engine->sysctl, engine->guard, why);
	if (r == 0 && settings->conntrack_track)
		r = track_open(&engine->track, why);
	if (r == 0 && engine->track)
		log_info("nftables table \"inet weir\" loaded: this host's traffic is tracked "
			 "while weir runs");
	return r;
}

static int make_meter(struct engine *engine, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	const struct meter_conf conf = {
		.processes = settings->metrics_processes,
		.services = &settings->metrics_services,
		.max_series = settings->metrics_max_series,
	};
	const int r = meter_new(&engine->meter, &conf);

	return r < 0 ? why_set(why, r, "no memory for the metrics") : 0;
}

/* Descriptors: six for each namespace; the soft limit is there for programs that use
 * select(2) (systemd's NEWS of 240), which nothing here does. The guard inherits it.
 * Locked memory: until 5.11 is the oldest kernel BPF maps are that, and some may be made
 * when the right to lift it has been given up (late.c). */
static void lift_limits(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;

	setrlimit(RLIMIT_MEMLOCK, &all); /* else libbpf says what it lacks */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* else there is room for fewer */
}

/* What sees the kernel, and what it needs of it. */
static int open_kernel(struct engine *engine, struct why *why)
{
	const struct netns_listener mine = { place_entered, place_gone, engine };
	const struct engine_conf *conf = &engine->conf;
	int r = sources_climb(engine, (1U << FEATURES) - 1, why);

	if (r == 0)
		r = sources_open(engine, why);
	if (r == 0)
		r = make_table(engine, why);
	if (r < 0)
		return r;
	late_begin(engine);
	r = prepare_conntrack(engine, why);
	return r < 0 ? r : netns_watch_new(&engine->netns, conf->settings->conntrack_netns_all,
					   &mine, why);
}

int engine_new(struct engine **ret, const struct engine_conf *conf, struct why *why)
{
	const uint64_t started_wall_ns = clock_wall_ns();
	struct engine *engine = calloc(1, sizeof(*engine));
	int r;

	if (!engine)
		return why_set(why, -ENOMEM, "no memory for the engine");
	engine->conf = *conf;
	engine->loop = conf->loop;
	engine->started_boot_ns = clock_boot_ns();
	engine->started_wall_ns = engine->config_wall_ns = started_wall_ns;
	engine->late.presence.fd = -1;
	if (gethostname(engine->host, sizeof(engine->host) - 1) < 0)
		engine->host[0] = '\0';

	lift_limits();
	/* the guard is forked first: it must not inherit what follows */
	if (!conf->read_only && caps_has(CAP_NET_ADMIN)) {
		r = guard_new(&engine->guard, why);
		if (r < 0)
			goto fail;
	}
	if (conf->record_path) {
		r = tap_open(&engine->tap, conf->record_path, started_wall_ns, why);
		if (r < 0)
			goto fail;
	}
	r = make_meter(engine, why);
	if (r == 0)
		r = conf->replay_path ? make_table(engine, why) : open_kernel(engine, why);
	if (r < 0)
		goto fail;
	r = loop_timer_new(engine->loop, &engine->timer, engine_tick, engine);
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
	outboxes_free(engine);
	for (unsigned i = 0; i < engine->source_count; i++)
		source_watch(engine, &engine->source[i], false);
	netns_watch_free(engine->netns);
	for (unsigned i = engine->source_count; i-- > 0;)
		engine->source[i].source->ops->close(engine->source[i].source);
	track_close(engine->track);
	ct_sysctl_free(engine->sysctl);
	ct_presence_fini(&engine->late.presence);
	table_free(engine->table);
	meter_free(engine->meter);
	tap_close(&engine->tap);
	guard_free(engine->guard);
	free(engine);
}

void engine_start(struct engine *engine)
{
	outboxes_tell_wanted(engine);
	if (engine->conf.replay_path)
		return;
	/* the first namespaces now, so that nothing begins unseen */
	engine->netns_next_boot_ns = netns_watch_tick(engine->netns, clock_boot_ns());
	if (netns_watch_limit(engine->netns) && !engine->conf.read_only)
		log_info("%s", netns_watch_limit(engine->netns));
	for (unsigned i = 0; i < engine->source_count; i++)
		source_watch(engine, &engine->source[i], true);
	loop_timer_set(engine->timer, clock_boot_ns());
	/* the kernel's types, which loading BPF read, were some ten megabytes */
	malloc_trim(0);
}

int engine_set_pace(struct engine *engine, struct why *why)
{
	const struct settings *settings = engine->conf.settings;
	const struct curve curve = curve_of(settings);
	int r = curve_check(&curve, why);

	if (r < 0)
		return r;
	table_set_pace(engine->table, settings->refresh_ns, &curve);
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source *source = engine->source[i].source;

		if (source->ops->pace)
			source->ops->pace(source, settings->refresh_ns);
		engine->source[i].next_boot_ns = 0;
	}
	loop_timer_set(engine->timer, clock_boot_ns());
	return 0;
}

bool engine_is_ready(const struct engine *engine)
{
	for (unsigned i = 0; i < engine->source_count; i++) {
		struct source_stats stats = { 0 };

		if (engine->source[i].is_late)
			continue;
		engine->source[i].source->ops->stats(engine->source[i].source, &stats);
		if (!engine->source[i].ready || stats.settling)
			return false;
	}
	return true;
}

bool engine_has_recorded(const struct engine *engine)
{
	return !engine->tap.is_broken;
}

const struct table *engine_table(const struct engine *engine)
{
	return engine->table;
}

uint64_t engine_now_boot_ns(const struct engine *engine)
{
	return engine->frozen_boot_ns ? engine->frozen_boot_ns : clock_boot_ns();
}

const char *engine_host(const struct engine *engine)
{
	return engine->host;
}
