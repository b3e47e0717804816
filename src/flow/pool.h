/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_POOL_H
#define WEIR_FLOW_POOL_H

#include <stddef.h>
#include <stdint.h>

/* Memory that is promised at start and touched when needed: zeroed, page
 * aligned, without reservation. NULL when the address space is refused. */
void *pool_map(size_t bytes);
void pool_unmap(void *memory, size_t bytes); /* NULL is a no-op */
/* Gives the pages back, keeps the address space: it reads as zeroes again. */
void pool_forget(void *memory, size_t bytes);

/* Fixed-size objects by slot number. Freed slots are used again last in first
 * out, so that a table of few flows stays in few pages. */
struct pool {
	char *memory; /* owned mapping */
	uint32_t object_bytes;
	uint32_t capacity;
	uint32_t high; /* slots ever used */
	uint32_t live;
	uint32_t free_plus_1; /* head of the free list, linked through the objects */
};

#define POOL_NONE UINT32_MAX

/* object_bytes >= 4. 0 or -ENOMEM. */
int pool_init(struct pool *pool, uint32_t object_bytes, uint32_t capacity);
void pool_fini(struct pool *pool);
/* A zeroed object's slot, or POOL_NONE. */
uint32_t pool_take(struct pool *pool);
void pool_give(struct pool *pool, uint32_t slot);
size_t pool_bytes(const struct pool *pool);

static inline void *pool_at(const struct pool *pool, uint32_t slot)
{
	return pool->memory + (size_t)slot * pool->object_bytes;
}

#endif
