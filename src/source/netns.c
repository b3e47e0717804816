// SPDX-License-Identifier: Apache-2.0
/*
 * The watch over network namespaces: which there are, which came, which went.
 *
 * A namespace is entered by the thread for the time of a call and left again;
 * no descriptor of it stays open here. It has gone when no process lives in it
 * and no mount names it, twice in a row: a process can fork into a number that
 * the scan has passed and end before the scan arrives at it. What only processes
 * hold that may not be looked at counts as gone too: to lose sight of it is less
 * of a harm than to keep a dead namespace and its devices alive. The scan is
 * paced by what it costs. To be unable to come back to the own namespace would make
 * everything after it wrong, so that ends the process.
 */
#include "source/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/netns_scan.h"

#define OWN_PATH "/proc/thread-self/ns/net"
#define LOOK_FASTEST_NS NUM_NS_PER_S
#define LOOK_SLOWEST_NS (30 * NUM_NS_PER_S)
#define LOOK_GRID_NS (500 * NUM_NS_PER_MS)
/* A look may take this share of a core: half a per mille. */
#define LOOK_SHARE 2000
#define MISSES_UNTIL_GONE 2
#define PLACES_MAX 65536

struct place {
	uint32_t netns;
	bool seen;
	unsigned missed; /* looks in a row */
};

struct netns_watch {
	struct netns_listener listener;
	bool all, began;
	uint32_t own;
	int own_fd;              /* owned: the way back */
	struct netns_scan *scan; /* owned; NULL: only the own namespace */
	struct place *place;     /* owned: all that are entered, but the own one */
	size_t count, capacity;
	uint64_t entering_ns; /* CPU time of this look that was not looking */
	struct why limit;
};

/* The number of the calling thread's namespace and a descriptor of it. */
static int open_own(uint32_t *ret, struct why *why)
{
	int fd = open(OWN_PATH, O_RDONLY | O_CLOEXEC), r;
	struct stat own;

	if (fd < 0)
		return why_set(why, -errno, OWN_PATH ": %s", strerror(errno));
	if (fstat(fd, &own) < 0) {
		r = why_set(why, -errno, OWN_PATH ": %s", strerror(errno));
		close(fd);
		return r;
	}
	*ret = (uint32_t)own.st_ino;
	return fd;
}

/* Into the namespace behind path, if it still is that one. */
static int go_in(const char *path, uint32_t netns)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	struct stat found;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &found) < 0)
		r = -errno;
	else if (found.st_ino != netns)
		r = -ESTALE;
	else if (setns(fd, CLONE_NEWNET) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void go_back(int own_fd)
{
	if (setns(own_fd, CLONE_NEWNET) < 0)
		abort();
}

static struct place *place_find(struct netns_watch *watch, uint32_t netns)
{
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (watch->place[i].netns == netns)
			return &watch->place[i];
	return NULL;
}

static struct place *place_add(struct netns_watch *watch, uint32_t netns)
{
	struct place *grown;

	if (watch->count == watch->capacity) {
		const size_t capacity = watch->capacity ? 2 * watch->capacity : 16;

		if (capacity > PLACES_MAX)
			return NULL;
		grown = reallocarray(watch->place, capacity, sizeof(*grown));
		if (!grown)
			return NULL;
		watch->place = grown;
		watch->capacity = capacity;
	}
	watch->place[watch->count] = (struct place){ .netns = netns };
	return &watch->place[watch->count++];
}

static void found(void *context, uint32_t netns, const char *path)
{
	struct netns_watch *watch = context;
	struct place *place;
	uint64_t cpu_ns;
	int r;

	if (netns == watch->own)
		return;
	place = place_find(watch, netns);
	if (place) {
		place->seen = true;
		return;
	}
	cpu_ns = clock_thread_cpu_ns();
	r = go_in(path, netns);
	if (r < 0) {
		if (r == -EPERM)
			why_set(&watch->limit, r, "namespace %u may not be entered", netns);
		return; /* perhaps by another path, perhaps at the next look */
	}
	place = place_add(watch, netns);
	if (place) {
		place->seen = true;
		watch->listener.entered(watch->listener.context, netns, false);
	}
	go_back(watch->own_fd);
	watch->entering_ns += clock_thread_cpu_ns() - cpu_ns;
}

/* True when one was missed that was there at the last look. */
static bool drop_gone(struct netns_watch *watch)
{
	bool missed = false;
	uint32_t netns;
	size_t i = 0;

	while (i < watch->count) {
		struct place *place = &watch->place[i];

		if (place->seen) {
			place->missed = 0;
			i++;
		} else if (++place->missed < MISSES_UNTIL_GONE) {
			missed = true;
			i++;
		} else {
			netns = place->netns;
			*place = watch->place[--watch->count];
			watch->listener.gone(watch->listener.context, netns);
		}
	}
	return missed;
}

int netns_watch_new(struct netns_watch **ret, bool all, const struct netns_listener *listener,
		    struct why *why)
{
	struct netns_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->own_fd = -1;
	watch->listener = *listener;
	watch->all = all;
	r = open_own(&watch->own, why);
	if (r < 0)
		goto fail;
	watch->own_fd = r;
	if (all && !caps_has(CAP_SYS_ADMIN)) {
		watch->all = false;
		why_set(&watch->limit, 0,
			"only this network namespace is seen: entering others needs CAP_SYS_ADMIN");
	}
	if (watch->all) {
		r = netns_scan_new(&watch->scan, why);
		if (r < 0)
			goto fail;
	}
	*ret = watch;
	return 0;
fail:
	netns_watch_free(watch);
	return r;
}

void netns_watch_free(struct netns_watch *watch)
{
	if (!watch)
		return;
	if (watch->own_fd >= 0)
		close(watch->own_fd);
	netns_scan_free(watch->scan);
	free(watch->place);
	free(watch);
}

uint64_t netns_watch_tick(struct netns_watch *watch, uint64_t now_boot_ns)
{
	uint64_t cost_ns, gap_ns;
	bool blind, missed;
	size_t i;

	if (!watch->began) {
		watch->began = true;
		watch->listener.entered(watch->listener.context, watch->own, true);
	}
	if (!watch->scan)
		return UINT64_MAX;

	watch->entering_ns = 0;
	cost_ns = clock_thread_cpu_ns();
	for (i = 0; i < watch->count; i++)
		watch->place[i].seen = false;
	netns_scan_run(watch->scan, found, watch, &blind);
	gap_ns = (clock_thread_cpu_ns() - cost_ns - watch->entering_ns) * LOOK_SHARE;
	if (blind && !watch->limit.text[0] && !caps_has(CAP_SYS_PTRACE))
		why_set(&watch->limit, 0, "network namespaces of some processes are not seen: "
			"looking at them needs CAP_SYS_PTRACE");
	missed = drop_gone(watch);
	if (gap_ns < LOOK_FASTEST_NS || missed)
		gap_ns = LOOK_FASTEST_NS;
	if (gap_ns > LOOK_SLOWEST_NS)
		gap_ns = LOOK_SLOWEST_NS;
	/* in one wake-up with the sources, which beat at multiples as well */
	return (now_boot_ns + gap_ns) / LOOK_GRID_NS * LOOK_GRID_NS;
}

uint32_t netns_watch_own(const struct netns_watch *watch)
{
	return watch->own;
}

uint32_t netns_watch_count(const struct netns_watch *watch)
{
	return (uint32_t)watch->count + 1;
}

const char *netns_watch_limit(const struct netns_watch *watch)
{
	return watch->limit.text[0] ? watch->limit.text : NULL;
}

struct visit {
	const uint32_t *netns;
	bool *done;
	size_t n;
	int own_fd, count;
	void (*visit)(void *context, uint32_t netns);
	void *context;
};

static void visit_found(void *context, uint32_t netns, const char *path)
{
	struct visit *visit = context;
	size_t i;

	for (i = 0; i < visit->n; i++)
		if (visit->netns[i] == netns)
			break;
	if (i == visit->n || visit->done[i] || go_in(path, netns) < 0)
		return;
	visit->done[i] = true;
	visit->count++;
	visit->visit(visit->context, netns);
	go_back(visit->own_fd);
}

int netns_visit(const uint32_t *netns, size_t n, void (*visit)(void *context, uint32_t netns),
		void *context)
{
	struct visit job = { .netns = netns, .n = n, .own_fd = -1, .visit = visit,
			     .context = context };
	struct netns_scan *scan = NULL;
	uint32_t own;
	bool blind;
	int r;

	job.done = calloc(n ? n : 1, sizeof(*job.done));
	if (!job.done)
		return -ENOMEM;
	r = open_own(&own, NULL);
	if (r < 0)
		goto out;
	job.own_fd = r;
	r = netns_scan_new(&scan, NULL);
	if (r < 0)
		goto out;
	netns_scan_run(scan, visit_found, &job, &blind);
	r = job.count;
out:
	netns_scan_free(scan);
	if (job.own_fd >= 0)
		close(job.own_fd);
	free(job.done);
	return r;
}
