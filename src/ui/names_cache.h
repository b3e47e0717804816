/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_NAMES_CACHE_H
#define WEIR_UI_NAMES_CACHE_H

#include "base/addr.h"
#include "flow/index.h"
#include "ui/names.h"

/* What is known of addresses, in a bounded number of entries; that which was wanted longest
 * ago gives way. For names.c alone. */

#define NAMES_NONE UINT32_MAX

enum names_state {
	NAMES_SETTLED, /* what is known holds until until_boot_ns */
	NAMES_WAITING, /* to be asked */
	NAMES_ASKED,   /* an answer is to come: the entry stays where it is */
};

struct names_entry {
	struct addr addr;
	char name[NAMES_SIZE]; /* empty: none is known */
	uint8_t state;
	uint32_t newer, older; /* by when they were wanted */
	uint32_t behind;       /* of the queue: who waits behind it */
	uint64_t until_boot_ns, wanted_boot_ns;
};

struct names_cache {
	struct names_entry *entry; /* owned */
	struct index index;        /* owned */
	uint64_t seed;
	uint32_t capacity, count, newest, oldest;
};

int names_cache_init(struct names_cache *cache, uint32_t capacity); /* 0 or -ENOMEM */
void names_cache_fini(struct names_cache *cache);

/* The slot of an address, or NAMES_NONE. */
uint32_t names_cache_find(const struct names_cache *cache, const struct addr *addr);
/* A settled slot, without a name and past its time, for an address that has none; NAMES_NONE:
 * nothing can give way. */
uint32_t names_cache_add(struct names_cache *cache, const struct addr *addr);
/* It is wanted: it goes last. */
void names_cache_touch(struct names_cache *cache, uint32_t slot);

#endif
