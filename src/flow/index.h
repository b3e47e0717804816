/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_INDEX_H
#define WEIR_FLOW_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* Hash → slot, for slots that live elsewhere: open addressing with linear
 * probing over {32-bit tag, 32-bit slot}, deletion by shifting back. Several
 * slots may share a hash; the caller compares keys. Address space for the
 * largest size is taken at start; the part in use doubles whenever it is three
 * quarters full, so that few entries stay in few pages. */
struct index_entry {
	uint32_t tag;
	uint32_t slot_plus_1; /* 0: empty */
};

struct index {
	struct index_entry *entry; /* one of the two mappings below */
	uint32_t mask;
	uint32_t count;
	struct index_entry *mapping[2]; /* owned: growing moves from one to the other */
	uint32_t mask_max;
};

#define INDEX_END UINT32_MAX

/* For up to max_entries entries. 0 or -ENOMEM. */
int index_init(struct index *index, uint32_t max_entries);
void index_fini(struct index *index);
size_t index_bytes(const struct index *index); /* of both mappings */

void index_add(struct index *index, uint64_t hash, uint32_t slot);
/* Removes that one entry; it must be there. */
void index_remove(struct index *index, uint64_t hash, uint32_t slot);

/* Visits the slots of a hash:
 * for (s = index_first(i, h, &at); s != INDEX_END; s = index_next(i, h, &at)) */
static inline uint32_t index_next(const struct index *index, uint64_t hash, uint32_t *at)
{
	const uint32_t tag = (uint32_t)hash;
	uint32_t i;

	for (i = *at; index->entry[i].slot_plus_1; i = (i + 1) & index->mask) {
		if (index->entry[i].tag != tag)
			continue;
		*at = (i + 1) & index->mask;
		return index->entry[i].slot_plus_1 - 1;
	}
	return INDEX_END;
}

static inline uint32_t index_first(const struct index *index, uint64_t hash, uint32_t *at)
{
	*at = (uint32_t)hash & index->mask;
	return index_next(index, hash, at);
}

#endif
