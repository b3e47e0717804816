// SPDX-License-Identifier: Apache-2.0
/*
 * Pools: all memory of the flow table, mapped once, never given back before
 * the end.
 *
 * The mapping is private, zeroed and not reserved, so that a table for a
 * million flows costs an idle host a few pages.
 */
#include "flow/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void *pool_map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void pool_unmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

void pool_forget(void *memory, size_t bytes)
{
	/* cannot fail on a private anonymous mapping; were it to, memset would do */
	if (madvise(memory, bytes, MADV_DONTNEED) < 0)
		memset(memory, 0, bytes);
}

int pool_init(struct pool *pool, uint32_t object_bytes, uint32_t capacity)
{
	*pool = (struct pool){ .object_bytes = object_bytes, .capacity = capacity };
	pool->memory = pool_map(pool_bytes(pool));
	return pool->memory ? 0 : -ENOMEM;
}

void pool_fini(struct pool *pool)
{
	pool_unmap(pool->memory, pool_bytes(pool));
	pool->memory = NULL;
}

size_t pool_bytes(const struct pool *pool)
{
	return (size_t)pool->object_bytes * pool->capacity;
}

uint32_t pool_take(struct pool *pool)
{
	uint32_t slot;

	if (pool->free_plus_1) {
		slot = pool->free_plus_1 - 1;
		memcpy(&pool->free_plus_1, pool_at(pool, slot), sizeof(pool->free_plus_1));
		memset(pool_at(pool, slot), 0, pool->object_bytes);
	} else if (pool->high < pool->capacity) {
		slot = pool->high++;
	} else {
		return POOL_NONE;
	}
	pool->live++;
	return slot;
}

void pool_give(struct pool *pool, uint32_t slot)
{
	memset(pool_at(pool, slot), 0, pool->object_bytes);
	memcpy(pool_at(pool, slot), &pool->free_plus_1, sizeof(pool->free_plus_1));
	pool->free_plus_1 = slot + 1;
	pool->live--;
}
