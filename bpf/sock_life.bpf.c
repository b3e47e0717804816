// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * TCP sockets: what becomes of them, told as it happens, and how they fare, shown by
 * scans. Runs when a socket changes its state, never when it sends or receives.
 *
 * Each socket that was seen carries a note of its own (socket storage), which is also
 * what a scan goes through: those of all network namespaces, and of none twice. A
 * socket that may carry nothing more is watched without; nothing here can keep a
 * connection from being made.
 */
#include "sock_own.bpf.h"

#define SEEN_BYTES (1 << 20)
#define PORTS_MAX 4096

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SEEN_BYTES);
} seen SEC(".maps");

/* Where a connection is accepted, and by whom: what is known of an accepted socket's
 * process until it closes or is looked for. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PORTS_MAX);
	__type(key, struct abi_port_key);
	__type(value, struct abi_port);
} ports SEC(".maps");

/* Whether on_tcp_state is running on this processor. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} inside SEC(".maps");

static __always_inline struct abi_port_key port_of(const struct sock *sk, u16 port_be)
{
	return (struct abi_port_key){ .netns = sk->__sk_common.skc_net.net->ns.inum,
				      .port_be = port_be };
}

static __always_inline void own_by_listener(struct abi_sock_own *own, const struct sock *sk,
					    const struct tcp_sock *tcp)
{
	struct abi_port_key key = port_of(sk, tcp->inet_conn.icsk_inet.inet_sport);
	const struct abi_port *port = bpf_map_lookup_elem(&ports, &key);

	own->uid = sk->sk_uid.val;
	own->cgroup = cgroup_of(sk);
	own->flags |= ABI_SOCK_GUESSED;
	if (!port)
		return;
	own->pid = port->pid;
	__builtin_memcpy(own->comm, port->comm, sizeof(own->comm));
}

static __always_inline void on_ask(struct sock *sk)
{
	struct abi_sock_own *own = own_of(sk, ABI_ROLE_CLIENT);

	if (!own)
		return;
	own->asked_boot_ns = bpf_ktime_get_boot_ns();
	own->connect_us = 0;
	begin_another(own);
	own_by_current(own, sk);
}

static __always_inline void on_established(struct sock *sk, const struct tcp_sock *tcp,
					   int before)
{
	struct abi_sock_own *own = bpf_sk_storage_get(&owns, sk, 0, 0);

	/* two that ask each other come from SYN_RECV */
	if (before == TCP_SYN_SENT || (own && own->role == ABI_ROLE_CLIENT)) {
		if (own)
			own->role = ABI_ROLE_CLIENT;
		if (own && own->asked_boot_ns)
			own->connect_us =
				(u32)((bpf_ktime_get_boot_ns() - own->asked_boot_ns) / 1000);
		tell(sk, tcp, ABI_SOCK_CONNECTED, TCP_ESTABLISHED, ABI_ROLE_CLIENT, own);
		return;
	}
	/* Fast Open: it was accepted, and told, before */
	if (own && own->pid && !(own->flags & ABI_SOCK_GUESSED))
		return;
	own = own_of(sk, ABI_ROLE_SERVER);
	if (own) {
		own_by_listener(own, sk, tcp);
		own->asked_boot_ns = bpf_ktime_get_boot_ns();
	}
	if (!conf.calls_are_told)
		tell(sk, tcp, ABI_SOCK_ACCEPTED, TCP_ESTABLISHED, ABI_ROLE_SERVER, own);
}

/* Who closes holds it: the process that accepted it, where that was only guessed. */
static __always_inline void on_close_begins(struct sock *sk)
{
	struct abi_sock_own *own = bpf_sk_storage_get(&owns, sk, 0, 0);

	/* the kernel closes on behalf of others */
	if (own && own->flags & ABI_SOCK_GUESSED && pid_of(bpf_get_current_task_btf())) {
		own_by_current(own, sk);
		own->flags |= ABI_SOCK_REFINED;
	}
}

static __always_inline void on_closed(struct sock *sk, const struct tcp_sock *tcp, int before)
{
	struct abi_sock_own *own = bpf_sk_storage_get(&owns, sk, 0, 0);
	int asked;

	/* a child that found no room, or no listener any more; told as closed before */
	if ((before == TCP_SYN_RECV && !own) || before == TCP_CLOSE)
		return;
	asked = before == TCP_SYN_SENT ||
		(before == TCP_SYN_RECV && own && own->role == ABI_ROLE_CLIENT);
	if (!asked) {
		if (own && own->flags & ABI_SOCK_GUESSED && own->asked_boot_ns)
			own->connect_us =
				(u32)((bpf_ktime_get_boot_ns() - own->asked_boot_ns) / 1000);
		tell(sk, tcp, ABI_SOCK_CLOSED, (u8)before, role_by_counts(tcp, (u8)before), own);
	} else if (conf.calls_are_told && own && !(own->flags & ABI_SOCK_ASKED)) {
		return; /* within connect, which is about to say why */
	} else {
		tell(sk, tcp, ABI_SOCK_FAILED, TCP_SYN_SENT, ABI_ROLE_CLIENT, own);
	}
	if (own)
		own->flags |= ABI_SOCK_ENDED;
}

static __always_inline void on_listen(struct sock *sk, const struct tcp_sock *tcp,
				      const struct task_struct *task)
{
	struct abi_port_key key = port_of(sk, tcp->inet_conn.icsk_inet.inet_sport);
	struct abi_port port = { .cookie = bpf_get_socket_cookie(sk), .pid = pid_of(task) };

	bpf_probe_read_kernel_str(port.comm, sizeof(port.comm), task->group_leader->comm);
	bpf_map_update_elem(&ports, &key, &port, BPF_ANY);
}

static __always_inline void on_unlisten(struct sock *sk, const struct tcp_sock *tcp)
{
	struct abi_port_key key = port_of(sk, tcp->inet_conn.icsk_inet.inet_sport);
	const struct abi_port *port = bpf_map_lookup_elem(&ports, &key);

	if (port && port->cookie == bpf_get_socket_cookie(sk))
		bpf_map_delete_elem(&ports, &key);
}

/* Also called for SCTP, DCCP, and by MPTCP for what is no connection of its own. */
static __always_inline void on_state(struct sock *sk, int before, int state)
{
	const struct tcp_sock *tcp;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK) {
		on_close_begins(sk);
		return;
	}
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	if (state == TCP_SYN_SENT)
		on_ask(sk);
	else if (state == TCP_ESTABLISHED)
		on_established(sk, tcp, before);
	else if (state == TCP_LISTEN)
		on_listen(sk, tcp, bpf_get_current_task_btf());
	else if (before == TCP_LISTEN)
		on_unlisten(sk, tcp);
	else
		on_closed(sk, tcp, before);
}

/* Half of all changes are of no interest. */
static __always_inline int is_of_interest(int state)
{
	return state == TCP_SYN_SENT || state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 ||
	       state == TCP_LAST_ACK || state == TCP_LISTEN || state == TCP_CLOSE;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, struct sock *sk, int before, int state)
{
	u32 zero = 0, *busy;

	if (!is_of_interest(state))
		return 0;
	busy = bpf_map_lookup_elem(&inside, &zero);
	if (!busy)
		return 0;
	*(volatile u32 *)busy = 1;
	on_state(sk, before, state);
	*(volatile u32 *)busy = 0;
	return 0;
}

/* The kernel skips a program that is running on that processor already
 * (__bpf_trace_run): one that was interrupted by packets, or by another task. What it
 * is skipped for is this one's. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state_inside, struct sock *sk, int before, int state)
{
	u32 zero = 0;
	const volatile u32 *busy = bpf_map_lookup_elem(&inside, &zero);

	if (!busy || !*busy)
		return 0;
	__sync_fetch_and_add(&conf.inside, 1);
	if (is_of_interest(state))
		on_state(sk, before, state);
	return 0;
}

/* It was in its listener's queue when it was shown last: now who has it can be found. */
static __always_inline int is_newly_held(const struct abi_sock_own *own, const struct sock *sk)
{
	return own->flags & ABI_SOCK_GUESSED && !own->held && sk->sk_socket;
}

/* What has moved since it was shown last, and what this round has not shown. */
static __always_inline int show(struct abi_sock_own *own, struct sock *sk,
				const struct tcp_sock *tcp)
{
	const u8 state = sk->__sk_common.skc_state;
	struct abi_sock *sock;

	/* nothing has come of it yet, or nothing more will */
	if (state == TCP_SYN_SENT || state == TCP_CLOSE || state == TCP_LISTEN ||
	    own->flags & ABI_SOCK_ENDED)
		return 0;
	if (own->told_round == conf.round && own->told_segments == segments(tcp) &&
	    !is_newly_held(own, sk))
		return 0;
	/* who accepts it is about to be told */
	if (conf.calls_are_told && own->flags & ABI_SOCK_GUESSED && !sk->sk_socket)
		return 0;
	if (own->role == ABI_ROLE_UNKNOWN)
		own->role = role_by_counts(tcp, state);
	sock = bpf_ringbuf_reserve(&seen, sizeof(*sock), 0);
	if (!sock) {
		conf.put_off++;
		return 0;
	}
	__builtin_memset(sock, 0, sizeof(*sock));
	fill(sock, sk, tcp, ABI_SOCK_SEEN, state);
	own->told_segments = segments(tcp);
	own->told_round = conf.round;
	sock->inode = read_inode(sk);
	own->held = sock->inode != 0;
	fill_own(sock, own);
	read_counts(sock, sk, tcp, state, own->role);
	bpf_ringbuf_submit(sock, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int scan_tcp(struct bpf_iter__bpf_sk_storage_map *context)
{
	struct abi_sock_own *own = context->value;
	struct sock *sk = context->sk;
	const struct tcp_sock *tcp;

	if (!sk || !own)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	return tcp ? show(own, sk, tcp) : 0;
}

/* The same of the sockets of one network namespace, the reader's. */
SEC("iter/tcp")
int scan_tcp_here(struct bpf_iter__tcp *context)
{
	struct sock_common *common = context->sk_common;
	struct abi_sock_own *own;
	struct tcp_sock *tcp;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common);
	if (!tcp)
		return 0;
	own = bpf_sk_storage_get(&owns, tcp, 0, 0);
	return own ? show(own, (struct sock *)tcp, tcp) : 0;
}

static __always_inline int is_server_port(const struct sock *sk, const struct tcp_sock *tcp)
{
	struct abi_port_key key = port_of(sk, tcp->inet_conn.icsk_inet.inet_sport);

	return bpf_map_lookup_elem(&ports, &key) != 0;
}

static __always_inline void know_reader(struct task_struct *reader)
{
	const struct pid *pid = BPF_CORE_READ(reader, thread_pid);
	struct upid upid = {};

	conf.pid_level = BPF_CORE_READ(pid, level);
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (const char *)&pid->numbers +
				      conf.pid_level * bpf_core_type_size(struct upid));
	conf.pid_namespace = (u64)upid.ns;
}

/* What was there before: every socket that some process holds. Run twice: the first
 * finds out who listens, on which the role of the others stands. */
SEC("iter/task_file")
int find_tcp(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task, *reader = bpf_get_current_task_btf();
	struct file *file = context->file;
	struct abi_sock_own *own;
	const struct tcp_sock *tcp;
	struct socket *socket;
	struct sock *sk;

	if (!context->meta->seq_num) /* it is the reader who runs this */
		know_reader(reader);
	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : 0;
	if (!sk || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (sk->__sk_common.skc_state == TCP_LISTEN) {
		on_listen(sk, tcp, task);
		return 0;
	}
	if (sk->__sk_common.skc_state == TCP_CLOSE)
		return 0;
	own = bpf_sk_storage_get(&owns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!own)
		return 0;
	if (!own->cookie) {
		own->cookie = bpf_get_socket_cookie(sk);
		own->flags = ABI_SOCK_OLD;
	}
	/* init hands descriptors down: rather another that holds it, too */
	if (own->pid <= 1 || own->flags & ABI_SOCK_GUESSED)
		own_by(own, sk, task);
	if (own->role == ABI_ROLE_UNKNOWN)
		own->role = role_by_counts(tcp, sk->__sk_common.skc_state);
	if (own->role == ABI_ROLE_UNKNOWN && is_server_port(sk, tcp))
		own->role = ABI_ROLE_SERVER;
	return 0;
}
