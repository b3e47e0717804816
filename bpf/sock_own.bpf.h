/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_SOCK_OWN_H
#define WEIR_BPF_SOCK_OWN_H

/* The note that a socket carries, and telling of a socket: for the objects that see
 * them, which share these maps. */

#include "sock_read.bpf.h"

#include "ring.bpf.h"

/* Half a second of what two processors can make. */
#define EVENTS_BYTES (4 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct abi_sock_own);
} owns SEC(".maps");

struct abi_sock_conf conf = {};

char _license[] SEC("license") = "Dual BSD/GPL";

/* The process of that task, as the reader's PID namespace sees it; 0: it does not, or
 * the kernel's own. */
static __always_inline u32 pid_of(const struct task_struct *task)
{
	const struct pid *pid;
	struct upid upid = {};
	u32 number;

	if (task->flags & PF_KTHREAD)
		return 0;
	if (!conf.pid_level) {
		number = (u32)task->group_leader->thread_pid->numbers[0].nr;
		barrier_var(number); /* one load must not do for both kinds of memory */
		return number;
	}
	/* one that is not typed can be added to */
	pid = BPF_CORE_READ(task, group_leader, thread_pid);
	if (BPF_CORE_READ(pid, level) < conf.pid_level)
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (const char *)&pid->numbers +
				      conf.pid_level * bpf_core_type_size(struct upid));
	return (u64)upid.ns == conf.pid_namespace ? (u32)upid.nr : 0;
}

static __always_inline void own_by(struct abi_sock_own *own, const struct sock *sk,
				   const struct task_struct *task)
{
	own->pid = pid_of(task);
	own->uid = sk->sk_uid.val;
	own->cgroup = cgroup_of(sk);
	own->flags &= (u8)~ABI_SOCK_GUESSED;
	bpf_probe_read_kernel_str(own->comm, sizeof(own->comm), task->group_leader->comm);
	if (!own->pid)
		own->comm[0] = 0;
}

static __always_inline void own_by_current(struct abi_sock_own *own, const struct sock *sk)
{
	own_by(own, sk, bpf_get_current_task_btf());
}

static __always_inline void fill(struct abi_sock *sock, struct sock *sk,
				 const struct tcp_sock *tcp, u8 kind, u8 state)
{
	sock->kind = kind;
	sock->state = state;
	sock->at_boot_ns = bpf_ktime_get_boot_ns();
	read_addresses(sock, sk, tcp);
}

static __always_inline void fill_own(struct abi_sock *sock, const struct abi_sock_own *own)
{
	sock->cookie = own->cookie + ((u64)own->generation << ABI_GENERATION_SHIFT);
	sock->cgroup = own->cgroup;
	sock->uid = own->uid;
	sock->pid = own->pid;
	sock->connect_us = own->connect_us;
	sock->role = own->role;
	sock->flags = own->flags;
	__builtin_memcpy(sock->comm, own->comm, sizeof(sock->comm));
}

static __always_inline u32 segments(const struct tcp_sock *tcp)
{
	return tcp->segs_in + tcp->segs_out;
}

/* own: NULL when the socket could carry no note; role is then what else tells of it. */
static __always_inline void tell(struct sock *sk, const struct tcp_sock *tcp, u8 kind, u8 state,
				 u8 role, struct abi_sock_own *own)
{
	struct abi_sock *sock = bpf_ringbuf_reserve(&events, sizeof(*sock), 0);

	if (!sock) {
		__sync_fetch_and_add(&conf.lost, 1);
		return;
	}
	__builtin_memset(sock, 0, sizeof(*sock));
	fill(sock, sk, tcp, kind, state);
	if (own) {
		if (own->role == ABI_ROLE_UNKNOWN)
			own->role = role;
		fill_own(sock, own);
		own->told_segments = segments(tcp);
	} else {
		/* of one that closes the beginning was not seen, or is told by itself */
		sock->cookie = bpf_get_socket_cookie(sk);
		sock->uid = sk->sk_uid.val;
		sock->role = role;
		sock->flags = kind == ABI_SOCK_CLOSED ? ABI_SOCK_OLD : ABI_SOCK_BARE;
	}
	read_counts(sock, sk, tcp, state, sock->role);
	if (kind == ABI_SOCK_CLOSED || kind == ABI_SOCK_FAILED)
		sock->error = sk->sk_err ? sk->sk_err : sk->sk_err_soft;
	bpf_ringbuf_submit(sock, wakeup(&events, EVENTS_BYTES / 4));
}

/* It asks for a connection. Until then its number stays: a scan that still sees the state
 * of one whose end is being told must not take it for another. */
static __always_inline void begin_another(struct abi_sock_own *own)
{
	if (own->flags & ABI_SOCK_ENDED)
		own->generation++;
	own->flags = 0;
}

static __always_inline struct abi_sock_own *own_of(struct sock *sk, u8 role)
{
	struct abi_sock_own *own =
		bpf_sk_storage_get(&owns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!own) {
		__sync_fetch_and_add(&conf.bare, 1);
		return 0;
	}
	if (!own->cookie)
		own->cookie = bpf_get_socket_cookie(sk);
	own->role = role;
	return own;
}

#endif
