// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The walk by bpf_rdonly_cast (Linux 6.2): kernel memory is loaded directly, a
 * load from an address that is none gives 0.
 *
 * The kernel resolves the types that are cast to in vmlinux's BTF alone. That of
 * nf_conn is handed in, since libbpf would take the kernel's nf_conn___init for a
 * flavour of it.
 */
#include "ct_walk.bpf.h"

extern void *bpf_rdonly_cast(const void *object, u32 btf_id) __ksym;

const volatile __u32 nf_conn_type = 0; /* its id in vmlinux's BTF */

#define CAST(type, address) \
	((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))

#define NODE_OFFSET bpf_core_field_offset(struct nf_conn, tuplehash)

/* Entries of a chain; enough that a chain of any sane table ends before. */
#define CHAIN_STEPS (2 * ABI_CHAIN_MAX)

/* Retries of a chain that changed under the reader. */
#define CHAIN_TRIES 3

struct run {
	struct seq_file *seq;
	u64 node; /* of the chain that is read */
	u32 first;
	u32 full; /* there is no room for more */
};

static __always_inline u64 load_word(u64 address)
{
	return CAST(timespec64, address)->tv_sec;
}

static __always_inline void load_pair(u64 *to, u64 address)
{
	const struct timespec64 *pair = CAST(timespec64, address);

	to[0] = pair->tv_sec;
	to[1] = pair->tv_nsec;
}

static __always_inline void load_tuple(struct abi_tuple *to, const struct nf_conntrack_tuple *from)
{
	for (int i = 0; i < 4; i++) {
		((u32 *)to->source)[i] = from->src.u3.all[i];
		((u32 *)to->destination)[i] = from->dst.u3.all[i];
	}
	to->source_port_be = from->src.u.all;
	to->destination_port_be = from->dst.u.all;
	to->proto = from->dst.protonum;
}

static __always_inline void load_extensions(struct abi_ct *to, u64 ext)
{
	u64 offsets[2];
	u32 at;

	to->has = ABI_CT_TIMEOUT;
	if (!ext)
		return;
	load_pair(offsets, ext + bpf_core_field_offset(struct nf_ct_ext, offset));
	at = ext_offset(offsets, EXT_ID(NF_CT_EXT_ACCT));
	if (at) {
		load_pair(&to->count[0].packets, ext + at);
		load_pair(&to->count[1].packets, ext + at + 16);
		to->has |= ABI_CT_COUNTERS;
	}
	at = ext_offset(offsets, EXT_ID(NF_CT_EXT_TSTAMP));
	if (at) {
		load_pair(&to->start_wall_ns, ext + at);
		to->has |= ABI_CT_START;
	}
	at = ext_offset(offsets, EXT_ID(NF_CT_EXT_LABELS));
	if (at) {
		load_pair((u64 *)to->labels, ext + at);
		to->has |= ABI_CT_LABELS;
	}
}

/* Fills the record; 0, or -1 when there is nothing to show: the entry is not in
 * the table (yet), or was given back while it was read. Freeing makes the use
 * count 0, frees the extensions, then the entry (nf_conntrack_free). A global
 * function is verified once, not for each step of the loop. */
__noinline int load_entry(u64 object)
{
	const struct nf_conn *ct = bpf_rdonly_cast((void *)object, nf_conn_type);
	struct abi_ct *to = &entry;
	const u64 ext = (u64)ct->ext;
	u32 use;

	to->status = (u32)ct->status;
	if (!is_alive(to->status))
		return -1;
	to->object = object;
	load_tuple(&to->tuple[0], &ct->tuplehash[0].tuple);
	load_tuple(&to->tuple[1], &ct->tuplehash[1].tuple);
	to->family = (u8)ct->tuplehash[0].tuple.src.l3num;
	to->timeout_jiffies = jiffies_left(ct->timeout);
	if (bpf_core_field_exists(struct nf_conn, mark))
		to->mark = ct->mark;
	to->zone_flags = ZONE_BOTH_WAYS;
	if (bpf_core_field_exists(struct nf_conn, zone)) {
		to->zone = ct->zone.id;
		to->zone_flags = ct->zone.dir;
	}
	to->tcp_state = 0;
	if (to->tuple[0].proto == IPPROTO_TCP)
		to->tcp_state = ct->proto.tcp.state;
	to->netns = ct->ct_net.net->ns.inum;
	load_extensions(to, ext);

	/* the counters are read before this: an atomic that returns orders loads */
	__sync_fetch_and_add(&walk.void_entries, 0);
	use = (u32)load_word(object + bpf_core_field_offset(struct nf_conn, ct_general));
	if (!use || (u64)ct->ext != ext || !is_alive(ct->status)) {
		walk.void_entries++;
		return -1;
	}
	return 0;
}

static long show_node(u32 i, struct run *run)
{
	const u64 node = run->node;

	if (!node || is_end(node))
		return 1;
	/* an entry is in the table twice: once for each direction */
	if (!CAST(nf_conntrack_tuple_hash, node)->tuple.dst.dir &&
	    !load_entry(node - NODE_OFFSET) && show(run->seq)) {
		run->full = 1;
		return 1;
	}
	run->node = load_word(node);
	return 0;
}

/* Shows a chain; true when it was read to its own end, or as far as there is room. A
 * bpf_loop is verified once, whatever its length. */
static __always_inline int show_chain(struct run *run, u32 bucket)
{
	run->node = load_word(walk.table + bucket * 8ULL);
	bpf_loop(CHAIN_STEPS, show_node, run, 0);
	if (run->full || is_end_of(run->node, bucket))
		return 1;
	if (!run->node || is_end(run->node))
		return 0;
	walk.cut++;
	return 1;
}

static long show_bucket(u32 i, struct run *run)
{
	const u32 bucket = run->first + i;

	if (bucket >= walk.buckets || run->full)
		return 1;
	for (int try = 0; try < CHAIN_TRIES; try++)
		if (show_chain(run, bucket))
			return 0;
	walk.torn++;
	return 0;
}

static __always_inline void begin_pass(void)
{
	walk.jiffies = bpf_jiffies64();
	if (walk.table_symbol)
		walk.table = load_word(walk.table_symbol);
}

SEC("iter/bpf_map_elem")
int walk_table(struct bpf_iter__bpf_map_elem *ctx)
{
	const u32 *key = ctx->key;
	struct run run = {};

	if (!key)
		return 0;
	if (!*key)
		begin_pass();
	run.seq = ctx->meta->seq;
	run.first = *key * walk.stride + walk.first;
	bpf_loop(walk.many, show_bucket, &run, 0);
	return 0;
}

SEC("iter/bpf_map_elem")
int walk_hot(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct abi_hot_page *page = ctx->value;
	const u32 *key = ctx->key;

	if (!key || !page || *key >= walk.hot_pages)
		return 0;
	for (int i = 0; i < ABI_HOT_ENTRIES; i++) {
		const u64 object = page->entry[i].object;

		if (!object || load_entry(object) ||
		    abi_tuple_check(&entry.tuple[0]) != page->entry[i].check)
			continue;
		if (show(ctx->meta->seq))
			return 0;
	}
	return 0;
}
