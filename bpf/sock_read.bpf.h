/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_SOCK_READ_H
#define WEIR_BPF_SOCK_READ_H

/* Reading a TCP socket: its addresses, what it has counted, whose it is.
 *
 * What the kernel counts as acknowledged holds the SYN of who connects and the FIN of
 * both; what it counts as received, the peer's FIN (net/ipv4/tcp_input.c,
 * tcp_snd_una_update, tcp_fin). The payload is the rest. */

#include "sock_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "weir_abi.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define PF_KTHREAD 0x00200000

/* include/net/tcp_states.h */
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
       TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING };

/* include/net/sock.h, enum sock_flags: the peer's FIN has come (tcp_fin) */
#define SOCK_DONE 1

/* tcp_min_rtt before anything was measured */
#define RTT_NONE (~0U)

/* What keeps a socket from sending (include/net/tcp.h, enum tcp_chrono). */
enum { CHRONO_RWND_LIMITED = 2, CHRONO_SNDBUF_LIMITED };

static __always_inline u64 less(u64 value, u64 by)
{
	return value > by ? value - by : 0;
}

static __always_inline int has_sent_fin(u8 state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_TIME_WAIT ||
	       state == TCP_LAST_ACK || state == TCP_CLOSING;
}

static __always_inline u64 fin_acked(const struct tcp_sock *tcp, u8 state)
{
	return has_sent_fin(state) && tcp->snd_una == tcp->write_seq;
}

/* Without a word about it, what was acknowledged tells who asked for the connection:
 * while nothing is on its way, it is one more than was sent, or not. */
static __always_inline u8 role_by_counts(const struct tcp_sock *tcp, u8 state)
{
	const u64 sent_once = tcp->bytes_sent - tcp->bytes_retrans;
	const u64 acked = tcp->bytes_acked - fin_acked(tcp, state);

	if (tcp->snd_una != tcp->snd_nxt)
		return ABI_ROLE_UNKNOWN;
	if (acked == sent_once + 1)
		return ABI_ROLE_CLIENT;
	return acked == sent_once ? ABI_ROLE_SERVER : ABI_ROLE_UNKNOWN;
}

/* For how long, in jiffies, as tcp_get_info_chrono_stats counts. */
static __always_inline u32 limited(const struct tcp_sock *tcp, u8 type, u8 which)
{
	return tcp->chrono_stat[which - 1] +
	       (type == which ? (u32)bpf_jiffies64() - tcp->chrono_start : 0);
}

static __always_inline void read_limits(struct abi_sock *ret, const struct tcp_sock *tcp)
{
	u8 type;

	if (!bpf_core_field_exists(tcp->chrono_stat))
		return;
	type = BPF_CORE_READ_BITFIELD(tcp, chrono_type);
	ret->rwnd_limited_ticks = limited(tcp, type, CHRONO_RWND_LIMITED);
	ret->sndbuf_limited_ticks = limited(tcp, type, CHRONO_SNDBUF_LIMITED);
}

/* state: the one that it is in, or was in before it closed. */
static __always_inline void read_counts(struct abi_sock *ret, const struct sock *sk,
					const struct tcp_sock *tcp, u8 state, u8 role)
{
	const u32 min_rtt_us = tcp->rtt_min.s[0].v;

	ret->sent_bytes = less(tcp->bytes_acked,
			       (role == ABI_ROLE_CLIENT) + fin_acked(tcp, state));
	ret->received_bytes = less(tcp->bytes_received, sk->__sk_common.skc_flags >> SOCK_DONE & 1);
	ret->segments_sent = tcp->segs_out;
	ret->segments_received = tcp->segs_in;
	ret->retransmits = tcp->total_retrans;
	ret->srtt_us = tcp->srtt_us >> 3;
	ret->rttvar_us = tcp->mdev_us >> 2;
	ret->cwnd = tcp->snd_cwnd;
	ret->min_rtt_us = min_rtt_us == RTT_NONE ? 0 : min_rtt_us;
	read_limits(ret, tcp);
}

/* The local port of a socket that is closing is only kept in inet_sport. */
static __always_inline void read_addresses(struct abi_sock *ret, const struct sock *sk,
					   const struct tcp_sock *tcp)
{
	ret->family = sk->__sk_common.skc_family == AF_INET6 ? AF_INET6 : AF_INET;
	ret->netns = sk->__sk_common.skc_net.net->ns.inum;
	ret->local_port_be = tcp->inet_conn.icsk_inet.inet_sport;
	ret->remote_port_be = sk->__sk_common.skc_dport;
	if (ret->family == AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
		bpf_core_read(ret->local, sizeof(ret->local), &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(ret->remote, sizeof(ret->remote), &sk->__sk_common.skc_v6_daddr);
	} else {
		*(u32 *)ret->local = sk->__sk_common.skc_rcv_saddr;
		*(u32 *)ret->remote = sk->__sk_common.skc_daddr;
	}
}

static __always_inline u32 read_inode(const struct sock *sk)
{
	const struct socket *socket = sk->sk_socket;

	return socket ? BPF_CORE_READ((const struct socket_alloc *)socket, vfs_inode.i_ino) : 0;
}

static __always_inline u64 cgroup_of(const struct sock *sk)
{
	return bpf_core_field_exists(sk->sk_cgrp_data.cgroup) ? sk->sk_cgrp_data.cgroup->kn->id : 0;
}

#endif
