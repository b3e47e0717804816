/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_BASE_H
#define WEIR_SOURCE_CT_BASE_H

#include <stdbool.h>
#include <stdint.h>

struct why;

/* Where the kernel's conntrack hash table is: by name, where /proc/kallsyms names
 * it; else by the chain that a flow of our own stands in (bpf_skb_ct_lookup,
 * Linux 5.18). */
struct ct_base;

/* -ENOTSUP when neither way is open, with the sentence. */
int ct_base_new(struct ct_base **ret, struct why *why);
void ct_base_free(struct ct_base *base); /* NULL is a no-op */

/* The address of the variable that holds the table's address; 0: it has no name. */
uint64_t ct_base_symbol(const struct ct_base *base);
/* The table's address now; 0 where it has a name. It moves when the number of
 * buckets is changed, so it is asked for before every pass. 0 or -errno. */
int ct_base_find(struct ct_base *base, uint64_t *ret);
/* The namespace of the flow that it was found by, which every pass must show; 0:
 * none. */
uint32_t ct_base_netns(const struct ct_base *base);

#endif
