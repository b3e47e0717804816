// SPDX-License-Identifier: Apache-2.0
/*
 * The source "ct_life": begins and ends of conntrack entries, told by BPF where the
 * kernel makes and unmakes them.
 *
 * The rings are read on a timer, and sooner when one is a quarter full. Begins are
 * read before ends. What finds no room in the ring of ends is in a map; what finds
 * none there either, and every run of a program that the kernel skipped, is counted,
 * and the walk finds what is missing.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/weir_abi.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/ct_hooks.h"
#include "source/ct_record.h"
#include "source/netns_set.h"
#include "source/ring_source.h"
#include "source/source.h"

#define TICK_BUDGET_NS (2 * NUM_NS_PER_MS)
/* The clock is looked at once for so many events. */
#define BUDGET_EVENTS 64
#define MISSES_LOOK_NS NUM_NS_PER_S

struct ctlife {
	struct source source;
	struct source_conf conf;
	struct obs_outlet outlet;
	struct ct_hooks *hooks;    /* owned */
	struct ring_buffer *rings; /* owned: begins, then ends */
	struct netns_set entered;
	struct source_stats stats;
	uint64_t heard_boot_ns, deadline_boot_ns, misses_boot_ns;
	uint64_t lost, spilled; /* as the hooks counted when last looked */
	unsigned got;           /* events of this tick */
	bool leave_begins, leave_ends; /* another rung tells these */
};

static struct ctlife *of(struct source *source)
{
	return container_of(source, struct ctlife, source);
}

static void emit(struct ctlife *life, const struct abi_ct *entry, enum obs_kind kind)
{
	struct obs obs;

	life->got++;
	life->stats.seen++;
	if (ct_record_parse(&obs, entry, 0) < 0) {
		life->stats.malformed++;
		return;
	}
	if (!ring_source_shows(&life->conf, &life->entered, &obs.ct.key, &life->stats))
		return;
	obs.kind = (uint8_t)kind;
	obs.at_boot_ns = entry->at_boot_ns;
	life->outlet.emit(life->outlet.context, &obs);
}

/* More than the first packet: the entry was there, and another packet that raced to
 * be the first was given to it (nf_ct_resolve_clash). */
static bool is_repeat(const struct abi_ct *entry)
{
	return entry->has & ABI_CT_COUNTERS &&
	       entry->count[0].packets + entry->count[1].packets > 1;
}

/* Stops the reading when the time is up; what was read stays read. */
static int go_on(const struct ctlife *life)
{
	if (life->got % BUDGET_EVENTS == 0 && clock_boot_ns() >= life->deadline_boot_ns)
		return -ECANCELED;
	return 0;
}

static int on_begin(void *context, void *data, size_t size)
{
	struct ctlife *life = context;
	const struct abi_ct *entry = data;

	if (size >= sizeof(*entry) && !life->leave_begins)
		emit(life, entry, is_repeat(entry) ? OBS_SAMPLE : OBS_OPEN);
	return go_on(life);
}

static int on_end(void *context, void *data, size_t size)
{
	struct ctlife *life = context;

	if (size >= sizeof(struct abi_ct) && !life->leave_ends)
		emit(life, data, OBS_CLOSE);
	return go_on(life);
}

static void on_spilled(void *context, const struct abi_ct *entry)
{
	emit(context, entry, OBS_CLOSE);
}

/* What the hooks counted as lost, and what waits in the map. */
static void look_at_counts(struct ctlife *life, uint64_t now_boot_ns)
{
	struct ct_hooks_counts counts;

	ct_hooks_read_counts(life->hooks, now_boot_ns >= life->misses_boot_ns, &counts);
	if (now_boot_ns >= life->misses_boot_ns)
		life->misses_boot_ns = now_boot_ns + MISSES_LOOK_NS;
	if (counts.lost != life->lost)
		life->conf.ends->lost_boot_ns = now_boot_ns;
	life->stats.lost += counts.lost - life->lost;
	life->lost = counts.lost;
	if (counts.spilled == life->spilled)
		return;
	life->spilled = counts.spilled;
	ct_hooks_read_spilled(life->hooks, on_spilled, life);
}

static uint64_t ctlife_tick(struct source *source, uint64_t now_boot_ns)
{
	struct ctlife *life = of(source);
	int r;

	life->got = 0;
	life->deadline_boot_ns = now_boot_ns + TICK_BUDGET_NS;
	r = ring_buffer__consume(life->rings);
	look_at_counts(life, now_boot_ns);
	if (life->got) {
		life->heard_boot_ns = now_boot_ns;
		life->conf.ends->heard_boot_ns = now_boot_ns;
	}
	if (r < 0)
		return now_boot_ns;
	if (!life->leave_ends)
		life->conf.ends->read_until_boot_ns = now_boot_ns;
	return ring_source_next_boot_ns(now_boot_ns, life->heard_boot_ns, life->got);
}

static int ctlife_fd(const struct source *source)
{
	const struct ctlife *life = (const void *)source; /* its first member */

	return ring_buffer__epoll_fd(life->rings);
}

static int ctlife_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			struct why *why)
{
	const int r = netns_set_add(&of(source)->entered, netns);

	return r < 0 ? why_set(why, r, "no memory for another network namespace") : 0;
}

static void ctlife_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	struct ctlife *life = of(source);

	/* its entries end when the kernel takes it down, which can be later: until a
	 * pass misses them twice they are waited for */
	ctlife_tick(source, now_boot_ns);
	netns_set_drop(&life->entered, netns);
}

static void ctlife_last_look(struct source *source, uint64_t now_boot_ns)
{
	struct ctlife *life = of(source);
	const uint64_t until_boot_ns = now_boot_ns + NUM_NS_PER_S;

	do
		ctlife_tick(source, clock_boot_ns());
	while (life->got && clock_boot_ns() < until_boot_ns);
}

static void ctlife_stats(const struct source *source, struct source_stats *ret)
{
	*ret = ((const struct ctlife *)(const void *)source)->stats;
}

static void ctlife_close(struct source *source)
{
	struct ctlife *life;

	if (!source)
		return;
	life = of(source);
	ring_buffer__free(life->rings);
	ct_hooks_free(life->hooks);
	netns_set_fini(&life->entered);
	free(life);
}

static bool is_ours(enum rung rung)
{
	return rung == RUNG_BPF_FENTRY || rung == RUNG_BPF_KPROBE;
}

static int open_rings(struct ctlife *life, struct why *why)
{
	life->rings = ring_buffer__new(ct_hooks_begins_fd(life->hooks), on_begin, life, NULL);
	if (!life->rings)
		return why_set(why, -errno, "a BPF ring: %s", strerror(errno));
	if (ring_buffer__add(life->rings, ct_hooks_ends_fd(life->hooks), on_end, life) < 0)
		return why_set(why, -errno, "a BPF ring: %s", strerror(errno));
	return 0;
}

static int ctlife_open(struct source **ret, const struct source_conf *conf,
		       const struct obs_outlet *outlet, struct why *why)
{
	struct ctlife *life = calloc(1, sizeof(*life));
	enum rung rung;
	int r;

	if (!life)
		return why_set(why, -ENOMEM, "no memory for begins and ends");
	life->source.ops = &source_ctlife;
	life->conf = *conf;
	life->outlet = *outlet;
	life->leave_begins = !is_ours(conf->rung[FEATURE_BEGIN]);
	life->leave_ends = !is_ours(conf->rung[FEATURE_END]);
	rung = conf->rung[life->leave_ends ? FEATURE_BEGIN : FEATURE_END];
	r = ct_hooks_new(&life->hooks, rung, conf->ring_bytes, why);
	if (r == 0)
		r = open_rings(life, why);
	if (r < 0) {
		ctlife_close(&life->source);
		return r;
	}
	if (!life->leave_begins)
		conf->ends->tells_begins = true;
	*ret = &life->source;
	return 0;
}

static bool ctlife_stands(const struct source_conf *conf)
{
	return is_ours(conf->rung[FEATURE_BEGIN]) || is_ours(conf->rung[FEATURE_END]);
}

const struct source_ops source_ctlife = {
	.name = "ct_life",
	.help = "begins and ends of conntrack entries, told by BPF",
	.origin = ORIGIN_CONNTRACK,
	.stands = ctlife_stands,
	.open = ctlife_open,
	.fd = ctlife_fd,
	.enter = ctlife_enter,
	.leave = ctlife_leave,
	.last_look = ctlife_last_look,
	.tick = ctlife_tick,
	.stats = ctlife_stats,
	.close = ctlife_close,
};
