// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The peer of the kernel bench: what a collector costs that counts where the packets
 * pass. It adds one to a number of its CPU, less than any real one does.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("kprobe/__nf_ct_refresh_acct")
int on_packet(void *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&packets, &zero);

	if (value)
		(*value)++;
	return 0;
}
