// SPDX-License-Identifier: Apache-2.0
/*
 * Owners, shared: the sockets of a process point to one copy of what is known of
 * it. Invariant: an entry is in the index while somebody refers to it.
 */
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "flow/table_impl.h"

/* What two processes seldom have in common, of the far longer whole. */
static uint64_t owner_hash(const struct table *table, const struct owner *owner)
{
	return hash_bytes(owner, offsetof(struct owner, exe), table->conf.index_seed);
}

void owners_drop(struct table *table, uint32_t owner)
{
	struct owner_entry *entry;

	if (!owner)
		return;
	entry = pool_at(&table->owners, owner - 1);
	if (--entry->references)
		return;
	index_remove(&table->owner_by_content, owner_hash(table, &entry->owner), owner - 1);
	pool_give(&table->owners, owner - 1);
}

uint32_t owners_keep(struct table *table, const struct owner *owner)
{
	const uint64_t hash = owner_hash(table, owner);
	struct owner_entry *entry;
	uint32_t slot, at;

	for (slot = index_first(&table->owner_by_content, hash, &at); slot != INDEX_END;
	     slot = index_next(&table->owner_by_content, hash, &at)) {
		entry = pool_at(&table->owners, slot);
		if (memcmp(&entry->owner, owner, sizeof(*owner)))
			continue;
		entry->references++;
		return slot + 1;
	}
	slot = pool_take(&table->owners);
	if (slot == POOL_NONE)
		return SLOT_NONE;
	entry = pool_at(&table->owners, slot);
	entry->owner = *owner;
	entry->references = 1;
	index_add(&table->owner_by_content, hash, slot);
	return slot + 1;
}
