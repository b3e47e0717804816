// SPDX-License-Identifier: Apache-2.0
/*
 * The source "ctnetlink": conntrack of every namespace it is led into, by
 * netlink alone.
 *
 * Events say at once what begins and ends, dumps ("passes") say how much moved.
 * Nothing is ever waited for: event sockets are not polled, since being woken
 * costs several times what reading does, but drained on a timer that beats
 * faster while much happens; a dump is read in slices. Both are paced by what
 * they cost, over all namespaces together. After each complete pass, and after
 * the events that were queued by then, a sweep says that what the pass did not
 * show is no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/ct_socket.h"
#include "source/ct_space.h"
#include "source/epoch.h"
#include "source/guard.h"
#include "source/source.h"

#define TICK_BUDGET_NS NUM_NS_PER_MS
#define BEAT_BUSY_NS (20 * NUM_NS_PER_MS)
#define BEAT_QUIET_NS (100 * NUM_NS_PER_MS)
/* A wake-up for nothing costs about 100 us: after two seconds of nothing at
 * all there are fewer of them. */
#define BEAT_IDLE_NS (500 * NUM_NS_PER_MS)
#define IDLE_AFTER_NS (2 * NUM_NS_PER_S)
#define BEAT_SLOWEST_NS NUM_NS_PER_S
/* Draining two empty sockets takes about 2 us: with this much time between for
 * each namespace it stays at half a per mille of a core. */
#define BEAT_PER_SPACE_NS (4 * NUM_NS_PER_MS)
/* So many events in a beat, and the next one comes sooner. */
#define BUSY_EVENTS 256
/* Passes may take this share of a core: 2 %. */
#define PASS_SHARE 50
#define PASS_SLOWEST_NS (30 * NUM_NS_PER_S)
/* A namespace in which there is nothing is asked this rarely, more so when there
 * are many of them: it takes about 10 us. */
#define IDLE_LOOK_NS (2 * NUM_NS_PER_S)
#define IDLE_LOOK_PER_SPACE_NS (20 * NUM_NS_PER_MS)
/* How long leaving a namespace may take. */
#define LEAVE_BUDGET_NS (300 * NUM_NS_PER_MS)
/* And the last look at all of them together. */
#define LAST_LOOK_BUDGET_NS NUM_NS_PER_S

/* An event takes 1,280 bytes of a socket's budget. A flush of conntrack comes all at
 * once, 100,000 ends; a burst after a rest waits for the idle beat, 10,000 begins a
 * second with five updates each. Only what waits takes memory. */
#define ENDS_BYTES (64ULL << 20)
#define NEWS_BYTES (64ULL << 20)

struct ctnetlink {
	struct source source;
	struct source_conf conf;
	struct obs_outlet outlet;
	struct ct_inbox *inbox; /* owned */
	struct epoch epoch;
	uint64_t heard_boot_ns;
	bool dumps; /* live counters are its own affair */
	uint64_t reliability_lost, seen_give_ups;

	struct ct_space **space; /* owned, in no order */
	size_t count, capacity;
	size_t turn;              /* whose events are read first */
	struct ct_space *looking; /* borrowed: whose pass is under way; or NULL */
};

static struct ctnetlink *of(struct source *source)
{
	return container_of(source, struct ctnetlink, source);
}

static uint64_t later(uint64_t x, uint64_t y)
{
	return x > y ? x : y;
}

static uint64_t quiet_beat_ns(const struct ctnetlink *ct, uint64_t now_boot_ns)
{
	const bool idle = now_boot_ns - ct->heard_boot_ns >= IDLE_AFTER_NS;
	const uint64_t least_ns = idle ? BEAT_IDLE_NS : BEAT_QUIET_NS;
	const uint64_t beat_ns = ct->count * BEAT_PER_SPACE_NS;

	return beat_ns < least_ns ? least_ns : clock_earlier(beat_ns, BEAT_SLOWEST_NS);
}

/* Between two passes over a namespace. */
static uint64_t interval_ns(const struct ctnetlink *ct)
{
	uint64_t cost_ns = 0;
	size_t i;

	for (i = 0; i < ct->count; i++)
		cost_ns += ct->space[i]->cost_ns;
	cost_ns *= PASS_SHARE;
	if (cost_ns < ct->conf.refresh_ns)
		return ct->conf.refresh_ns;
	return cost_ns > PASS_SLOWEST_NS && PASS_SLOWEST_NS > ct->conf.refresh_ns ?
		       PASS_SLOWEST_NS : cost_ns;
}

/* The pass is complete and every event that was queued by then is read. */
static void end_pass(struct ctnetlink *ct, struct ct_space *space, uint64_t now_boot_ns)
{
	space->sweep_due = false;
	if (!space->late_ends)
		ct_space_emit_sweep(space, &ct->outlet, now_boot_ns, false);
	space->baseline = false;
}

static void drain_space(struct ctnetlink *ct, struct ct_space *space, uint64_t now_boot_ns)
{
	unsigned got;
	bool more;

	got = ct_space_drain(space, ct->inbox, now_boot_ns, &more);
	if (got)
		ct->heard_boot_ns = ct->conf.ends->heard_boot_ns = now_boot_ns;
	if (space->late_ends)
		ct->conf.ends->late_boot_ns = now_boot_ns;
	if (more) {
		space->drain_boot_ns = now_boot_ns;
		return;
	}
	space->drained_boot_ns = now_boot_ns;
	space->drain_boot_ns = clock_next_beat(now_boot_ns, got >= BUSY_EVENTS ?
				BEAT_BUSY_NS : quiet_beat_ns(ct, now_boot_ns));
	if (!ct->dumps) {
		/* the walk shows what was missed */
		if (space->overrun)
			ct->conf.ends->lost_boot_ns = now_boot_ns;
		space->overrun = space->late_ends = false;
		return;
	}
	if (space->overrun) {
		/* what was missed is in the table; but no faster than we can */
		space->overrun = false;
		space->look_boot_ns = clock_earlier(space->look_boot_ns,
						    space->began_boot_ns + interval_ns(ct));
	} else if (got && space->idle_passes >= CT_SPACE_IDLE_SWEEPS) {
		/* it was asked rarely */
		space->idle_passes = 0;
		space->look_boot_ns = clock_earlier(space->look_boot_ns,
						    now_boot_ns + ct->conf.refresh_ns);
	}
	if (space->sweep_due)
		end_pass(ct, space, now_boot_ns);
}

/* Reads the events that are due. Who was not reached is the first next time. */
static void drain_due(struct ctnetlink *ct, uint64_t now_boot_ns, uint64_t deadline_boot_ns)
{
	const size_t first = ct->turn;
	struct ct_space *space;
	size_t i;

	for (i = 0; i < ct->count; i++) {
		space = ct->space[(first + i) % ct->count];
		if (space->drain_boot_ns > now_boot_ns)
			continue;
		ct->turn = (first + i + 1) % ct->count;
		drain_space(ct, space, clock_boot_ns());
		if (clock_boot_ns() >= deadline_boot_ns)
			return;
	}
}

static uint64_t next_drain(const struct ctnetlink *ct)
{
	uint64_t next_boot_ns = UINT64_MAX;
	size_t i;

	for (i = 0; i < ct->count; i++)
		next_boot_ns = clock_earlier(next_boot_ns, ct->space[i]->drain_boot_ns);
	return next_boot_ns;
}

static void schedule_look(struct ctnetlink *ct, struct ct_space *space)
{
	uint64_t gap_ns = interval_ns(ct), at_boot_ns;

	if (space->idle_passes >= CT_SPACE_IDLE_SWEEPS)
		gap_ns = later(gap_ns, later(IDLE_LOOK_NS, ct->count * IDLE_LOOK_PER_SPACE_NS));
	at_boot_ns = space->began_boot_ns + gap_ns;
	if (gap_ns >= 2 * BEAT_IDLE_NS)
		at_boot_ns -= at_boot_ns % BEAT_IDLE_NS;
	space->look_boot_ns = at_boot_ns;
}

/* Counts the entries and asks for them. */
static void begin_look(struct ctnetlink *ct, struct ct_space *space, uint64_t now_boot_ns)
{
	int r;

	/* Events have kept the last pass from its sweep: this one's does for both,
	 * and must not be made before this one is complete. */
	space->sweep_due = false;
	r = ct_space_look(space, now_boot_ns);
	if (r > 0) {
		ct->looking = space;
		return;
	}
	schedule_look(ct, space);
	if (!r) {
		space->sweep_due = true;
		space->drain_boot_ns = now_boot_ns;
	}
}

static struct ct_space *most_overdue(const struct ctnetlink *ct)
{
	struct ct_space *ret = NULL;
	size_t i;

	for (i = 0; i < ct->count; i++)
		if (!ret || ct->space[i]->look_boot_ns < ret->look_boot_ns)
			ret = ct->space[i];
	return ret;
}

/* One part of the pass under way, and what it cost. */
static void read_part(struct ctnetlink *ct)
{
	struct ct_space *space = ct->looking;
	const uint64_t cpu_ns = clock_thread_cpu_ns();
	int r = ct_space_read(space, ct->inbox);

	space->cost_ns += clock_thread_cpu_ns() - cpu_ns;
	if (r > 0)
		return;
	ct->looking = NULL;
	schedule_look(ct, space);
	if (!r) {
		space->sweep_due = true;
		space->drain_boot_ns = space->began_boot_ns; /* now */
	}
}

static uint64_t look_due(struct ctnetlink *ct, uint64_t deadline_boot_ns)
{
	struct ct_space *space;
	uint64_t now_boot_ns;

	do {
		if (ct->looking) {
			read_part(ct);
			now_boot_ns = clock_boot_ns();
			continue;
		}
		space = most_overdue(ct);
		if (!space)
			return UINT64_MAX;
		now_boot_ns = clock_boot_ns();
		if (space->look_boot_ns > now_boot_ns)
			return space->look_boot_ns;
		begin_look(ct, space, now_boot_ns);
	} while (now_boot_ns < deadline_boot_ns);
	return now_boot_ns;
}

/* Tells the walk how far the ends of all namespaces are read. */
static void mark_ends(struct ctnetlink *ct)
{
	uint64_t until_boot_ns = UINT64_MAX;

	for (size_t i = 0; i < ct->count; i++)
		until_boot_ns = clock_earlier(until_boot_ns, ct->space[i]->drained_boot_ns);
	ct->conf.ends->read_until_boot_ns = until_boot_ns;
}

/* The guard has given reliability up, or is no more and with it our licence. */
static void watch_reliability(struct ctnetlink *ct, uint64_t now_boot_ns)
{
	const bool alive = guard_is_alive(ct->conf.guard);
	const uint64_t give_ups = guard_give_ups(ct->conf.guard);
	size_t i;

	if (alive && give_ups == ct->seen_give_ups)
		return;
	if (!alive)
		ct->conf.guard = NULL;
	ct->seen_give_ups = give_ups;
	ct->reliability_lost++;
	for (i = 0; i < ct->count; i++) {
		if (!ct->space[i]->watched)
			continue;
		ct_space_set_reliable(ct->space[i], alive);
		ct->space[i]->late_ends = true;
		ct->space[i]->look_boot_ns = now_boot_ns;
	}
}

static uint64_t ctnetlink_tick(struct source *source, uint64_t now_boot_ns)
{
	struct ctnetlink *ct = of(source);
	const uint64_t deadline_boot_ns = now_boot_ns + TICK_BUDGET_NS;
	uint64_t look_boot_ns;

	if (ct->conf.guard) {
		guard_tick(ct->conf.guard, now_boot_ns);
		watch_reliability(ct, now_boot_ns);
	}
	drain_due(ct, now_boot_ns, deadline_boot_ns);
	mark_ends(ct);
	if (!ct->dumps)
		return next_drain(ct);
	look_boot_ns = look_due(ct, deadline_boot_ns);
	return clock_earlier(next_drain(ct), look_boot_ns);
}

static int ctnetlink_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			   struct why *why)
{
	struct ctnetlink *ct = of(source);
	const uint64_t now_boot_ns = clock_boot_ns();
	struct ct_space_conf conf = {
		.netns = netns,
		.baseline = !ct->conf.nothing_older &&
			    epoch_is_before(&ct->epoch, netns, found_boot_ns),
		.guard = ct->conf.guard,
		.news_bytes = NEWS_BYTES,
		.ends_bytes = ENDS_BYTES,
	};
	struct ct_space **grown, *space;
	size_t i;
	int r;

	for (i = 0; i < ct->count; i++)
		if (ct->space[i]->netns == netns)
			return why_set(why, -EEXIST, "namespace %u is watched already", netns);
	if (ct->conf.event_buffer_bytes)
		conf.news_bytes = conf.ends_bytes = ct->conf.event_buffer_bytes;
	if (ct->count == ct->capacity) {
		const size_t capacity = ct->capacity ? 2 * ct->capacity : 16;

		grown = reallocarray(ct->space, capacity, sizeof(struct ct_space *));
		if (!grown)
			return -ENOMEM;
		ct->space = grown;
		ct->capacity = capacity;
	}
	r = ct_space_new(&space, &conf, why);
	if (r < 0)
		return r;
	space->drain_boot_ns = space->look_boot_ns = now_boot_ns;
	ct->space[ct->count++] = space;
	return 0;
}

static void ctnetlink_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	struct ctnetlink *ct = of(source);
	struct ct_space *space;
	size_t i;

	for (i = 0; i < ct->count; i++)
		if (ct->space[i]->netns == netns)
			break;
	if (i == ct->count)
		return;
	space = ct->space[i];
	ct_space_look_whole(space, ct->inbox, clock_boot_ns() + LEAVE_BUDGET_NS);
	ct_space_emit_sweep(space, &ct->outlet, now_boot_ns, true);
	if (ct->looking == space)
		ct->looking = NULL;
	ct->space[i] = ct->space[--ct->count];
	ct_space_free(space);
}

static void ctnetlink_last_look(struct source *source, uint64_t now_boot_ns)
{
	struct ctnetlink *ct = of(source);
	size_t i;

	for (i = 0; i < ct->count; i++)
		ct_space_look_whole(ct->space[i], ct->inbox, now_boot_ns + LAST_LOOK_BUDGET_NS);
	if (ct->looking && !ct->looking->dumping)
		ct->looking = NULL;
}

static void ctnetlink_pace(struct source *source, uint64_t refresh_ns)
{
	struct ctnetlink *ct = of(source);

	ct->conf.refresh_ns = refresh_ns;
	for (size_t i = 0; i < ct->count; i++)
		ct->space[i]->look_boot_ns = 0;
}

static void ctnetlink_stats(const struct source *source, struct source_stats *ret)
{
	const struct ctnetlink *ct = (const void *)source; /* its first member */
	uint64_t pass_ns = 0;
	size_t i;

	*ret = *ct_inbox_stats(ct->inbox);
	for (i = 0; ct->dumps && i < ct->count; i++) {
		if (ct->space[i]->pass_ns > pass_ns)
			pass_ns = ct->space[i]->pass_ns;
		/* what was there at the start is not all shown yet */
		ret->settling = ret->settling || ct->space[i]->baseline;
	}
	ret->freshness_ns = ct->dumps ? pass_ns + interval_ns(ct) : 0;
	ret->reliability_lost = ct->reliability_lost;
}

static void ctnetlink_close(struct source *source)
{
	struct ctnetlink *ct;
	size_t i;

	if (!source)
		return;
	ct = of(source);
	for (i = 0; i < ct->count; i++)
		ct_space_free(ct->space[i]);
	free(ct->space);
	ct_inbox_free(ct->inbox);
	free(ct);
}

static int ctnetlink_open(struct source **ret, const struct source_conf *conf,
			  const struct obs_outlet *outlet, struct why *why)
{
	struct ctnetlink *ct;
	struct epoch epoch;
	int r;

	r = epoch_begin(&epoch, why);
	if (r < 0)
		return r;
	ct = calloc(1, sizeof(*ct));
	if (!ct)
		return -ENOMEM;
	r = ct_inbox_new(&ct->inbox, outlet);
	if (r < 0) {
		free(ct);
		return r;
	}
	ct->source.ops = &source_ctnetlink;
	ct->conf = *conf;
	ct->dumps = conf->rung[FEATURE_LIVE] == RUNG_CTNETLINK;
	ct->conf.ends->tells_begins = true;
	ct->outlet = *outlet;
	ct->epoch = epoch;
	if (conf->guard)
		ct->seen_give_ups = guard_give_ups(conf->guard);
	*ret = &ct->source;
	return 0;
}

static int ctnetlink_probe(struct why *why)
{
	uint32_t entries;
	int fd = ct_socket_open(why), r;

	if (fd < 0)
		return fd == -EPROTONOSUPPORT ? -ENOTSUP : fd;
	r = ct_socket_count(fd, 1, &entries);
	close(fd);
	if (r == -EPERM)
		return why_set(why, r, "reading conntrack needs CAP_NET_ADMIN");
	if (r < 0)
		return why_set(why, -ENOTSUP, "the kernel does not answer ctnetlink requests: %s",
			       strerror(-r));
	return 0;
}

static bool ctnetlink_stands(const struct source_conf *conf)
{
	return conf->rung[FEATURE_BEGIN] == RUNG_CTNETLINK ||
	       conf->rung[FEATURE_LIVE] == RUNG_CTNETLINK ||
	       conf->rung[FEATURE_END] == RUNG_CTNETLINK;
}

const struct source_ops source_ctnetlink = {
	.name = "ctnetlink",
	.help = "conntrack events and dumps over netlink",
	.origin = ORIGIN_CONNTRACK,
	.probe = ctnetlink_probe,
	.stands = ctnetlink_stands,
	.open = ctnetlink_open,
	.enter = ctnetlink_enter,
	.leave = ctnetlink_leave,
	.last_look = ctnetlink_last_look,
	.tick = ctnetlink_tick,
	.pace = ctnetlink_pace,
	.stats = ctnetlink_stats,
	.close = ctnetlink_close,
};
