/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_NETNS_H
#define WEIR_SOURCE_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

/* The network namespaces of the host: those of processes (/proc/PID/ns/net) and
 * those that are mounted (nsfs in /proc/self/mountinfo: /run/netns and friends).
 * No descriptor is kept, since an open one would keep a dead namespace alive. */
struct netns_watch;

/* A namespace and how far entering it has come. */
struct netns_place {
	uint32_t netns;
	bool own;
	uint64_t found_boot_ns;
	uint32_t missing; /* the listener's parts that are not in yet; all bits at first */
	int reason;       /* the listener's: -errno of one of them */
	bool told;        /* the listener's: somebody has heard of it */
};

struct netns_listener {
	/* With r 0 the calling thread is inside the namespace during the call;
	 * else r is why it could not be. The listener takes what is in out of
	 * `missing`; while something is left there is another call: after 1 s,
	 * 2 s and so on up to a minute. */
	void (*entered)(void *context, struct netns_place *place, int r);
	void (*gone)(void *context, uint32_t netns);
	void *context;
};

/* The number of the calling thread's namespace. 0 or -errno. */
int netns_own(uint32_t *ret, struct why *why);

/* all: every namespace, else only the caller's own. -EPERM is not an error of
 * new: without CAP_SYS_ADMIN the watch stays with the own namespace, and
 * netns_watch_limit says so. */
int netns_watch_new(struct netns_watch **ret, bool all, const struct netns_listener *listener,
		    struct why *why);
void netns_watch_free(struct netns_watch *watch);
/* Looks for namespaces that came and went, calling the listener. Returns the
 * boot time of the next look. */
uint64_t netns_watch_tick(struct netns_watch *watch, uint64_t now_boot_ns);
/* The listener has parts that are in nowhere yet: all namespaces are entered again at
 * the next tick. */
void netns_watch_reenter(struct netns_watch *watch, uint32_t parts);
uint32_t netns_watch_own(const struct netns_watch *watch);
uint32_t netns_watch_count(const struct netns_watch *watch);
/* How many lack something, and -errno of one of these. Those that could not be
 * looked for are one. */
uint32_t netns_watch_unwatched(const struct netns_watch *watch, int *reason);
/* NULL when all namespaces are seen, else the sentence why not. */
const char *netns_watch_limit(const struct netns_watch *watch);

#endif
