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

struct netns_listener {
	/* The calling thread is inside the namespace during the call. */
	void (*entered)(void *context, uint32_t netns, bool own);
	void (*gone)(void *context, uint32_t netns);
	void *context;
};

/* all: every namespace, else only the caller's own. -EPERM is not an error of
 * new: without CAP_SYS_ADMIN the watch stays with the own namespace, and
 * netns_watch_limit says so. */
int netns_watch_new(struct netns_watch **ret, bool all, const struct netns_listener *listener,
		    struct why *why);
void netns_watch_free(struct netns_watch *watch);
/* Looks for namespaces that came and went, calling the listener. Returns the
 * boot time of the next look. */
uint64_t netns_watch_tick(struct netns_watch *watch, uint64_t now_boot_ns);
uint32_t netns_watch_own(const struct netns_watch *watch);
uint32_t netns_watch_count(const struct netns_watch *watch);
/* NULL when all namespaces are seen, else the sentence why not. */
const char *netns_watch_limit(const struct netns_watch *watch);

/* Calls visit inside each of the n namespaces that can be found, wherever. Ones
 * that cannot are passed over. Returns how many were visited, or -errno. */
int netns_visit(const uint32_t *netns, size_t n, void (*visit)(void *context, uint32_t netns),
		void *context);

#endif
