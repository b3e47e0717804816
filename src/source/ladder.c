// SPDX-License-Identifier: Apache-2.0
/*
 * The ladder: per feature the rungs in order, what each needs, what it loses.
 * Probing is doing: a rung stands when its own probe says so.
 */
#include "source/ladder.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/caps.h"
#include "base/nearest.h"
#include "source/canary.h"
#include "source/sd_events.h"
#include "source/source.h"
#include "source/trampoline.h"

static int probe_ctnetlink(struct why *why)
{
	return source_ctnetlink.probe(why);
}

static int probe_fentry(struct why *why)
{
	return canary_life(RUNG_BPF_FENTRY, why);
}

static int probe_kprobe(struct why *why)
{
	return canary_life(RUNG_BPF_KPROBE, why);
}

static int probe_walk(struct why *why)
{
	return canary_live(RUNG_BPF_WALK, why);
}

static int probe_tcp(struct why *why)
{
	return canary_tcp(RUNG_BPF_TRACEPOINT, RUNG_NONE, why);
}

static int probe_tcp_calls(struct why *why)
{
	return canary_tcp(RUNG_BPF_FENTRY, RUNG_NONE, why);
}

static int probe_tcp_notes(struct why *why)
{
	return canary_tcp(RUNG_BPF_TRACEPOINT, RUNG_BPF_ITERATOR, why);
}

static int probe_tcp_netns(struct why *why)
{
	return canary_tcp(RUNG_BPF_TRACEPOINT, RUNG_BPF_ITER_TCP, why);
}

static int probe_sockdiag(struct why *why)
{
	return source_sockdiag.probe(why);
}

static int probe_sockdiag_ends(struct why *why)
{
	const int r = source_sockdiag.probe(why);

	return r < 0 ? r : sd_events_probe(why);
}

static int probe_all_owners(struct why *why)
{
	if (!caps_has(CAP_SYS_PTRACE) || !caps_has(CAP_DAC_READ_SEARCH))
		return why_set(why, -EPERM, "other users' processes need CAP_SYS_PTRACE and "
					    "CAP_DAC_READ_SEARCH");
	return 0;
}

#define AS_ROOT "run as root, or with CAP_NET_ADMIN"

const struct ladder_row ladder_table[] = {
	{ FEATURE_BEGIN, RUNG_BPF_FENTRY, probe_fentry, { NULL }, NULL },
	{ FEATURE_BEGIN, RUNG_BPF_KPROBE, probe_kprobe, { NULL }, NULL },
	{ FEATURE_BEGIN, RUNG_CTNETLINK, probe_ctnetlink,
	  { "a flow's start record waits one refresh for its counters", NULL }, NULL },
	{ FEATURE_BEGIN, RUNG_NONE, NULL, { "flows are seen when a pass shows them", NULL },
	  AS_ROOT },

	{ FEATURE_LIVE, RUNG_BPF_WALK, probe_walk, { NULL }, NULL },
	{ FEATURE_LIVE, RUNG_CTNETLINK, probe_ctnetlink,
	  { "a dump of the table costs CPU by its size: past some 10,000 flows counters are "
	    "refreshed less often than asked", NULL }, NULL },
	{ FEATURE_LIVE, RUNG_NONE, NULL, { "only TCP sockets are counted", NULL }, AS_ROOT },

	{ FEATURE_END, RUNG_BPF_FENTRY, probe_fentry, { NULL }, NULL },
	{ FEATURE_END, RUNG_BPF_KPROBE, probe_kprobe, { NULL }, NULL },
	{ FEATURE_END, RUNG_CTNETLINK, probe_ctnetlink,
	  { "packets in flight between an entry's removal and its last use",
	    "with nf_conntrack_events=2, the last counters of flows older than weir", NULL },
	  NULL },
	{ FEATURE_END, RUNG_NONE, NULL, { "flows end when a pass misses them", NULL }, AS_ROOT },

	{ FEATURE_TCP_LIFE, RUNG_BPF_FENTRY, probe_tcp_calls, { NULL }, NULL },
	{ FEATURE_TCP_LIFE, RUNG_BPF_TRACEPOINT, probe_tcp,
	  { "the errno of a connect that fails before anything is sent", NULL }, NULL },
	{ FEATURE_TCP_LIFE, RUNG_SOCK_DIAG, probe_sockdiag_ends,
	  { "connections shorter than a pass: their processes, and all of them where an end "
	    "here wipes itself (SO_LINGER 0); they are traced as they end",
	    "connect latency and the errno of failed connects", NULL }, NULL },
	{ FEATURE_TCP_LIFE, RUNG_NONE, NULL,
	  { "sockets close when a pass misses them", "connections shorter than a pass", NULL },
	  "a kernel with CONFIG_INET_DIAG" },

	{ FEATURE_TCP_LIVE, RUNG_BPF_ITERATOR, probe_tcp_notes, { NULL }, NULL },
	{ FEATURE_TCP_LIVE, RUNG_BPF_ITER_TCP, probe_tcp_netns,
	  { "a scan goes through each network namespace: past some hundred of them counters "
	    "are refreshed less often than asked", NULL }, NULL },
	{ FEATURE_TCP_LIVE, RUNG_SOCK_DIAG, probe_sockdiag, { NULL }, NULL },
	{ FEATURE_TCP_LIVE, RUNG_NONE, NULL, { "round-trip times, retransmits, payload", NULL },
	  "a kernel with CONFIG_INET_DIAG" },

	/* tied to tcp_life, which proves it (tie_tcp) */
	{ FEATURE_OWNER, RUNG_BPF_TRACEPOINT, NULL,
	  { "processes of UDP sockets that close before a pass", NULL }, NULL },
	{ FEATURE_OWNER, RUNG_PROC, probe_all_owners,
	  { "processes of sockets that close before a pass", NULL }, NULL },
	{ FEATURE_OWNER, RUNG_PROC, NULL, { "processes of other users", NULL },
	  "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH" },

	{ FEATURES, RUNG_NONE, NULL, { NULL }, NULL },
};

const char *const feature_names[FEATURES + 1] = {
	[FEATURE_BEGIN] = "begin",       [FEATURE_LIVE] = "live",
	[FEATURE_END] = "end",           [FEATURE_TCP_LIFE] = "tcp_life",
	[FEATURE_TCP_LIVE] = "tcp_live", [FEATURE_OWNER] = "owner",
};

const char *const rung_names[RUNGS + 1] = {
	[RUNG_NONE] = "none",           [RUNG_BPF_FENTRY] = "bpf_fentry",
	[RUNG_BPF_KPROBE] = "bpf_kprobe", [RUNG_BPF_WALK] = "bpf_walk",
	[RUNG_BPF_TRACEPOINT] = "bpf_tracepoint", [RUNG_BPF_ITERATOR] = "bpf_iterator",
	[RUNG_BPF_ITER_TCP] = "bpf_iter_tcp",
	[RUNG_CTNETLINK] = "ctnetlink", [RUNG_SOCK_DIAG] = "sock_diag",
	[RUNG_PROC] = "proc",
};

static int parse_rung(rung_set *ret, const char *text, size_t n, struct why *why)
{
	struct nearest nearest = { .word = text, .n = n };

	for (int rung = 0; rung < RUNGS; rung++) {
		if (strlen(rung_names[rung]) == n && !strncmp(rung_names[rung], text, n)) {
			*ret |= 1U << rung;
			return 0;
		}
		nearest_offer(&nearest, rung_names[rung]);
	}
	return why_set(why, -EINVAL, "source: there is no rung \"%.*s\"%s%s%s", (int)n, text,
		       nearest.best ? ", did you mean " : "", nearest.best ? nearest.best : "",
		       nearest.best ? "?" : "; weir doctor names them");
}

int ladder_parse(rung_set *ret, const char *text, struct why *why)
{
	rung_set set = 0;
	size_t n;
	int r;

	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		r = parse_rung(&set, text, n, why);
		if (r < 0)
			return r;
	}
	*ret = set;
	return 0;
}

static rung_set rungs_of(enum feature feature)
{
	rung_set set = 0;

	for (const struct ladder_row *row = ladder_table; row->feature != FEATURES; row++)
		if (row->feature == feature)
			set |= 1U << row->rung;
	return set;
}

static bool is_passed_over(const struct ladder_row *row, rung_set wished)
{
	const rung_set choice = wished & rungs_of(row->feature);

	return choice && !(choice & 1U << row->rung);
}

/* What keeps a feature from a rung, after what keeps it from those above. */
static void add_reason(struct why *why, enum rung rung, const struct why *reason)
{
	const struct why before = *why;

	why_set(why, 0, "%s%s%s: %s", before.text, before.text[0] ? "; " : "", rung_names[rung],
		reason->text);
}

#define PROBES_MAX 16

/* What has been tried on this climb: one proof can be of several features. */
struct climb {
	rung_set wished;
	struct {
		int (*probe)(struct why *why);
		int result;
		struct why why;
	} tried[PROBES_MAX];
	unsigned count;
};

static int probe_once(struct climb *climb, int (*probe)(struct why *why), struct why *why)
{
	unsigned i;

	for (i = 0; i < climb->count; i++)
		if (climb->tried[i].probe == probe)
			break;
	if (i == PROBES_MAX)
		return probe(why);
	if (i == climb->count) {
		climb->count++;
		climb->tried[i].probe = probe;
		climb->tried[i].result = probe(&climb->tried[i].why);
	}
	*why = climb->tried[i].why;
	return climb->tried[i].result;
}

/* What keeps a rung that may well hold from being taken unasked. */
static int may_take(const struct ladder_row *row, rung_set wished, struct why *why)
{
	if (row->rung != RUNG_BPF_FENTRY || wished & 1U << row->rung)
		return 0;
	return trampoline_may_die(why);
}

/* From that row on, to the first that holds. */
static void stand_on(struct ladder_standing *standing, enum feature feature,
		     const struct ladder_row *row, struct climb *climb)
{
	static const struct ladder_row nothing[FEATURES] = {
		{ FEATURE_BEGIN }, { FEATURE_LIVE }, { FEATURE_END },
		{ FEATURE_TCP_LIFE }, { FEATURE_TCP_LIVE }, { FEATURE_OWNER },
	};

	for (; row->feature != FEATURES; row++) {
		struct why why = { "" };

		if (row->feature != feature || is_passed_over(row, climb->wished))
			continue;
		if (!row->probe || (may_take(row, climb->wished, &why) == 0 &&
				    probe_once(climb, row->probe, &why) == 0)) {
			standing->row = row;
			return;
		}
		add_reason(&standing->why, row->rung, &why);
	}
	standing->row = &nothing[feature];
}

static bool is_by_bpf(const struct ladder_row *row)
{
	return row->rung == RUNG_BPF_FENTRY || row->rung == RUNG_BPF_TRACEPOINT ||
	       row->rung == RUNG_BPF_ITERATOR || row->rung == RUNG_BPF_ITER_TCP;
}

void ladder_leave_bpf_for_tcp(struct ladder_standing *standing,
			      const struct why *reason)
{
	static const enum feature features[] = { FEATURE_TCP_LIFE, FEATURE_TCP_LIVE,
						 FEATURE_OWNER };

	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		struct ladder_standing *feature = &standing[features[i]];
		const struct ladder_row *row = feature->row;

		if (!is_by_bpf(row))
			continue;
		add_reason(&feature->why, row->rung, reason);
		while (row->feature == features[i] && is_by_bpf(row))
			row++;
		stand_on(feature, features[i], row, &(struct climb){ 0 });
	}
}

/* One source sees the lives of sockets, how they fare, and whose they are. */
static void tie_tcp(struct ladder_standing standing[FEATURES])
{
	const struct why reason = { "whom it goes with is not by BPF" };
	const bool life = is_by_bpf(standing[FEATURE_TCP_LIFE].row);

	if (life != is_by_bpf(standing[FEATURE_TCP_LIVE].row) ||
	    (!life && is_by_bpf(standing[FEATURE_OWNER].row)))
		ladder_leave_bpf_for_tcp(standing, &reason);
}

void ladder_climb_some(struct ladder_standing ret[FEATURES], unsigned features, rung_set wished)
{
	struct climb climb = { .wished = wished };

	for (int i = 0; i < FEATURES; i++) {
		if (!(features & 1U << i))
			continue;
		ret[i] = (struct ladder_standing){ 0 };
		stand_on(&ret[i], i, ladder_table, &climb);
	}
	if (features & 1U << FEATURE_TCP_LIFE)
		tie_tcp(ret);
}

void ladder_climb(struct ladder_standing ret[FEATURES], rung_set wished)
{
	ladder_climb_some(ret, (1U << FEATURES) - 1, wished);
}

void ladder_step_down(struct ladder_standing *standing, const struct why *reason)
{
	struct climb climb = { 0 };

	add_reason(&standing->why, standing->row->rung, reason);
	stand_on(standing, standing->row->feature, standing->row + 1, &climb);
}

void ladder_fall_off(struct ladder_standing *standing, const struct why *reason)
{
	const enum feature feature = standing->row->feature;
	const struct ladder_row *row = ladder_table;

	while (row->feature != feature || row->rung != RUNG_NONE)
		row++;
	*standing = (struct ladder_standing){ .row = row, .why = *reason };
}

int ladder_check(const struct ladder_standing standing[FEATURES], rung_set wished, struct why *why)
{
	for (int i = 0; i < FEATURES; i++) {
		const rung_set choice = wished & rungs_of(i);

		if (choice && !(choice & 1U << standing[i].row->rung))
			return why_set(why, -ENOTSUP, "%s is not possible as wished: %s",
				       feature_names[i], standing[i].why.text);
	}
	return 0;
}
