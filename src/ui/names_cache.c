// SPDX-License-Identifier: Apache-2.0
/* Addresses and what is known of them: a hash index over slots in a list by last use. */
#include "ui/names_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static uint64_t hash_of(const struct names_cache *cache, const struct addr *addr)
{
	return hash_bytes(addr->byte, sizeof(addr->byte), cache->seed);
}

int names_cache_init(struct names_cache *cache, uint32_t capacity)
{
	*cache = (struct names_cache){
		.capacity = capacity,
		.newest = NAMES_NONE,
		.oldest = NAMES_NONE,
		.seed = hash_seed_random(),
	};
	cache->entry = calloc(capacity, sizeof(*cache->entry));
	if (cache->entry && index_init(&cache->index, capacity) == 0)
		return 0;
	names_cache_fini(cache);
	return -ENOMEM;
}

void names_cache_fini(struct names_cache *cache)
{
	if (cache->index.entry)
		index_fini(&cache->index);
	free(cache->entry);
	*cache = (struct names_cache){ 0 };
}

uint32_t names_cache_find(const struct names_cache *cache, const struct addr *addr)
{
	const uint64_t hash = hash_of(cache, addr);
	uint32_t at, slot;

	for (slot = index_first(&cache->index, hash, &at); slot != INDEX_END;
	     slot = index_next(&cache->index, hash, &at)) {
		if (addr_is_equal(&cache->entry[slot].addr, addr))
			return slot;
	}
	return NAMES_NONE;
}

static void unlink_slot(struct names_cache *cache, uint32_t slot)
{
	const struct names_entry *entry = &cache->entry[slot];

	if (entry->newer == NAMES_NONE)
		cache->newest = entry->older;
	else
		cache->entry[entry->newer].older = entry->older;
	if (entry->older == NAMES_NONE)
		cache->oldest = entry->newer;
	else
		cache->entry[entry->older].newer = entry->newer;
}

static void link_newest(struct names_cache *cache, uint32_t slot)
{
	struct names_entry *entry = &cache->entry[slot];

	entry->newer = NAMES_NONE;
	entry->older = cache->newest;
	if (cache->newest == NAMES_NONE)
		cache->oldest = slot;
	else
		cache->entry[cache->newest].newer = slot;
	cache->newest = slot;
}

void names_cache_touch(struct names_cache *cache, uint32_t slot)
{
	if (cache->newest == slot)
		return;
	unlink_slot(cache, slot);
	link_newest(cache, slot);
}

/* The oldest whose place nobody counts on; those that are waited for are few. */
static uint32_t give_way(struct names_cache *cache)
{
	uint32_t slot = cache->oldest;

	while (slot != NAMES_NONE && cache->entry[slot].state != NAMES_SETTLED)
		slot = cache->entry[slot].newer;
	if (slot == NAMES_NONE)
		return slot;
	index_remove(&cache->index, hash_of(cache, &cache->entry[slot].addr), slot);
	unlink_slot(cache, slot);
	return slot;
}

uint32_t names_cache_add(struct names_cache *cache, const struct addr *addr)
{
	const uint32_t slot = cache->count < cache->capacity ? cache->count++ : give_way(cache);
	struct names_entry *entry;

	if (slot == NAMES_NONE)
		return slot;
	entry = &cache->entry[slot];
	entry->addr = *addr;
	entry->name[0] = '\0';
	entry->state = NAMES_SETTLED;
	entry->until_boot_ns = 0;
	index_add(&cache->index, hash_of(cache, addr), slot);
	link_newest(cache, slot);
	return slot;
}
