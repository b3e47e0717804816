// SPDX-License-Identifier: Apache-2.0
/*
 * The hot list of the walk.
 *
 * To know what moved, the number of packets of each entry is remembered from one
 * pass to the next, in a table of cells that is addressed by the entry's own
 * address. Two entries that meet in a cell look as if they moved, no more: a hint
 * can be wrong, what is then read by it cannot.
 */
#include "source/ct_hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/weir_abi.h"
#include "base/hash.h"

struct cell {
	uint32_t tag;     /* of the address; 0: empty */
	uint32_t packets; /* both directions, modulo 2^32 */
};

struct ct_hot {
	struct abi_hot_entry *chosen; /* owned: of the pass under way */
	uint32_t max, count;
	struct cell *cell;            /* owned; NULL while there are few entries */
	uint32_t cells;               /* a power of two */
	uint64_t shown;
	bool all, overfull;
};

int ct_hot_new(struct ct_hot **ret, uint32_t max)
{
	struct ct_hot *hot = calloc(1, sizeof(*hot));

	if (!hot)
		return -ENOMEM;
	/* calloc of this size maps zero pages that cost nothing until they are used */
	hot->chosen = calloc(max, sizeof(*hot->chosen));
	if (!hot->chosen) {
		free(hot);
		return -ENOMEM;
	}
	hot->max = max;
	*ret = hot;
	return 0;
}

void ct_hot_free(struct ct_hot *hot)
{
	if (!hot)
		return;
	free(hot->chosen);
	free(hot->cell);
	free(hot);
}

static void make_cells(struct ct_hot *hot)
{
	uint32_t cells = CT_HOT_FEW;

	while (cells < hot->shown && cells < 1U << 30)
		cells *= 2;
	if (hot->cell && cells == hot->cells)
		return;
	free(hot->cell);
	hot->cell = calloc(cells, sizeof(*hot->cell));
	hot->cells = hot->cell ? cells : 0;
}

void ct_hot_begin(struct ct_hot *hot)
{
	hot->all = hot->shown <= CT_HOT_FEW;
	if (hot->all) {
		free(hot->cell);
		hot->cell = NULL;
		hot->cells = 0;
	} else {
		make_cells(hot);
	}
	hot->count = 0;
	hot->shown = 0;
	hot->overfull = false;
}

/* Whether its packets are others than the pass before saw; remembers them. */
static bool has_moved(struct ct_hot *hot, const struct abi_ct *entry)
{
	const uint64_t hash = hash_bytes(&entry->object, sizeof(entry->object), 0);
	const uint32_t tag = (uint32_t)(hash >> 32) | 1;
	const uint32_t packets =
		(uint32_t)(entry->count[0].packets + entry->count[1].packets);
	struct cell *cell;
	bool moved;

	if (!hot->cells)
		return false;
	cell = &hot->cell[hash & (hot->cells - 1)];
	moved = cell->tag != tag || cell->packets != packets;
	*cell = (struct cell){ tag, packets };
	return moved;
}

void ct_hot_offer(struct ct_hot *hot, const struct abi_ct *entry)
{
	hot->shown++;
	if (!hot->all && !has_moved(hot, entry))
		return;
	if (hot->count == hot->max || (hot->all && hot->count == CT_HOT_FEW)) {
		hot->overfull = true;
		return;
	}
	hot->chosen[hot->count++] = (struct abi_hot_entry){
		.object = entry->object,
		.check = abi_tuple_check(&entry->tuple[0]),
	};
}

uint32_t ct_hot_end(struct ct_hot *hot, struct abi_hot_entry *to)
{
	const uint32_t past = hot->count % ABI_HOT_ENTRIES;

	memcpy(to, hot->chosen, hot->count * sizeof(*to));
	if (past)
		memset(to + hot->count, 0, (ABI_HOT_ENTRIES - past) * sizeof(*to));
	return hot->count;
}

bool ct_hot_has_all(const struct ct_hot *hot)
{
	return hot->all && !hot->overfull;
}

uint64_t ct_hot_shown(const struct ct_hot *hot)
{
	return hot->shown;
}
