// SPDX-License-Identifier: Apache-2.0
/*
 * The hash index of the flow table and its side pools.
 *
 * It knows slots, not what is in them. The tag is the low half of the hash and
 * also says where an entry wants to be, so that removal can shift entries back
 * without asking for their keys. Invariant: between an entry's home and its
 * place there is no empty cell.
 */
#include "flow/index.h"

#include <assert.h>
#include <errno.h>

#include "base/array.h"
#include "flow/pool.h"

#define CELLS_MIN 512U

int index_init(struct index *index, uint32_t max_entries)
{
	uint64_t cells = CELLS_MIN;

	*index = (struct index){ 0 };
	while (cells < 2ULL * max_entries)
		cells *= 2;
	if (cells > 1ULL << 31)
		return -ENOMEM;
	index->mask_max = (uint32_t)(cells - 1);
	for (int i = 0; i < 2; i++) {
		index->mapping[i] = pool_map(cells * sizeof(*index->entry));
		if (!index->mapping[i]) {
			index_fini(index);
			return -ENOMEM;
		}
	}
	index->entry = index->mapping[0];
	index->mask = CELLS_MIN - 1;
	return 0;
}

size_t index_bytes(const struct index *index)
{
	return index->entry ? ARRAY_LEN(index->mapping) * ((size_t)index->mask_max + 1) *
				      sizeof(*index->entry) : 0;
}

void index_fini(struct index *index)
{
	const size_t bytes = ((size_t)index->mask_max + 1) * sizeof(*index->entry);

	for (int i = 0; i < 2; i++)
		pool_unmap(index->mapping[i], bytes);
	*index = (struct index){ 0 };
}

static void place(struct index *index, struct index_entry entry)
{
	uint32_t i = entry.tag & index->mask;

	while (index->entry[i].slot_plus_1)
		i = (i + 1) & index->mask;
	index->entry[i] = entry;
}

/* A pause of some 20 ns an entry, at sizes that double. */
static void grow(struct index *index)
{
	struct index_entry *old = index->entry;
	const uint32_t cells = index->mask + 1;

	index->entry = index->mapping[old == index->mapping[0]];
	index->mask = 2 * cells - 1;
	for (uint32_t i = 0; i < cells; i++) {
		if (old[i].slot_plus_1)
			place(index, old[i]);
	}
	pool_forget(old, cells * sizeof(*old));
}

void index_add(struct index *index, uint64_t hash, uint32_t slot)
{
	if (4 * (uint64_t)index->count > 3 * (uint64_t)index->mask &&
	    index->mask < index->mask_max)
		grow(index);
	assert(index->count < index->mask);
	place(index, (struct index_entry){ (uint32_t)hash, slot + 1 });
	index->count++;
}

void index_remove(struct index *index, uint64_t hash, uint32_t slot)
{
	const uint32_t mask = index->mask;
	struct index_entry *entry = index->entry;
	uint32_t hole, i, home;

	hole = (uint32_t)hash & mask;
	while (entry[hole].slot_plus_1 != slot + 1 || entry[hole].tag != (uint32_t)hash) {
		assert(entry[hole].slot_plus_1);
		hole = (hole + 1) & mask;
	}
	for (i = (hole + 1) & mask; entry[i].slot_plus_1; i = (i + 1) & mask) {
		home = entry[i].tag & mask;
		/* Stays when its home lies cyclically in (hole, i]. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		entry[hole] = entry[i];
		hole = i;
	}
	entry[hole].slot_plus_1 = 0;
	index->count--;
}
