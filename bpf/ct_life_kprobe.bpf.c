// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Begins and ends by kprobes, for kernels without trampolines or without the BTF of
 * their modules. The functions' names are given when the programs are attached.
 */
#include "kernel_types.h"

#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "weir_abi.h"

/* Preallocated: until 6.1 the kernel warns of a kprobe that takes memory. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct abi_spill_key);
	__type(value, struct abi_ct);
} spilled SEC(".maps");

#include "ct_life.bpf.h"

/* __nf_conntrack_hash_insert: the first packet is counted by now */
SEC("kprobe")
int BPF_KPROBE(on_ct_insert, void *object)
{
	return tell_begin((u64)object, 0);
}

/* nf_ct_destroy; before 5.17 destroy_conntrack */
SEC("kprobe")
int BPF_KPROBE(on_ct_destroy, void *object)
{
	return tell_end((u64)object);
}
