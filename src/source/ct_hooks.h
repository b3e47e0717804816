/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_HOOKS_H
#define WEIR_SOURCE_CT_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/rung.h"

struct abi_ct;
struct why;

/* BPF programs on the functions that make and unmake conntrack entries, attached
 * while this lives. */
struct ct_hooks;

/* By RUNG_BPF_FENTRY or RUNG_BPF_KPROBE: all of it or nothing. ring_bytes: of ends, begins
 * have a quarter of it; made a power of two of at least a page. 0: the default. -errno
 * and the sentence. */
int ct_hooks_new(struct ct_hooks **ret, enum rung rung, uint64_t ring_bytes, struct why *why);
void ct_hooks_free(struct ct_hooks *hooks); /* NULL is a no-op */

/* The rings of struct abi_ct: file descriptors of BPF maps, borrowed. */
int ct_hooks_begins_fd(const struct ct_hooks *hooks);
int ct_hooks_ends_fd(const struct ct_hooks *hooks);

/* Growing counts. */
struct ct_hooks_counts {
	uint64_t lost;    /* events that found no room, or whose program was skipped */
	uint64_t spilled; /* ends that were put into the map instead */
};

/* misses: also ask how often the kernel skipped a program (some system calls); else
 * what was known of that is repeated. */
void ct_hooks_read_counts(struct ct_hooks *hooks, bool misses, struct ct_hooks_counts *ret);
/* Takes what was spilled out of the map. */
void ct_hooks_read_spilled(struct ct_hooks *hooks,
			   void (*each)(void *context, const struct abi_ct *entry),
			   void *context);
/* Bytes of kernel memory that the maps take at rest. */
uint64_t ct_hooks_map_bytes(const struct ct_hooks *hooks);

#endif
