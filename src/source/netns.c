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
 * everything after it wrong, so that ends the process. A namespace that cannot be
 * entered, or in which the listener is refused something, is tried again at the
 * looks to come, later and later.
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
#define RETRY_FIRST_NS NUM_NS_PER_S
#define RETRY_SLOWEST_NS (60 * NUM_NS_PER_S)

struct place {
	struct netns_place is;
	bool seen;
	unsigned missed; /* looks in a row */
	int refused;     /* what go_in said in this look */
	uint64_t retry_boot_ns, pause_ns; /* while something is missing */
};

struct netns_watch {
	struct netns_listener listener;
	bool all;
	struct place own;
	int own_fd;              /* owned: the way back */
	struct netns_scan *scan; /* owned; NULL: only the own namespace */
	struct place *place;     /* owned: all that were found, but the own one */
	size_t count, capacity;
	int unplaced;         /* -errno: in this look some were not found, or found no room */
	uint64_t now_boot_ns; /* of this look */
	uint64_t entering_ns; /* CPU time of this look that was not looking */
	struct why limit;
};

/* The number of the calling thread's namespace and a descriptor of it. */
static int open_own(uint32_t *ret, struct why *why)
{
	int fd, r = netns_own(ret, why);

	if (r < 0)
		return r;
	fd = open(OWN_PATH, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? why_set(why, -errno, OWN_PATH ": %s", strerror(errno)) : fd;
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
		if (watch->place[i].is.netns == netns)
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
	watch->place[watch->count] = (struct place){ .is = {
		.netns = netns,
		.found_boot_ns = watch->now_boot_ns,
		.missing = UINT32_MAX,
	} };
	return &watch->place[watch->count++];
}

static bool is_due(const struct netns_watch *watch, const struct place *place)
{
	return place->is.missing && watch->now_boot_ns >= place->retry_boot_ns;
}

static void tell_entered(struct netns_watch *watch, struct place *place, int r)
{
	watch->listener.entered(watch->listener.context, &place->is, r);
	place->refused = 0;
	place->pause_ns = place->pause_ns ? 2 * place->pause_ns : RETRY_FIRST_NS;
	if (place->pause_ns > RETRY_SLOWEST_NS)
		place->pause_ns = RETRY_SLOWEST_NS;
	place->retry_boot_ns = watch->now_boot_ns + place->pause_ns;
}

static void found(void *context, uint32_t netns, const char *path)
{
	struct netns_watch *watch = context;
	struct place *place;
	uint64_t cpu_ns;
	int r;

	if (netns == watch->own.is.netns)
		return;
	place = place_find(watch, netns);
	if (place) {
		place->seen = true;
		if (!is_due(watch, place))
			return;
	}
	cpu_ns = clock_thread_cpu_ns();
	r = go_in(path, netns);
	if (r == -ENOENT || r == -ESRCH || r == -ESTALE)
		return; /* it ended: perhaps by another path, perhaps at the next look */
	if (!place)
		place = place_add(watch, netns);
	if (place) {
		place->seen = true;
		place->refused = r; /* until another path leads there */
		if (r == 0)
			tell_entered(watch, place, 0);
	} else {
		watch->unplaced = -ENOMEM;
	}
	if (r == 0)
		go_back(watch->own_fd);
	watch->entering_ns += clock_thread_cpu_ns() - cpu_ns;
}

static void tell_refused(struct netns_watch *watch)
{
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (watch->place[i].refused)
			tell_entered(watch, &watch->place[i], watch->place[i].refused);
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
			netns = place->is.netns;
			*place = watch->place[--watch->count];
			watch->listener.gone(watch->listener.context, netns);
		}
	}
	return missed;
}

int netns_own(uint32_t *ret, struct why *why)
{
	struct stat own;

	if (stat(OWN_PATH, &own) < 0)
		return why_set(why, -errno, OWN_PATH ": %s", strerror(errno));
	*ret = (uint32_t)own.st_ino;
	return 0;
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
	watch->own.is.own = true;
	watch->own.is.missing = UINT32_MAX;
	r = open_own(&watch->own.is.netns, why);
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
	uint64_t cost_ns, gap_ns, look_boot_ns, own_boot_ns;
	bool blind, missed;
	size_t i;
	int r;

	watch->now_boot_ns = now_boot_ns;
	if (!watch->own.is.found_boot_ns)
		watch->own.is.found_boot_ns = now_boot_ns;
	if (is_due(watch, &watch->own))
		tell_entered(watch, &watch->own, 0);
	own_boot_ns = watch->own.is.missing ? watch->own.retry_boot_ns : UINT64_MAX;
	if (!watch->scan)
		return own_boot_ns;

	watch->entering_ns = 0;
	watch->unplaced = 0;
	cost_ns = clock_thread_cpu_ns();
	for (i = 0; i < watch->count; i++)
		watch->place[i].seen = false;
	r = netns_scan_run(watch->scan, found, watch, &blind);
	if (r < 0)
		watch->unplaced = r;
	gap_ns = (clock_thread_cpu_ns() - cost_ns - watch->entering_ns) * LOOK_SHARE;
	tell_refused(watch);
	if (blind && !watch->limit.text[0] && !caps_has(CAP_SYS_PTRACE))
		why_set(&watch->limit, 0, "network namespaces of some processes are not seen: "
			"looking at them needs CAP_SYS_PTRACE");
	missed = drop_gone(watch);
	if (gap_ns < LOOK_FASTEST_NS || missed)
		gap_ns = LOOK_FASTEST_NS;
	if (gap_ns > LOOK_SLOWEST_NS)
		gap_ns = LOOK_SLOWEST_NS;
	/* in one wake-up with the sources, which beat at multiples as well */
	look_boot_ns = (now_boot_ns + gap_ns) / LOOK_GRID_NS * LOOK_GRID_NS;
	return own_boot_ns < look_boot_ns ? own_boot_ns : look_boot_ns;
}

static void place_reenter(struct place *place, uint32_t parts)
{
	place->is.missing |= parts;
	place->retry_boot_ns = place->pause_ns = 0;
}

void netns_watch_reenter(struct netns_watch *watch, uint32_t parts)
{
	place_reenter(&watch->own, parts);
	for (size_t i = 0; i < watch->count; i++)
		place_reenter(&watch->place[i], parts);
}

uint32_t netns_watch_own(const struct netns_watch *watch)
{
	return watch->own.is.netns;
}

uint32_t netns_watch_count(const struct netns_watch *watch)
{
	return (uint32_t)watch->count + 1;
}

uint32_t netns_watch_unwatched(const struct netns_watch *watch, int *reason)
{
	uint32_t unwatched = watch->unplaced ? 1 : 0;
	size_t i;

	*reason = watch->unplaced;
	if (watch->own.is.missing) {
		unwatched++;
		*reason = watch->own.is.reason;
	}
	for (i = 0; i < watch->count; i++) {
		if (!watch->place[i].is.missing)
			continue;
		unwatched++;
		*reason = watch->place[i].is.reason;
	}
	return unwatched;
}

const char *netns_watch_limit(const struct netns_watch *watch)
{
	return watch->limit.text[0] ? watch->limit.text : NULL;
}
