// SPDX-License-Identifier: Apache-2.0
/*
 * Conntrack of one network namespace: its three sockets and its passes.
 *
 * It listens before it looks for the first time, so nothing falls between. Ends
 * have a socket of their own because only that one is reliable: the kernel keeps
 * an entry whose end it could not deliver, which costs room in the host's table
 * and is therefore under the guard, always. A pass is only complete when no end
 * was delayed and the table kept its size while it ran.
 */
#include "source/ct_space.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fs.h"
#include "source/ct_socket.h"
#include "source/guard.h"

/* Batches of one socket in one go: about half a millisecond. */
#define DRAIN_BATCHES 8

/* Changes, too: a DESTROY does not tell the state it ended in. */
static const int news_groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE };
static const int ends_groups[] = { NFNLGRP_CONNTRACK_DESTROY };

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int ct_space_set_reliable(struct ct_space *space, bool on)
{
	int r = ct_socket_set_reliable(space->ends_fd, on);

	if (!r)
		space->reliable = on;
	return r;
}

/* Without a guard, or when it cannot be told, delivery stays losable. */
static void make_reliable(struct ct_space *space)
{
	if (!space->guard || guard_watch(space->guard, space->ends_fd, space->netns) < 0)
		return;
	space->watched = true;
	ct_space_set_reliable(space, true);
}

int ct_space_new(struct ct_space **ret, const struct ct_space_conf *conf, struct why *why)
{
	struct ct_space *space = calloc(1, sizeof(*space));
	int r;

	if (!space)
		return -ENOMEM;
	space->netns = conf->netns;
	space->baseline = conf->baseline;
	space->guard = conf->guard;
	space->news_fd = space->ends_fd = space->request_fd = -1;

	r = ct_socket_listen(ends_groups, ARRAY_LEN(ends_groups), conf->ends_bytes, why);
	if (r < 0)
		goto fail;
	space->ends_fd = r;
	r = ct_socket_listen(news_groups, ARRAY_LEN(news_groups), conf->news_bytes, why);
	if (r < 0)
		goto fail;
	space->news_fd = r;
	r = ct_socket_open(why);
	if (r < 0)
		goto fail;
	space->request_fd = r;
	make_reliable(space);
	*ret = space;
	return 0;
fail:
	ct_space_free(space);
	return r;
}

void ct_space_free(struct ct_space *space)
{
	if (!space)
		return;
	/* the guard's duplicate would keep the namespace alive */
	if (space->watched)
		guard_unwatch(space->guard, space->netns);
	close_fd(space->news_fd);
	close_fd(space->ends_fd);
	close_fd(space->request_fd);
	free(space);
}

/* Up to DRAIN_BATCHES batches. */
static unsigned drain(struct ct_space *space, struct ct_inbox *inbox, int fd,
		      uint64_t now_boot_ns, bool *more)
{
	unsigned got = 0, i;
	int n;

	for (i = 0; i < DRAIN_BATCHES; i++) {
		n = ct_inbox_events(inbox, fd, space->netns, now_boot_ns, space->baseline);
		if (n == -ENOBUFS) {
			/* of reliable ends nothing is lost, they only come late */
			if (fd != space->ends_fd || !space->reliable)
				ct_inbox_stats(inbox)->lost++;
			space->late_ends = space->late_ends || fd == space->ends_fd;
			space->overrun = true;
			continue;
		}
		if (n <= 0)
			return got;
		got += (unsigned)n;
	}
	*more = true;
	return got;
}

/* News before ends: a short flow's beginning is then read before its end. */
unsigned ct_space_drain(struct ct_space *space, struct ct_inbox *inbox, uint64_t now_boot_ns,
			bool *more)
{
	unsigned got;

	*more = false;
	got = drain(space, inbox, space->news_fd, now_boot_ns, more);
	got += drain(space, inbox, space->ends_fd, now_boot_ns, more);
	if (got)
		space->heard = true;
	return got;
}

/* A dump that runs while the hash table is resized misses entries unnoticed. */
static uint64_t read_buckets(void)
{
	uint64_t buckets = 0;

	fs_read_u64("/proc/sys/net/netfilter/nf_conntrack_buckets", &buckets);
	return buckets;
}

int ct_space_look(struct ct_space *space, uint64_t now_boot_ns)
{
	uint32_t entries = 0;
	int r;

	space->began_boot_ns = now_boot_ns;
	space->late_ends = space->interrupted = false;
	space->cost_ns = 0;
	r = ct_socket_count(space->request_fd, ++space->seq, &entries);
	if (r < 0)
		return r;
	if (!entries) {
		space->idle_passes = space->heard ? 0 : space->idle_passes + 1;
		space->heard = false;
		return 0;
	}
	space->heard = false;
	space->idle_passes = 0;
	space->buckets = read_buckets();
	r = ct_socket_request_dump(space->request_fd, ++space->seq);
	if (r < 0)
		return r;
	space->dumping = true;
	return 1;
}

int ct_space_read(struct ct_space *space, struct ct_inbox *inbox)
{
	const struct ct_dump dump = {
		.fd = space->request_fd,
		.seq = space->seq,
		.netns = space->netns,
		.kind = space->baseline ? OBS_BASELINE : OBS_SAMPLE,
	};
	int r = ct_inbox_dump(inbox, &dump, &space->interrupted);

	if (r > 0)
		return r;
	space->dumping = false;
	if (r < 0)
		return r;
	space->pass_ns = clock_boot_ns() - space->began_boot_ns;
	if (space->interrupted || space->buckets != read_buckets())
		return -EAGAIN;
	return 0;
}

void ct_space_look_whole(struct ct_space *space, struct ct_inbox *inbox,
			 uint64_t deadline_boot_ns)
{
	bool more = true;
	int r = 1;

	while (space->dumping && clock_boot_ns() < deadline_boot_ns)
		ct_space_read(space, inbox);
	if (!space->dumping)
		r = ct_space_look(space, clock_boot_ns());
	while (r > 0 && clock_boot_ns() < deadline_boot_ns)
		r = ct_space_read(space, inbox);
	while (more && clock_boot_ns() < deadline_boot_ns)
		ct_space_drain(space, inbox, clock_boot_ns(), &more);
}

void ct_space_emit_sweep(const struct ct_space *space, const struct obs_outlet *outlet,
			 uint64_t now_boot_ns, bool gone)
{
	const struct obs obs = {
		.kind = OBS_SWEEP,
		.origin = ORIGIN_CONNTRACK,
		.at_boot_ns = now_boot_ns,
		.sweep = {
			.netns = space->netns,
			.gone = gone,
			.still_empty = space->idle_passes > CT_SPACE_IDLE_SWEEPS,
			.began_boot_ns = space->began_boot_ns,
		},
	};

	outlet->emit(outlet->context, &obs);
}
