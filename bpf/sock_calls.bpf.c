// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What changes of state do not tell of TCP sockets, by trampolines: why a connect
 * failed before anything was sent, and who accepts. Once for each connect and
 * accept, whose maps are those of sock_life.
 */
#include "sock_own.bpf.h"

#include <bpf/bpf_endian.h>

/* As far as it is read: eight bytes of nothing follow. */
struct sockaddr_in {
	u16 sin_family, sin_port;
	u32 sin_addr;
};

struct sockaddr_in6 {
	u16 sin6_family, sin6_port;
	u32 sin6_flowinfo;
	u32 sin6_addr[4];
};

static __always_inline int on_success(struct sock *sk)
{
	struct abi_sock_own *own = bpf_sk_storage_get(&owns, sk, 0, 0);

	if (own)
		own->flags |= ABI_SOCK_ASKED;
	return 0;
}

/* It has asked for nothing: what it wanted is only known from the call. */
static __always_inline struct abi_sock *begin_failure(struct sock *sk, int result)
{
	struct abi_sock_own *own = own_of(sk, ABI_ROLE_CLIENT);
	struct abi_sock *sock;

	sock = bpf_ringbuf_reserve(&events, sizeof(*sock), 0);
	if (!sock) {
		__sync_fetch_and_add(&conf.lost, 1);
		return 0;
	}
	__builtin_memset(sock, 0, sizeof(*sock));
	sock->kind = ABI_SOCK_FAILED;
	sock->state = TCP_SYN_SENT;
	sock->error = (s32)-result;
	sock->at_boot_ns = bpf_ktime_get_boot_ns();
	sock->netns = sk->__sk_common.skc_net.net->ns.inum;
	if (own) {
		own->connect_us = 0;
		begin_another(own);
		own_by_current(own, sk);
		fill_own(sock, own);
		own->flags |= ABI_SOCK_ENDED;
	} else {
		sock->cookie = bpf_get_socket_cookie(sk);
		sock->uid = sk->sk_uid.val;
		sock->role = ABI_ROLE_CLIENT;
	}
	return sock;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_connect4, struct sock *sk, void *address, int size, int result)
{
	struct sockaddr_in to = {};
	struct abi_sock *sock;

	if (result >= 0)
		return on_success(sk);
	/* else it was no address at all */
	bpf_probe_read_kernel(&to, sizeof(to), address);
	if (size < (int)sizeof(to) || to.sin_family != AF_INET)
		return 0;
	sock = begin_failure(sk, result);
	if (!sock)
		return 0;
	sock->family = AF_INET;
	sock->remote_port_be = to.sin_port;
	*(u32 *)sock->remote = to.sin_addr;
	bpf_ringbuf_submit(sock, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_connect6, struct sock *sk, void *address, int size, int result)
{
	struct sockaddr_in6 to = {};
	struct abi_sock *sock;

	if (result >= 0)
		return on_success(sk);
	bpf_probe_read_kernel(&to, sizeof(to), address);
	if (size < (int)sizeof(to) - 4 || to.sin6_family != AF_INET6)
		return 0;
	/* that of an IPv4 address is the other function's */
	if (!to.sin6_addr[0] && !to.sin6_addr[1] && to.sin6_addr[2] == bpf_htonl(0xffff))
		return 0;
	sock = begin_failure(sk, result);
	if (!sock)
		return 0;
	sock->family = AF_INET6;
	sock->remote_port_be = to.sin6_port;
	__builtin_memcpy(sock->remote, to.sin6_addr, sizeof(to.sin6_addr));
	bpf_ringbuf_submit(sock, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int on_accepted(struct sock *sk)
{
	const struct tcp_sock *tcp;
	struct abi_sock_own *own;

	/* one that was reset in the queue is told as closed already */
	if (!sk || sk->sk_protocol != IPPROTO_TCP || sk->__sk_common.skc_state == TCP_CLOSE)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	own = own_of(sk, ABI_ROLE_SERVER);
	if (own) {
		own_by_current(own, sk);
		if (own->asked_boot_ns)
			own->connect_us =
				(u32)((bpf_ktime_get_boot_ns() - own->asked_boot_ns) / 1000);
	}
	tell(sk, tcp, ABI_SOCK_ACCEPTED, sk->__sk_common.skc_state, ABI_ROLE_SERVER,
	     own);
	return 0;
}

/* Its arguments became fewer in 6.10; the result comes after them. */
SEC("fexit/inet_csk_accept")
int on_accept_after_2(u64 *arguments)
{
	return on_accepted((struct sock *)arguments[2]);
}

SEC("fexit/inet_csk_accept")
int on_accept_after_4(u64 *arguments)
{
	return on_accepted((struct sock *)arguments[4]);
}
