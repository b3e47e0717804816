// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where conntrack's hash table is, on kernels that do not name it in kallsyms: a
 * flow that is known to be in the table is looked up by a kfunc (Linux 5.18); the
 * chain it stands in ends in the number of its bucket, and leads back to the
 * bucket itself. Run by BPF_PROG_TEST_RUN, inside the flow's namespace.
 */
#include "ct_entry.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Nodes of a chain in either direction. */
#define CHAIN_STEPS 256

/* net/netfilter/nf_conntrack_bpf.c: the first form, of 12 bytes */
struct bpf_ct_opts {
	s32 netns_id;
	s32 error;
	u8 l4proto;
	u8 dir;
	u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *, struct bpf_sock_tuple *, u32,
					 struct bpf_ct_opts *, u32) __ksym;
extern void bpf_ct_release(struct nf_conn *) __ksym;

struct abi_base base = {};

enum {
	EFAULT = 14,
	EAGAIN = 11,
	ENOENT = 2,
};

/* Reads the two words of a node, or of a bucket and its neighbour. */
static __always_inline int read_node(u64 words[2], u64 address)
{
	return bpf_probe_read_kernel(words, 2 * sizeof(*words), (void *)address) ? -EFAULT : 0;
}

/* The number at the end of the chain. */
static __always_inline int find_end(u64 node)
{
	u64 words[2];

	for (int i = 0; i < CHAIN_STEPS; i++) {
		if (node & 1) {
			base.bucket = (u32)(node >> 1);
			return 0;
		}
		if (read_node(words, node))
			return -EFAULT;
		node = words[0];
	}
	return -EAGAIN;
}

/* The bucket at the chain's beginning. What points to a node is the link of the
 * node before it, whose own second word points back again, or the bucket. */
static __always_inline int find_head(u64 before, u64 *head)
{
	u64 words[2], link;

	for (int i = 0; i < CHAIN_STEPS; i++) {
		*head = before;
		if (read_node(words, before))
			return 0;
		if (!words[1] || words[1] & 1)
			return 0;
		if (bpf_probe_read_kernel(&link, sizeof(link), (void *)words[1]) || link != before)
			return 0;
		before = words[1];
	}
	return -EAGAIN;
}

SEC("tc")
int find_table(struct __sk_buff *skb)
{
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = base.wanted.proto };
	struct bpf_sock_tuple tuple = {};
	u64 words[2], head = 0;
	struct nf_conn *ct;
	int r;

	tuple.ipv4.saddr = *(u32 *)base.wanted.source;
	tuple.ipv4.daddr = *(u32 *)base.wanted.destination;
	tuple.ipv4.sport = base.wanted.source_port_be;
	tuple.ipv4.dport = base.wanted.destination_port_be;
	base.table = 0;
	ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!ct) {
		base.error = opts.error ? opts.error : -ENOENT;
		return 0;
	}
	r = read_node(words, (u64)ct + bpf_core_field_offset(struct nf_conn, tuplehash));
	bpf_ct_release(ct);
	if (!r)
		r = find_end(words[0]);
	if (!r)
		r = find_head(words[1], &head);
	base.error = r;
	base.table = head - base.bucket * 8ULL;
	return 0;
}
