/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SOCK_HOOKS_H
#define WEIR_SOURCE_SOCK_HOOKS_H

#include <stdint.h>

#include "source/rung.h"

struct why;

/* BPF programs on what becomes of TCP sockets, attached while this lives, and scans of
 * the sockets that they know. */
struct sock_hooks;

/* Attaches, then finds the sockets that are there. life: RUNG_BPF_TRACEPOINT, or
 * RUNG_BPF_FENTRY: the same, and trampolines on connect and accept. live: how scans go
 * through sockets (source/sock_scan.h), RUNG_NONE: the best that can be had. -errno and
 * the sentence. */
int sock_hooks_new(struct sock_hooks **ret, enum rung life, enum rung live, struct why *why);
void sock_hooks_free(struct sock_hooks *hooks); /* NULL is a no-op */

/* The rings of struct abi_sock, as events and as scans tell: file descriptors of BPF
 * maps, borrowed. */
int sock_hooks_events_fd(const struct sock_hooks *hooks);
int sock_hooks_seen_fd(const struct sock_hooks *hooks);

/* The calling thread is inside a namespace whose sockets scans are to show, too. 0 or
 * -errno. */
int sock_hooks_enter(struct sock_hooks *hooks, uint32_t netns);
void sock_hooks_leave(struct sock_hooks *hooks, uint32_t netns);

/* From now on scans show every socket once more. */
void sock_hooks_begin_round(struct sock_hooks *hooks);
/* Goes through all sockets: puts into the ring what has moved since it was shown, and
 * what this round has not shown. 0; 1 when there was no room or no time for some: read
 * the ring and call again. -errno: some were not looked at. */
int sock_hooks_scan(struct sock_hooks *hooks);

struct sock_hooks_counts {
	uint64_t lost; /* events that found no room, or whose program was skipped */
	uint64_t bare; /* sockets that may carry no note: scans do not show them */
};

void sock_hooks_read_counts(struct sock_hooks *hooks, struct sock_hooks_counts *ret);

#endif
