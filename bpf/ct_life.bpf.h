/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_CT_LIFE_H
#define WEIR_BPF_CT_LIFE_H

/* Begins and ends of conntrack entries. Run once in an entry's life each, never for
 * a packet. Ends have a ring of their own, and a map for what finds no room in it:
 * they are the last word on a flow. A begin that is lost is shown by the walk. */

#include "ct_read.bpf.h"
#include "ring.bpf.h"

/* Unless another size is set when it is loaded, together with the words below. */
#define ENDS_BYTES (4 << 20)
#define BEGINS_BYTES (1 << 20)

/* So many bytes wait in a ring before its reader is woken. */
const volatile __u32 ends_wakeup_bytes = ENDS_BYTES / 4;
const volatile __u32 begins_wakeup_bytes = BEGINS_BYTES / 4;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ENDS_BYTES);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, BEGINS_BYTES);
} begins SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_LIFE_STATS);
	__type(key, u32);
	__type(value, u64);
} stats SEC(".maps");

/* Where an end is put together that finds no room in the ring. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_ct);
} scratch SEC(".maps");

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline void count(u32 stat)
{
	u64 *value = bpf_map_lookup_elem(&stats, &stat);

	if (value)
		(*value)++;
}

static __always_inline void spill(u64 object, const char *conn)
{
	struct abi_spill_key key = { .object = object, .at_boot_ns = bpf_ktime_get_boot_ns() };
	u32 zero = 0;
	struct abi_ct *entry = bpf_map_lookup_elem(&scratch, &zero);

	if (!entry)
		return;
	read_entry(entry, object, conn);
	entry->at_boot_ns = key.at_boot_ns;
	count(bpf_map_update_elem(&spilled, &key, entry, BPF_ANY) ? ABI_LIFE_ENDS_LOST :
								    ABI_LIFE_ENDS_SPILLED);
}

/* The last reference is gone: nobody counts any more, and what was counted is still
 * there (nf_ct_destroy; before 5.17 destroy_conntrack). */
static __always_inline int tell_end(u64 object)
{
	char conn[CONN_BYTES] __attribute__((aligned(8)));
	struct abi_ct *entry;

	if (bpf_probe_read_kernel(conn, conn_size(), (void *)object))
		return 0;
	/* dropped before it was a flow, or merged into the one that was first */
	if (!(CONN(u64, conn, status) & IPS_CONFIRMED)) {
		count(ABI_LIFE_UNCONFIRMED);
		return 0;
	}
	count(ABI_LIFE_ENDS);
	entry = bpf_ringbuf_reserve(&ends, sizeof(*entry), 0);
	if (!entry) {
		spill(object, conn);
		return 0;
	}
	read_entry(entry, object, conn);
	entry->at_boot_ns = bpf_ktime_get_boot_ns();
	bpf_ringbuf_submit(entry, wakeup(&ends, ends_wakeup_bytes));
	return 0;
}

static __always_inline int tell_begin(u64 object, u64 socket_cookie)
{
	char conn[CONN_BYTES] __attribute__((aligned(8)));
	struct abi_ct *entry;

	if (bpf_probe_read_kernel(conn, conn_size(), (void *)object))
		return 0;
	count(ABI_LIFE_BEGINS);
	entry = bpf_ringbuf_reserve(&begins, sizeof(*entry), 0);
	if (!entry) {
		count(ABI_LIFE_BEGINS_LOST);
		return 0;
	}
	read_entry(entry, object, conn);
	entry->at_boot_ns = bpf_ktime_get_boot_ns();
	entry->socket_cookie = socket_cookie;
	bpf_ringbuf_submit(entry, wakeup(&begins, begins_wakeup_bytes));
	return 0;
}

#endif
