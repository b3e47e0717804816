// SPDX-License-Identifier: Apache-2.0
/*
 * The source "ct_walk": live counters of every conntrack entry of the host, read
 * by BPF out of the kernel's own table.
 *
 * Two tiers: a pass reads the whole table, in slices, at a pace of 2 % of a core at
 * the most; between passes the entries that are hot are read by address every
 * refresh. Where they are few, all are hot, and a pass only has to find what no
 * event has told. A pass proves the absence of an entry only once every end that
 * was told by its own end has been read: see struct ends_mark.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/weir_abi.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/beacon.h"
#include "source/ct_hot.h"
#include "source/ct_record.h"
#include "source/ct_walker.h"
#include "source/netns_set.h"
#include "source/source.h"

#define SLICE_NS NUM_NS_PER_MS
/* Shares of a core: passes while something happens, and while nothing does. */
#define PASS_SHARE 50
#define REST_SHARE 500
/* Reads by address. */
#define HOT_SHARE 50
#define PASS_SLOWEST_NS (30 * NUM_NS_PER_S)
/* Ends are read at least once a second. */
#define SWEEP_WAIT_NS (3 * NUM_NS_PER_S)
/* At rest: so long a connection that nobody tracks waits to be sure of it. */
#define REST_SLOWEST_NS (5 * NUM_NS_PER_S)
/* Where there is nothing, and nothing is told, that is said this often. */
#define EMPTY_NS (2 * NUM_NS_PER_S)
/* One pass can miss what is on its way; after so many there is no more to say. */
#define EMPTY_PASSES 2
/* What is due is due together with the other sources: at multiples of this. */
#define GRID_NS (100 * NUM_NS_PER_MS)
#define REST_GRID_NS (500 * NUM_NS_PER_MS)

struct ctwalk {
	struct source source;
	struct source_conf conf;
	struct obs_outlet outlet;
	struct ct_walker *walker; /* owned */
	struct ct_hot *hot;       /* owned */
	struct source_stats stats;
	uint32_t hot_count;
	struct netns_set entered;

	/* the pass under way, or the last */
	bool passing, first_done, own_seen;
	unsigned empty_passes; /* in a row */
	uint64_t began_boot_ns, ended_boot_ns, cost_ns, walked_boot_ns;
	uint64_t next_pass_boot_ns;
	uint64_t pressed_boot_ns; /* when the last pass began that was, or is, pressed */
	bool sweep_due, sweep_empty;

	bool reading_hot;
	bool hot_had_turn; /* the pass has the next slice: looks without end must not stop it */
	uint32_t hot_expected, hot_shown; /* by the last look, by this one */
	uint64_t missed_boot_ns;          /* when fewer were shown than expected */
	uint64_t hot_began_boot_ns, hot_cost_ns, next_hot_boot_ns;
	char part[CT_WALKER_PART_BYTES] __attribute__((aligned(8)));
};

static struct ctwalk *of(struct source *source)
{
	return container_of(source, struct ctwalk, source);
}

static uint64_t later(uint64_t x, uint64_t y)
{
	return x > y ? x : y;
}

static uint64_t on_grid(uint64_t boot_ns, uint64_t grid_ns)
{
	return (boot_ns + grid_ns - 1) / grid_ns * grid_ns;
}

static void emit_entry(struct ctwalk *walk, const struct abi_ct *entry, uint64_t now_boot_ns)
{
	struct obs obs;

	walk->stats.seen++;
	if (ct_record_parse(&obs, entry, ct_walker_hz(walk->walker)) < 0) {
		walk->stats.malformed++;
		return;
	}
	if (beacon_is_one(&obs.ct.key) && !walk->conf.shows_beacons)
		return;
	obs.kind = walk->first_done || walk->conf.nothing_older ? OBS_SAMPLE : OBS_BASELINE;
	obs.at_boot_ns = now_boot_ns;
	walk->outlet.emit(walk->outlet.context, &obs);
}

/* Emits a part; in a pass its entries are candidates for the hot list. */
static void emit_part(struct ctwalk *walk, size_t size, uint64_t now_boot_ns, bool pass)
{
	const struct abi_ct *entry = (const void *)walk->part;
	const uint32_t own = ct_walker_own_netns(walk->walker);

	for (; size >= sizeof(*entry); entry++, size -= sizeof(*entry)) {
		if (own && entry->netns == own) {
			walk->own_seen = true;
			continue;
		}
		if (walk->conf.entered_only && !netns_set_has(&walk->entered, entry->netns)) {
			walk->stats.foreign++;
			continue;
		}
		if (pass)
			ct_hot_offer(walk->hot, entry);
		else
			walk->hot_shown++;
		emit_entry(walk, entry, now_boot_ns);
	}
}

/* Whether the next pass will show what no look by address can: something has begun
 * or ended, or not all entries are looked at, or there were none, which is to be sure
 * of soon. */
static bool is_stirred(const struct ctwalk *walk)
{
	return !ct_hot_has_all(walk->hot) ||
	       (!ct_hot_shown(walk->hot) && walk->empty_passes < EMPTY_PASSES) ||
	       walk->conf.ends->heard_boot_ns >= walk->began_boot_ns ||
	       walk->missed_boot_ns >= walk->began_boot_ns;
}

/* Begins or ends were lost since the last whole pass began: what is short-lived would
 * not wait for a pass that takes its time. */
static bool is_pressed(const struct ctwalk *walk)
{
	return walk->conf.ends->lost_boot_ns > walk->walked_boot_ns;
}

static uint64_t pass_interval_ns(const struct ctwalk *walk)
{
	const bool stirred = is_stirred(walk);
	/* half, so that what has begun is counted within a refresh */
	uint64_t least_ns = stirred ? walk->conf.refresh_ns / 2 : walk->conf.refresh_ns;
	uint64_t gap_ns = walk->cost_ns * (stirred ? PASS_SHARE : REST_SHARE);

	/* until a pass was whole, nothing is known to be old */
	if (!walk->first_done)
		least_ns = clock_earlier(least_ns, GRID_NS);
	if (!stirred && gap_ns > REST_SLOWEST_NS)
		gap_ns = later(REST_SLOWEST_NS, walk->cost_ns * PASS_SHARE);
	if (gap_ns < least_ns)
		gap_ns = least_ns;
	return gap_ns > PASS_SLOWEST_NS && PASS_SLOWEST_NS > walk->conf.refresh_ns ?
		       PASS_SLOWEST_NS : gap_ns;
}

static void schedule_pass(struct ctwalk *walk)
{
	const uint64_t gap_ns = pass_interval_ns(walk);

	walk->next_pass_boot_ns = on_grid(walk->began_boot_ns + gap_ns,
					  gap_ns >= 2 * REST_GRID_NS ? REST_GRID_NS : GRID_NS);
	if (is_pressed(walk))
		walk->next_pass_boot_ns =
			clock_earlier(walk->next_pass_boot_ns,
				      walk->pressed_boot_ns + walk->cost_ns * PASS_SHARE);
}

/* Nothing was there, twice, and nothing has been told since. */
static bool is_still_empty(const struct ctwalk *walk, uint64_t now_boot_ns)
{
	return walk->empty_passes >= EMPTY_PASSES && walk->conf.ends->tells_begins &&
	       walk->conf.ends->heard_boot_ns < walk->began_boot_ns &&
	       now_boot_ns - walk->walked_boot_ns < PASS_SLOWEST_NS;
}

static void begin_pass(struct ctwalk *walk, uint64_t now_boot_ns)
{
	const bool empty = is_still_empty(walk, now_boot_ns);
	int r;

	walk->began_boot_ns = now_boot_ns;
	walk->sweep_due = false;
	if (empty) {
		walk->ended_boot_ns = now_boot_ns;
		walk->sweep_due = walk->sweep_empty = true;
		walk->next_pass_boot_ns = on_grid(now_boot_ns + EMPTY_NS, REST_GRID_NS);
		return;
	}
	if (is_pressed(walk))
		walk->pressed_boot_ns = now_boot_ns;
	walk->cost_ns = 0;
	walk->own_seen = false;
	r = ct_walker_begin(walk->walker);
	if (r < 0) {
		walk->stats.lost++;
		schedule_pass(walk);
		return;
	}
	ct_hot_begin(walk->hot);
	walk->passing = true;
}

static void end_pass(struct ctwalk *walk, uint64_t now_boot_ns, ssize_t n)
{
	const bool whole = n == 0 && ct_walker_is_whole(walk->walker) &&
			   (walk->own_seen || !ct_walker_own_netns(walk->walker));

	walk->passing = false;
	walk->reading_hot = false; /* its list is another one now, and all has been shown */
	walk->ended_boot_ns = now_boot_ns;
	walk->hot_count = ct_hot_end(walk->hot, ct_walker_hot(walk->walker));
	walk->hot_expected = walk->hot_shown = walk->hot_count;
	walk->hot_began_boot_ns = now_boot_ns; /* all have been looked at */
	walk->next_hot_boot_ns = now_boot_ns + walk->conf.refresh_ns;
	schedule_pass(walk);
	if (!whole) { /* the next one will be: until then it proves no absence */
		walk->empty_passes = 0;
		return;
	}
	walk->walked_boot_ns = walk->began_boot_ns;
	walk->empty_passes = ct_hot_shown(walk->hot) ? 0 : walk->empty_passes + 1;
	walk->first_done = true;
	walk->sweep_due = true;
	walk->sweep_empty = false;
}

/* Reads the pass up to the deadline. */
static void read_pass(struct ctwalk *walk, uint64_t deadline_boot_ns)
{
	const uint64_t cpu_ns = clock_thread_cpu_ns();
	uint64_t now_boot_ns;
	ssize_t n;

	do {
		n = ct_walker_read(walk->walker, walk->part, sizeof(walk->part));
		now_boot_ns = clock_boot_ns();
		if (n > 0)
			emit_part(walk, (size_t)n, now_boot_ns, true);
	} while (n > 0 && now_boot_ns < deadline_boot_ns);
	walk->cost_ns += clock_thread_cpu_ns() - cpu_ns;
	if (n <= 0)
		end_pass(walk, now_boot_ns, n);
}

static void read_hot(struct ctwalk *walk, uint64_t deadline_boot_ns)
{
	const uint64_t cpu_ns = clock_thread_cpu_ns();
	uint64_t now_boot_ns, gap_ns;
	ssize_t n;

	do {
		n = ct_walker_read_hot(walk->walker, walk->part, sizeof(walk->part));
		now_boot_ns = clock_boot_ns();
		if (n > 0)
			emit_part(walk, (size_t)n, now_boot_ns, false);
	} while (n > 0 && now_boot_ns < deadline_boot_ns);
	walk->hot_cost_ns += clock_thread_cpu_ns() - cpu_ns;
	if (n > 0)
		return;
	walk->reading_hot = false;
	/* one that is not where it was has ended: a pass tells which */
	if (walk->hot_shown < walk->hot_expected)
		walk->missed_boot_ns = now_boot_ns;
	walk->hot_expected = walk->hot_shown;
	gap_ns = walk->hot_cost_ns * HOT_SHARE;
	if (gap_ns < walk->conf.refresh_ns)
		gap_ns = walk->conf.refresh_ns;
	walk->next_hot_boot_ns = on_grid(walk->hot_began_boot_ns + gap_ns,
					 gap_ns >= 2 * REST_GRID_NS ? REST_GRID_NS : GRID_NS);
}

static void begin_hot(struct ctwalk *walk, uint64_t now_boot_ns)
{
	walk->hot_began_boot_ns = now_boot_ns;
	walk->hot_cost_ns = 0;
	walk->hot_shown = 0;
	walk->next_hot_boot_ns = now_boot_ns + walk->conf.refresh_ns;
	if (!walk->hot_count)
		return;
	if (ct_walker_begin_hot(walk->walker, walk->hot_count) < 0)
		walk->stats.lost++;
	else
		walk->reading_hot = true;
}

static void emit_sweep(struct ctwalk *walk, uint64_t now_boot_ns)
{
	const struct obs obs = {
		.kind = OBS_SWEEP,
		.origin = ORIGIN_CONNTRACK,
		.at_boot_ns = now_boot_ns,
		.sweep = {
			.netns = walk->conf.netns_only ? walk->conf.netns_only : NETNS_EVERY,
			.still_empty = walk->sweep_empty,
			.began_boot_ns = walk->began_boot_ns,
		},
	};

	walk->sweep_due = false;
	/* ends that find no room come later than they should */
	if (walk->conf.ends->late_boot_ns < walk->began_boot_ns)
		walk->outlet.emit(walk->outlet.context, &obs);
}

/* When the work under way goes on: it takes its share of a core, no more. */
static uint64_t next_slice(const struct ctwalk *walk, uint64_t slice_cpu_ns,
			   uint64_t now_boot_ns)
{
	/* the first pass is waited for; pressed ones keep to their share as a whole */
	if (!walk->first_done || (walk->passing && is_pressed(walk)))
		return now_boot_ns;
	return now_boot_ns + slice_cpu_ns * (PASS_SHARE - 1);
}

/* The last pass is not said to be over yet, since the ends of its time are still to
 * be read: one that began now would take its place, and the next its own. */
static bool is_waiting(const struct ctwalk *walk, uint64_t now_boot_ns)
{
	return walk->sweep_due && now_boot_ns < walk->ended_boot_ns + SWEEP_WAIT_NS;
}

static uint64_t ctwalk_tick(struct source *source, uint64_t now_boot_ns)
{
	struct ctwalk *walk = of(source);
	const uint64_t deadline_boot_ns = now_boot_ns + SLICE_NS, cpu_ns = clock_thread_cpu_ns();
	uint64_t next_boot_ns;

	if (!walk->passing && is_stirred(walk))
		schedule_pass(walk);
	if (!walk->passing && now_boot_ns >= walk->next_pass_boot_ns &&
	    !is_waiting(walk, now_boot_ns))
		begin_pass(walk, now_boot_ns);
	if (!walk->reading_hot && now_boot_ns >= walk->next_hot_boot_ns)
		begin_hot(walk, now_boot_ns);
	if (walk->reading_hot && !(walk->passing && walk->hot_had_turn)) {
		read_hot(walk, deadline_boot_ns);
		walk->hot_had_turn = true;
	} else if (walk->passing) {
		read_pass(walk, deadline_boot_ns);
		walk->hot_had_turn = false;
	}
	if (walk->sweep_due && walk->conf.ends->read_until_boot_ns >= walk->ended_boot_ns)
		emit_sweep(walk, clock_boot_ns());

	if (walk->passing || walk->reading_hot)
		next_boot_ns = next_slice(walk, clock_thread_cpu_ns() - cpu_ns, clock_boot_ns());
	else if (is_waiting(walk, now_boot_ns))
		next_boot_ns = on_grid(now_boot_ns + 1, GRID_NS);
	else /* whether something stirs is looked at on the way */
		next_boot_ns = clock_earlier(walk->next_pass_boot_ns,
					     on_grid(now_boot_ns + 1, REST_GRID_NS));
	if (walk->hot_count && !walk->reading_hot && walk->next_hot_boot_ns < next_boot_ns)
		next_boot_ns = walk->next_hot_boot_ns;
	/* the ends are read in this same turn, if they are due: once more at once */
	if (walk->sweep_due && walk->ended_boot_ns >= now_boot_ns)
		return now_boot_ns;
	return next_boot_ns;
}

static int ctwalk_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			struct why *why)
{
	struct ctwalk *walk = of(source);
	const int r = netns_set_add(&walk->entered, netns);

	if (r < 0)
		return why_set(why, r, "no memory for another network namespace");
	/* its entries are to be shown soon */
	walk->empty_passes = 0;
	return 0;
}

static void ctwalk_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	netns_set_drop(&of(source)->entered, netns);
}

static void ctwalk_last_look(struct source *source, uint64_t now_boot_ns)
{
	struct ctwalk *walk = of(source);

	if (!walk->passing) {
		walk->empty_passes = 0;
		begin_pass(walk, now_boot_ns);
	}
	if (walk->passing)
		read_pass(walk, now_boot_ns + NUM_NS_PER_S);
}

static void ctwalk_pace(struct source *source, uint64_t refresh_ns)
{
	struct ctwalk *walk = of(source);

	walk->conf.refresh_ns = refresh_ns;
	walk->next_pass_boot_ns = walk->next_hot_boot_ns = 0;
}

static void ctwalk_stats(const struct source *source, struct source_stats *ret)
{
	const struct ctwalk *walk = (const void *)source; /* its first member */
	const uint64_t pass_ns = walk->ended_boot_ns > walk->began_boot_ns ?
					 walk->ended_boot_ns - walk->began_boot_ns : 0;

	*ret = walk->stats;
	ret->freshness_ns = !ct_hot_has_all(walk->hot) ? pass_ns + pass_interval_ns(walk) :
			    walk->next_hot_boot_ns > walk->hot_began_boot_ns ?
				    walk->next_hot_boot_ns - walk->hot_began_boot_ns : 0;
	ret->settling = !walk->first_done;
}

static void ctwalk_close(struct source *source)
{
	struct ctwalk *walk;

	if (!source)
		return;
	walk = of(source);
	ct_walker_free(walk->walker);
	ct_hot_free(walk->hot);
	netns_set_fini(&walk->entered);
	free(walk);
}

static int ctwalk_open(struct source **ret, const struct source_conf *conf,
		       const struct obs_outlet *outlet, struct why *why)
{
	struct ctwalk *walk = calloc(1, sizeof(*walk));
	int r;

	if (!walk)
		return why_set(why, -ENOMEM, "no memory for the walk of conntrack's table");
	walk->source.ops = &source_ctwalk;
	walk->conf = *conf;
	walk->outlet = *outlet;
	r = ct_hot_new(&walk->hot, CT_WALKER_HOT_MAX);
	if (r < 0)
		why_set(why, r, "no memory for the walk of conntrack's table");
	else
		r = ct_walker_new(&walk->walker, CT_WALKER_BEST, conf->netns_only, why);
	if (r < 0) {
		ctwalk_close(&walk->source);
		return r;
	}
	*ret = &walk->source;
	return 0;
}

static bool ctwalk_stands(const struct source_conf *conf)
{
	return conf->rung[FEATURE_LIVE] == RUNG_BPF_WALK;
}

const struct source_ops source_ctwalk = {
	.name = "ct_walk",
	.help = "conntrack's table, walked by BPF",
	.origin = ORIGIN_CONNTRACK,
	.stands = ctwalk_stands,
	.open = ctwalk_open,
	.enter = ctwalk_enter,
	.leave = ctwalk_leave,
	.tick = ctwalk_tick,
	.last_look = ctwalk_last_look,
	.pace = ctwalk_pace,
	.stats = ctwalk_stats,
	.close = ctwalk_close,
};
