/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_GUARD_H
#define WEIR_SOURCE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct why;

/* A tiny process that holds a duplicate of every reliable conntrack event
 * socket. A reliable listener that stops reading keeps destroyed entries alive
 * until the host's conntrack table is full; so when the collector has not
 * ticked for 5 s (even if it is stopped by a signal), the guard switches
 * NETLINK_BROADCAST_ERROR off on all of them. It ends when the collector does,
 * and then puts the switches back that the collector, killed, could not. Each
 * thing it holds has an id of its own. */
struct guard;

#define GUARD_PATIENCE_NS 5000000000ULL

/* Forks: call it before any thread exists. */
int guard_new(struct guard **ret, struct why *why);
/* The same with another patience than GUARD_PATIENCE_NS. */
int guard_new_patient(struct guard **ret, uint64_t patience_ns, struct why *why);
void guard_free(struct guard *guard); /* ends and reaps the process; NULL is a no-op */

/* Hands a duplicate of fd over. 0 or -errno; -EAGAIN: the process takes no orders. */
int guard_watch(struct guard *guard, int fd, uint64_t id);
/* The same of a switch of ct_sysctl.h that is ours: it is put back when the
 * collector dies, however it does. */
int guard_watch_switch(struct guard *guard, int fd, uint64_t id);
/* Takes it back, before fd is closed, once for each of them that returned 0.
 * What a process that is stopped has no room for is told it again by guard_tick. */
void guard_unwatch(struct guard *guard, uint64_t id);

/* The collector lives. Costs a store to shared memory. */
void guard_tick(struct guard *guard, uint64_t now_boot_ns);
/* How often reliability was given up so far; a source that sees it rise turns
 * reliability on again and takes a resync dump. */
uint64_t guard_give_ups(const struct guard *guard);
/* False once the process is gone: then nothing may be reliable any more. Found
 * out by guard_tick within a second. */
bool guard_is_alive(const struct guard *guard);
int guard_pid(const struct guard *guard);

#endif
