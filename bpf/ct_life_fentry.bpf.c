// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Begins and ends by trampolines (fentry, fexit): the cheapest hook there is. Where
 * conntrack is a module its functions need the module's BTF.
 */
#include "sock_types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "weir_abi.h"

/* Runs full only when ends come faster than they are read: then its memory is taken
 * piece by piece. Its size is set when it is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct abi_spill_key);
	__type(value, struct abi_ct);
} spilled SEC(".maps");

#include "ct_life.bpf.h"

#define NF_ACCEPT 1
/* include/linux/skbuff.h: the low bits of _nfct are the packet's relation to it */
#define NFCT_PTRMASK (~7ULL)

/* The entry was put into the table, or the packet was given that of another which
 * was first (a clash): its counters tell. */
SEC("fexit/__nf_conntrack_confirm")
int BPF_PROG(on_ct_confirm, struct sk_buff *skb, int verdict)
{
	const u64 object = skb->_nfct & NFCT_PTRMASK;
	const struct sock *sk = skb->sk;

	if (verdict != NF_ACCEPT || !object)
		return 0;
	/* a socket of this host sent the first packet; 0 until somebody asked for its
	 * cookie */
	return tell_begin(object, sk ? BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) : 0);
}

SEC("fentry/nf_ct_destroy")
int BPF_PROG(on_ct_destroy, void *object)
{
	return tell_end((u64)object);
}
