/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_CT_READ_H
#define WEIR_BPF_CT_READ_H

/* Reading a conntrack entry by bpf_probe_read_kernel: for kernels without
 * bpf_rdonly_cast, and where a hook gives an address without a type. The entry is
 * copied once, as far as any member that is wanted, and taken apart here. */

#include "ct_entry.bpf.h"

/* More than any kernel's nf_conn has up to proto.tcp.state. */
#define CONN_BYTES 320

#define CONN_OFFSET(field) bpf_core_field_offset(struct nf_conn, field)
#define CONN(type, conn, field) (*(const type *)((conn) + CONN_OFFSET(field)))

static __always_inline u32 conn_size(void)
{
	const u32 size = bpf_core_type_size(struct nf_conn);

	return size < CONN_BYTES ? size : CONN_BYTES;
}

/* From count to stop_wall_ns. */
#define COUNT_AND_TIMES_BYTES \
	(__builtin_offsetof(struct abi_ct, at_boot_ns) - __builtin_offsetof(struct abi_ct, count))

static __always_inline void read_tuple(struct abi_tuple *to, const char *from)
{
	const char *src = from + bpf_core_field_offset(struct nf_conntrack_tuple, src.u3);
	const char *dst = from + bpf_core_field_offset(struct nf_conntrack_tuple, dst.u3);

	for (int i = 0; i < 4; i++) {
		((u32 *)to->source)[i] = ((const u32 *)src)[i];
		((u32 *)to->destination)[i] = ((const u32 *)dst)[i];
	}
	to->source_port_be =
		*(const u16 *)(from + bpf_core_field_offset(struct nf_conntrack_tuple, src.u));
	to->destination_port_be =
		*(const u16 *)(from + bpf_core_field_offset(struct nf_conntrack_tuple, dst.u));
	to->proto = *(const u8 *)(from +
				  bpf_core_field_offset(struct nf_conntrack_tuple, dst.protonum));
	to->pad[0] = to->pad[1] = to->pad[2] = 0;
}

/* Counters, timestamps and labels, which an entry may each lack. */
static __always_inline void read_extensions(struct abi_ct *to, u64 ext)
{
	u64 offsets[2] = { 0, 0 };
	u32 size = bpf_core_field_size(struct nf_ct_ext, offset), at, times;

	to->has = 0;
	__builtin_memset(to->count, 0, sizeof(to->count));
	__builtin_memset(to->labels, 0, sizeof(to->labels));
	to->start_wall_ns = to->stop_wall_ns = 0;
	if (!ext)
		return;
	if (size > sizeof(offsets))
		size = sizeof(offsets);
	if (bpf_probe_read_kernel(offsets, size,
				  (void *)(ext + bpf_core_field_offset(struct nf_ct_ext, offset))))
		return;
	/* struct nf_conn_acct: two counters of packets, then bytes; struct nf_conn_tstamp:
	 * start, stop. The kernel puts them one after the other, as they are in the record:
	 * one read brings both */
	at = ext_offset(offsets, EXT_ID(NF_CT_EXT_ACCT));
	times = ext_offset(offsets, EXT_ID(NF_CT_EXT_TSTAMP));
	if (at && times == at + sizeof(to->count)) {
		if (!bpf_probe_read_kernel(to->count, COUNT_AND_TIMES_BYTES, (void *)(ext + at)))
			to->has |= ABI_CT_COUNTERS | ABI_CT_START;
	} else {
		if (at && !bpf_probe_read_kernel(to->count, sizeof(to->count), (void *)(ext + at)))
			to->has |= ABI_CT_COUNTERS;
		if (times && !bpf_probe_read_kernel(&to->start_wall_ns, 16, (void *)(ext + times)))
			to->has |= ABI_CT_START;
	}
	at = ext_offset(offsets, EXT_ID(NF_CT_EXT_LABELS));
	if (at && !bpf_probe_read_kernel(to->labels, sizeof(to->labels), (void *)(ext + at)))
		to->has |= ABI_CT_LABELS;
}

/* Takes apart a copied entry. */
static __always_inline void read_entry(struct abi_ct *to, u64 object, const char *conn)
{
	const u64 net = CONN(u64, conn, ct_net.net);

	to->status = (u32)CONN(u64, conn, status);
	to->object = object;
	to->at_boot_ns = to->socket_cookie = 0;
	read_tuple(&to->tuple[0], conn + CONN_OFFSET(tuplehash[0].tuple));
	read_tuple(&to->tuple[1], conn + CONN_OFFSET(tuplehash[1].tuple));
	to->family = (u8)CONN(u16, conn, tuplehash[0].tuple.src.l3num);
	to->timeout_jiffies = jiffies_left(CONN(u32, conn, timeout));
	to->mark = 0;
	if (bpf_core_field_exists(struct nf_conn, mark))
		to->mark = CONN(u32, conn, mark);
	to->zone = 0;
	to->zone_flags = ZONE_BOTH_WAYS;
	if (bpf_core_field_exists(struct nf_conn, zone)) {
		to->zone = CONN(u16, conn, zone.id);
		to->zone_flags = CONN(u8, conn, zone.dir);
	}
	to->tcp_state = 0;
	if (to->tuple[0].proto == IPPROTO_TCP)
		to->tcp_state = CONN(u8, conn, proto.tcp.state);
	to->pad[0] = to->pad[1] = 0;
	to->netns = 0;
	bpf_probe_read_kernel(&to->netns, sizeof(to->netns),
			      (void *)(net + bpf_core_field_offset(struct net, ns.inum)));
	read_extensions(to, CONN(u64, conn, ext));
	to->has |= ABI_CT_TIMEOUT;
}

#endif
