/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_SOCK_TYPES_H
#define WEIR_BPF_SOCK_TYPES_H

/* The members of sockets and tasks that weir reads, as kernel_types.h has those of
 * conntrack. Facts from include/net/sock.h, inet_sock.h, include/linux/tcp.h. */

#include "kernel_types.h"

struct in6_addr {
	union {
		u32 u6_addr32[4];
	} in6_u;
} CORE;

typedef struct {
	u32 val;
} CORE kuid_t;

struct kernfs_node {
	u64 id;
} CORE;

struct cgroup {
	struct kernfs_node *kn;
} CORE;

/* Until 5.15 it was a word that could hold other things, and had no such member. */
struct sock_cgroup_data {
	struct cgroup *cgroup;
} CORE;

struct inode {
	unsigned long i_ino;
} CORE;

struct socket {
	struct sock *sk;
} CORE;

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
} CORE;

struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_family;
	volatile u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags;
} CORE;

struct sock {
	struct sock_common __sk_common;
	int sk_err, sk_err_soft;
	kuid_t sk_uid;
	struct socket *sk_socket;
	u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
} CORE;

struct inet_sock {
	struct sock sk;
	u16 inet_sport;
} CORE;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
} CORE;

struct minmax_sample {
	u32 t, v;
} CORE;

struct minmax {
	struct minmax_sample s[3];
} CORE;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u64 bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	u32 segs_in, segs_out, total_retrans;
	u32 snd_una, snd_nxt, write_seq;
	u32 srtt_us, mdev_us;
	u32 snd_cwnd;
	u32 chrono_start, chrono_stat[3];
	u8 chrono_type : 2;
	struct minmax rtt_min;
} CORE;

struct upid {
	int nr;
	void *ns;
} CORE;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} CORE;

struct task_struct {
	unsigned int flags;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	char comm[16];
} CORE;

struct file;

/* Contexts of iterators (net/core/bpf_sk_storage.c, net/ipv4/tcp_ipv4.c,
 * kernel/bpf/task_iter.c). */
struct bpf_iter__bpf_sk_storage_map {
	union {
		struct bpf_iter_meta *meta;
		u64 : 64;
	};
	union {
		struct bpf_map *map;
		u64 : 64;
	};
	union {
		struct sock *sk;
		u64 : 64;
	};
	union {
		void *value;
		u64 : 64;
	};
};

struct bpf_iter__tcp {
	union {
		struct bpf_iter_meta *meta;
		u64 : 64;
	};
	union {
		struct sock_common *sk_common;
		u64 : 64;
	};
	u32 uid;
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
		u64 : 64;
	};
	union {
		struct task_struct *task;
		u64 : 64;
	};
	u32 fd;
	union {
		struct file *file;
		u64 : 64;
	};
};

#endif
