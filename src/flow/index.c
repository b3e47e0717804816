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

#include "flow/pool.h"

int index_init(struct index *index, uint32_t max_entries)
{
	uint64_t cells = 16;

	while (cells < 2ULL * max_entries)
		cells *= 2;
	if (cells > 1ULL << 31)
		return -ENOMEM;
	index->entry = pool_map(cells * sizeof(*index->entry));
	if (!index->entry)
		return -ENOMEM;
	index->mask = (uint32_t)(cells - 1);
	index->count = 0;
	return 0;
}

size_t index_bytes(const struct index *index)
{
	return index->entry ? ((size_t)index->mask + 1) * sizeof(*index->entry) : 0;
}

void index_fini(struct index *index)
{
	pool_unmap(index->entry, index_bytes(index));
	index->entry = NULL;
}

void index_add(struct index *index, uint64_t hash, uint32_t slot)
{
	uint32_t i = (uint32_t)hash & index->mask;

	assert(index->count < index->mask);
	while (index->entry[i].slot_plus_1)
		i = (i + 1) & index->mask;
	index->entry[i] = (struct index_entry){ (uint32_t)hash, slot + 1 };
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
