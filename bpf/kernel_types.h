/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_KERNEL_TYPES_H
#define WEIR_BPF_KERNEL_TYPES_H

/* The members of kernel structures that weir reads, and no others: libbpf finds
 * where they are on the running kernel (CO-RE). Only names matter here, neither
 * offsets nor order. Facts from include/net/netfilter/nf_conntrack*.h. */

#include <linux/types.h>
#include <linux/bpf.h>

#define CORE __attribute__((preserve_access_index))

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;

struct hlist_nulls_node {
	struct hlist_nulls_node *next, **pprev;
} CORE;

union nf_inet_addr {
	u32 all[4];
} CORE;

union nf_conntrack_man_proto {
	u16 all;
} CORE;

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
	u16 l3num;
} CORE;

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			u16 all;
		} u;
		u8 protonum;
		u8 dir;
	} dst;
} CORE;

struct nf_conntrack_tuple_hash {
	struct hlist_nulls_node hnnode;
	struct nf_conntrack_tuple tuple;
} CORE;

/* The numbers are the running kernel's, by CO-RE; these are of 6.18. */
enum nf_ct_ext_id {
	NF_CT_EXT_ACCT = 3,
	NF_CT_EXT_TSTAMP = 5,
	NF_CT_EXT_LABELS = 7,
};

struct nf_ct_ext {
	u8 offset[9];
} CORE;

struct nf_conntrack_zone {
	u16 id;
	u8 flags, dir;
} CORE;

struct ns_common {
	unsigned int inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

typedef struct {
	struct net *net;
} CORE possible_net_t;

struct ip_ct_tcp {
	u8 state;
} CORE;

union nf_conntrack_proto {
	struct ip_ct_tcp tcp;
} CORE;

/* Its one member is the use count, of two types over time (refcount_t since 5.17):
 * read as the word it is. */
struct nf_conntrack {
	u32 word;
} CORE;

struct nf_conn {
	struct nf_conntrack ct_general;
	u32 timeout; /* jiffies, 32 bits */
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
	possible_net_t ct_net;
	u32 mark;
	struct nf_ct_ext *ext;
	union nf_conntrack_proto proto;
} CORE;

/* Two words, in the BTF of every kernel: how bpf_rdonly_cast loads whatever has
 * no type there (nf_conn_acct is in a module's BTF, or in none). */
struct timespec64 {
	u64 tv_sec;
	u64 tv_nsec;
} CORE;

typedef struct {
	u64 counter;
} CORE atomic64_t;

struct sock;

struct sk_buff {
	unsigned long _nfct;
	struct sock *sk;
} CORE;

/* Contexts of iterators: fixed by the kernel (kernel/bpf/map_iter.c). */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id, seq_num;
};

struct bpf_iter__bpf_map_elem {
	union {
		struct bpf_iter_meta *meta;
		u64 : 64;
	};
	union {
		struct bpf_map *map;
		u64 : 64;
	};
	union {
		void *key;
		u64 : 64;
	};
	union {
		void *value;
		u64 : 64;
	};
};

#endif
