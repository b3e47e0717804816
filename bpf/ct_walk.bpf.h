/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_CT_WALK_H
#define WEIR_BPF_CT_WALK_H

/* Walking conntrack's hash table: the maps that are walked instead.
 *
 * An iterator over an array map runs its program once for each element, under
 * rcu_read_lock and at the reader's pace. Element i stands for a run of buckets.
 * An element whose output found no room is shown again by the next read(2), so
 * what is written must bear repetition. One thread reads: the record is global. */

#include "ct_entry.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set when it is loaded */
	__type(key, u32);
	__type(value, u32);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set when it is loaded */
	__type(key, u32);
	__type(value, struct abi_hot_page);
} hot SEC(".maps");

struct abi_walk walk = {};

struct abi_ct entry = {};

char _license[] SEC("license") = "Dual BSD/GPL";

/* The end of a chain holds the number of its bucket (list_nulls.h): another one
 * says that an entry was freed and used again while we stood on it. */
static __always_inline int is_end(u64 node)
{
	return node & 1;
}

static __always_inline int is_end_of(u64 node, u32 bucket)
{
	return node == (1 | (u64)bucket << 1);
}

static __always_inline int show(struct seq_file *seq)
{
	if (walk.netns_only && entry.netns != walk.netns_only && entry.netns != walk.netns_own)
		return 0;
	walk.shown++;
	return bpf_seq_write(seq, &entry, sizeof(entry));
}

#endif
