// SPDX-License-Identifier: Apache-2.0
/*
 * Hooks on conntrack's life: loading, attaching, counting.
 *
 * A function that does not exist, or that the kernel lets nobody hook, shows when the
 * program is loaded or attached. One that is never called, since the compiler made
 * it part of its callers, does not: that is for the canary.
 */
#include "source/ct_hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fs.h"
#include "base/why.h"
#include "source/bpf_objects.h"
#include "source/bpf_words.h"

/* Ends that may wait in the map: as many as there can be entries, up to here. */
#define SPILL_MAX 262144U
/* Where its memory is taken beforehand. */
#define SPILL_PREALLOCATED 8192U

/* The ring of begins beside that of ends, and what of either wakes the reader. */
#define BEGINS_PART 4
#define RING_WAKEUP_PART 4

struct ct_hooks {
	struct ct_life_fentry_bpf *fentry; /* owned: one of the two */
	struct ct_life_kprobe_bpf *kprobe;
	struct bpf_map *begins, *ends, *spilled, *stats; /* borrowed from it */
	struct bpf_program *program[2];                  /* likewise */
	struct bpf_link *link[2];                        /* owned */
	uint64_t *per_cpu;                               /* owned: one stat of all CPUs */
	int cpus;
	uint64_t skipped;
};

static uint32_t spill_entries(void)
{
	uint64_t max = 0;

	if (fs_read_u64("/proc/sys/net/netfilter/nf_conntrack_max", &max) < 0 || !max ||
	    max > SPILL_MAX)
		return SPILL_MAX;
	return (uint32_t)max;
}

/* libbpf rounds up to a power of two, of at least a page. */
static void size_ring(struct bpf_map *ring, uint64_t bytes, uint32_t *wakeup_bytes)
{
	bpf_map__set_max_entries(ring, (uint32_t)bytes);
	*wakeup_bytes = bpf_map__max_entries(ring) / RING_WAKEUP_PART;
}

static int open_fentry(struct ct_hooks *hooks, uint64_t ring_bytes, struct why *why)
{
	struct ct_life_fentry_bpf *fentry;

	bpf_words_begin();
	fentry = hooks->fentry = ct_life_fentry_bpf__open();
	if (!fentry)
		return bpf_words_why(why, -errno, "opening");
	bpf_map__set_max_entries(fentry->maps.spilled, spill_entries());
	if (ring_bytes) {
		size_ring(fentry->maps.ends, ring_bytes, &fentry->rodata->ends_wakeup_bytes);
		size_ring(fentry->maps.begins, ring_bytes / BEGINS_PART,
			  &fentry->rodata->begins_wakeup_bytes);
	}
	if (ct_life_fentry_bpf__load(fentry) < 0)
		return bpf_words_why(why, -errno, "loading");
	hooks->begins = fentry->maps.begins;
	hooks->ends = fentry->maps.ends;
	hooks->spilled = fentry->maps.spilled;
	hooks->stats = fentry->maps.stats;
	hooks->program[0] = fentry->progs.on_ct_confirm;
	hooks->program[1] = fentry->progs.on_ct_destroy;
	for (unsigned i = 0; i < ARRAY_LEN(hooks->link); i++) {
		hooks->link[i] = bpf_program__attach(hooks->program[i]);
		if (!hooks->link[i])
			return bpf_words_why(why, -errno, bpf_program__section_name(
								  hooks->program[i]));
	}
	return 0;
}

static int open_kprobe(struct ct_hooks *hooks, uint64_t ring_bytes, struct why *why)
{
	struct ct_life_kprobe_bpf *kprobe;

	bpf_words_begin();
	kprobe = hooks->kprobe = ct_life_kprobe_bpf__open();
	if (!kprobe)
		return bpf_words_why(why, -errno, "opening");
	bpf_map__set_max_entries(kprobe->maps.spilled, SPILL_PREALLOCATED);
	if (ring_bytes) {
		size_ring(kprobe->maps.ends, ring_bytes, &kprobe->rodata->ends_wakeup_bytes);
		size_ring(kprobe->maps.begins, ring_bytes / BEGINS_PART,
			  &kprobe->rodata->begins_wakeup_bytes);
	}
	if (ct_life_kprobe_bpf__load(kprobe) < 0)
		return bpf_words_why(why, -errno, "loading");
	hooks->begins = kprobe->maps.begins;
	hooks->ends = kprobe->maps.ends;
	hooks->spilled = kprobe->maps.spilled;
	hooks->stats = kprobe->maps.stats;
	hooks->program[0] = kprobe->progs.on_ct_insert;
	hooks->program[1] = kprobe->progs.on_ct_destroy;
	hooks->link[0] = bpf_program__attach_kprobe(hooks->program[0], false,
						    "__nf_conntrack_hash_insert");
	if (!hooks->link[0])
		return bpf_words_why(why, -errno, "kprobe/__nf_conntrack_hash_insert");
	hooks->link[1] = bpf_program__attach_kprobe(hooks->program[1], false, "nf_ct_destroy");
	/* until 5.17 is the oldest kernel */
	if (!hooks->link[1])
		hooks->link[1] = bpf_program__attach_kprobe(hooks->program[1], false,
							    "destroy_conntrack");
	if (!hooks->link[1])
		return bpf_words_why(why, -errno, "kprobe/nf_ct_destroy");
	return 0;
}

int ct_hooks_new(struct ct_hooks **ret, enum rung rung, uint64_t ring_bytes, struct why *why)
{
	struct ct_hooks *hooks = calloc(1, sizeof(*hooks));
	int r;

	if (!hooks)
		return why_set(why, -ENOMEM, "out of memory");
	hooks->cpus = libbpf_num_possible_cpus();
	if (hooks->cpus < 1)
		hooks->cpus = 1;
	hooks->per_cpu = calloc((size_t)hooks->cpus, sizeof(*hooks->per_cpu));
	if (hooks->per_cpu)
		r = rung == RUNG_BPF_FENTRY ? open_fentry(hooks, ring_bytes, why) :
					      open_kprobe(hooks, ring_bytes, why);
	else
		r = why_set(why, -ENOMEM, "out of memory");
	if (r < 0) {
		ct_hooks_free(hooks);
		return r;
	}
	*ret = hooks;
	return 0;
}

void ct_hooks_free(struct ct_hooks *hooks)
{
	if (!hooks)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(hooks->link); i++)
		bpf_link__destroy(hooks->link[i]);
	ct_life_fentry_bpf__destroy(hooks->fentry);
	ct_life_kprobe_bpf__destroy(hooks->kprobe);
	free(hooks->per_cpu);
	free(hooks);
}

int ct_hooks_begins_fd(const struct ct_hooks *hooks)
{
	return bpf_map__fd(hooks->begins);
}

int ct_hooks_ends_fd(const struct ct_hooks *hooks)
{
	return bpf_map__fd(hooks->ends);
}

static uint64_t stat_of(const struct ct_hooks *hooks, uint32_t stat)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(hooks->stats), &stat, hooks->per_cpu) < 0)
		return 0;
	for (int i = 0; i < hooks->cpus; i++)
		sum += hooks->per_cpu[i];
	return sum;
}

/* Runs that the kernel skipped since the program, or another of its kind, was already
 * running on that CPU (Linux 5.12 counts them). */
static uint64_t skipped_runs(const struct ct_hooks *hooks)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ARRAY_LEN(hooks->program); i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(hooks->program[i]), &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
}

void ct_hooks_read_counts(struct ct_hooks *hooks, bool misses, struct ct_hooks_counts *ret)
{
	if (misses)
		hooks->skipped = skipped_runs(hooks);
	ret->lost = stat_of(hooks, ABI_LIFE_BEGINS_LOST) + stat_of(hooks, ABI_LIFE_ENDS_LOST) +
		    hooks->skipped;
	ret->spilled = stat_of(hooks, ABI_LIFE_ENDS_SPILLED);
}

void ct_hooks_read_spilled(struct ct_hooks *hooks,
			   void (*each)(void *context, const struct abi_ct *entry), void *context)
{
	const int fd = bpf_map__fd(hooks->spilled);
	struct abi_spill_key key, next;
	struct abi_ct entry;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	/* One by one: it is the way of last resort, and other CPUs write meanwhile. The
	 * next is asked for while this one is there, else the kernel begins anew, at
	 * buckets that are empty by now. */
	while (more) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &entry) == 0)
			each(context, &entry);
		if (bpf_map_delete_elem(fd, &key) < 0)
			return;
	}
}

uint64_t ct_hooks_map_bytes(const struct ct_hooks *hooks)
{
	const uint64_t entry = sizeof(struct abi_spill_key) + sizeof(struct abi_ct) + 48;
	const uint64_t most = bpf_map__max_entries(hooks->spilled);

	return bpf_map__max_entries(hooks->begins) + bpf_map__max_entries(hooks->ends) +
	       (hooks->kprobe ? most * (entry + 16) : most * 16);
}
