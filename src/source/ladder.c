// SPDX-License-Identifier: Apache-2.0
/*
 * The ladder: per feature the rungs in order, what each needs, what it loses.
 * Probing is doing: a rung stands when its own probe says so.
 */
#include "source/ladder.h"

#include <errno.h>
#include <linux/capability.h>

#include "base/caps.h"
#include "source/source.h"

static int probe_ctnetlink(struct why *why)
{
	return source_ctnetlink.probe(why);
}

static int probe_sockdiag(struct why *why)
{
	return source_sockdiag.probe(why);
}

static int probe_sockdiag_ends(struct why *why)
{
	const int r = source_sockdiag.probe(why);

	if (r < 0)
		return r;
	if (!caps_has(CAP_NET_ADMIN))
		return why_set(why, -EPERM, "hearing of closed sockets needs CAP_NET_ADMIN");
	return 0;
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
	{ FEATURE_BEGIN, "ctnetlink", probe_ctnetlink,
	  { "a flow's start record waits one refresh for its counters", NULL }, NULL },
	{ FEATURE_BEGIN, "none", NULL, { "flows are seen when a pass shows them", NULL }, AS_ROOT },

	{ FEATURE_LIVE, "ctnetlink", probe_ctnetlink,
	  { "a dump of the table costs CPU by its size: past some 10,000 flows counters are "
	    "refreshed less often than asked", NULL }, NULL },
	{ FEATURE_LIVE, "none", NULL, { "only TCP sockets are counted", NULL }, AS_ROOT },

	{ FEATURE_END, "ctnetlink", probe_ctnetlink,
	  { "packets in flight between an entry's removal and its last use",
	    "with nf_conntrack_events=2, the last counters of flows older than weir", NULL },
	  NULL },
	{ FEATURE_END, "none", NULL, { "flows end when a pass misses them", NULL }, AS_ROOT },

	{ FEATURE_TCP_LIFE, "sock_diag", probe_sockdiag_ends,
	  { "connections shorter than a pass: their processes",
	    "connect latency and the errno of failed connects", NULL }, NULL },
	{ FEATURE_TCP_LIFE, "none", NULL, { "sockets close when a pass misses them", NULL },
	  AS_ROOT },

	{ FEATURE_TCP_LIVE, "sock_diag", probe_sockdiag, { NULL }, NULL },
	{ FEATURE_TCP_LIVE, "none", NULL, { "round-trip times, retransmits, payload", NULL },
	  "a kernel with CONFIG_INET_DIAG" },

	{ FEATURE_OWNER, "proc", probe_all_owners,
	  { "processes of sockets that close before a pass", NULL }, NULL },
	{ FEATURE_OWNER, "proc", NULL, { "processes of other users", NULL },
	  "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH" },

	{ FEATURES, NULL, NULL, { NULL }, NULL },
};

const char *const feature_names[FEATURES + 1] = {
	[FEATURE_BEGIN] = "begin",       [FEATURE_LIVE] = "live",
	[FEATURE_END] = "end",           [FEATURE_TCP_LIFE] = "tcp_life",
	[FEATURE_TCP_LIVE] = "tcp_live", [FEATURE_OWNER] = "owner",
};

void ladder_climb(struct ladder_standing ret[FEATURES])
{
	const struct ladder_row *row;

	for (int i = 0; i < FEATURES; i++)
		ret[i] = (struct ladder_standing){ 0 };
	for (row = ladder_table; row->feature != FEATURES; row++) {
		struct ladder_standing *standing = &ret[row->feature];
		struct why why = { "" };

		if (standing->row)
			continue;
		if (!row->probe || row->probe(&why) == 0)
			standing->row = row;
		else if (!standing->why.text[0])
			standing->why = why;
	}
}
