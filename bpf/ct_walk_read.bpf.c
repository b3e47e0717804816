// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The walk by bpf_probe_read_kernel, for kernels before 6.2: no bpf_loop either
 * (5.17), so a run of buckets is one loop whose step is one node of a chain.
 */
#include "ct_walk.bpf.h"

#include "ct_read.bpf.h"

/* Nodes of a run of buckets, each entry being two. */
#define RUN_STEPS (2 * ABI_CHAIN_MAX)
/* Retries of a chain that changed under the reader. */
#define CHAIN_TRIES 3

/* Two copies of an entry: before its extensions were read, and after. */
char conn[CONN_BYTES], again[CONN_BYTES];

/* Where the walk stands. In memory, of which the verifier knows nothing, so that
 * every step of the loop is to it the same step; volatile, lest the compiler keep the
 * members apart, which the BTF of the object then contradicts. */
static volatile struct {
	__u64 node;
	__u32 bucket, end, tries;
} at;

static __always_inline u64 read_word(u64 address)
{
	u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)address);
	return word;
}

/* Fills the record; -1 when there is nothing to show: the entry is not in the
 * table (yet), or was given back while it was read. Freeing makes the use count 0,
 * frees the extensions, then the entry (nf_conntrack_free). A global function is
 * verified once, not for each step of the loop. */
__noinline int load_entry(u64 object)
{
	if (bpf_probe_read_kernel(conn, conn_size(), (void *)object))
		return -1;
	if (!is_alive(CONN(u64, conn, status)))
		return -1;
	read_entry(&entry, object, conn);
	if (bpf_probe_read_kernel(again, conn_size(), (void *)object))
		return -1;
	if (!CONN(u32, again, ct_general) || CONN(u64, again, ext) != CONN(u64, conn, ext) ||
	    !is_alive(CONN(u64, again, status))) {
		walk.void_entries++;
		return -1;
	}
	return 0;
}

enum step { STEP_ON, STEP_SHOW, STEP_END };

static __always_inline void enter_bucket(void)
{
	at.node = read_word(walk.table + at.bucket * 8ULL);
}

/* One node, or one end of a chain. */
__noinline int walk_step(void)
{
	struct {
		u64 next;
		char rest[sizeof(u64) * 7];
	} hash = { 0 };
	const u64 node = at.node;

	if (!node || is_end(node)) {
		if (!is_end_of(node, at.bucket)) {
			if (++at.tries < CHAIN_TRIES) {
				enter_bucket();
				return STEP_ON;
			}
			walk.torn++;
		}
		at.tries = 0;
		if (++at.bucket >= at.end)
			return STEP_END;
		enter_bucket();
		return STEP_ON;
	}
	/* struct nf_conntrack_tuple_hash: the link, then the tuple */
	if (bpf_probe_read_kernel(&hash, bpf_core_type_size(struct nf_conntrack_tuple_hash),
				  (void *)node)) {
		at.node = 0;
		return STEP_ON;
	}
	at.node = hash.next;
	/* an entry is in the table twice: once for each direction */
	if (*((char *)&hash +
	      bpf_core_field_offset(struct nf_conntrack_tuple_hash, tuple.dst.dir)))
		return STEP_ON;
	return load_entry(node - CONN_OFFSET(tuplehash)) ? STEP_ON : STEP_SHOW;
}

static __always_inline void begin_pass(void)
{
	walk.jiffies = bpf_jiffies64();
	if (walk.table_symbol)
		walk.table = read_word(walk.table_symbol);
}

SEC("iter/bpf_map_elem")
int walk_table(struct bpf_iter__bpf_map_elem *ctx)
{
	const u32 *key = ctx->key;

	if (!key)
		return 0;
	if (!*key)
		begin_pass();
	at.bucket = *key * walk.stride + walk.first;
	at.end = at.bucket + walk.many;
	at.tries = 0;
	if (at.end > walk.buckets)
		at.end = walk.buckets;
	if (at.bucket >= at.end)
		return 0;
	enter_bucket();
	for (int i = 0; i < RUN_STEPS; i++) {
		const int step = walk_step();

		if (step == STEP_END)
			return 0;
		if (step == STEP_SHOW && show(ctx->meta->seq))
			return 0;
	}
	walk.cut++;
	return 0;
}

/* The same, of an entry that must still have the tuple it was chosen by. */
__noinline int load_hot(u64 object, u64 check)
{
	return load_entry(object) || abi_tuple_check(&entry.tuple[0]) != check;
}

SEC("iter/bpf_map_elem")
int walk_hot(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct abi_hot_page *page = ctx->value;
	const u32 *key = ctx->key;
	int full = 0;

	if (!key || !page || *key >= walk.hot_pages)
		return 0;
	/* A loop must be closed by a jump (check_cfg), which compilers do not know: so
	 * there is none. */
#pragma clang loop unroll(full)
	for (int i = 0; i < ABI_HOT_ENTRIES; i++) {
		const struct abi_hot_entry *chosen = &page->entry[i];

		if (!full && chosen->object && !load_hot(chosen->object, chosen->check))
			full = show(ctx->meta->seq) != 0;
	}
	return 0;
}
