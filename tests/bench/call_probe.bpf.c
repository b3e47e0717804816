// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The other peer of the kernel bench: what a tracer costs that adds up what send and
 * receive calls are given, by process and connection in a hash map, as tools of that
 * kind do. Nobody reads its map here, which any real one does besides.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define CONNECTIONS_MAX 65536

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_dport, skc_num;
};

struct sock {
	struct sock_common __sk_common;
};
#pragma clang attribute pop

struct connection {
	__u32 pid, local, remote;
	__u16 local_port, remote_port_be;
};

struct bytes {
	__u64 sent, received;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection);
	__type(value, struct bytes);
} connections SEC(".maps");

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline struct bytes *bytes_of(const struct sock *sk)
{
	struct connection key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct bytes none = { 0 }, *bytes;

	key.local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	key.remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	key.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	key.remote_port_be = BPF_CORE_READ(sk, __sk_common.skc_dport);
	bytes = bpf_map_lookup_elem(&connections, &key);
	if (bytes)
		return bytes;
	bpf_map_update_elem(&connections, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&connections, &key);
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(on_send, struct sock *sk, void *message, __u64 size)
{
	struct bytes *bytes = bytes_of(sk);

	if (bytes)
		__sync_fetch_and_add(&bytes->sent, size);
	return 0;
}

SEC("kprobe/tcp_cleanup_rbuf")
int BPF_KPROBE(on_receive, struct sock *sk, int copied)
{
	struct bytes *bytes;

	if (copied <= 0)
		return 0;
	bytes = bytes_of(sk);
	if (bytes)
		__sync_fetch_and_add(&bytes->received, copied);
	return 0;
}
