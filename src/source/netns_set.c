// SPDX-License-Identifier: Apache-2.0
/* A set of network namespaces: a sorted array, asked far more often than changed. */
#include "source/netns_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where it is, or belongs. */
static size_t place_of(const struct netns_set *set, uint32_t netns)
{
	size_t low = 0, high = set->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (set->netns[middle] < netns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct netns_set *set, size_t at, uint32_t netns)
{
	return at < set->count && set->netns[at] == netns;
}

int netns_set_add(struct netns_set *set, uint32_t netns)
{
	const size_t at = place_of(set, netns);

	if (is_at(set, at, netns))
		return 0;
	if (set->count == set->capacity) {
		const size_t capacity = set->capacity ? 2 * set->capacity : 16;
		uint32_t *grown = reallocarray(set->netns, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->netns = grown;
		set->capacity = capacity;
	}
	memmove(set->netns + at + 1, set->netns + at, (set->count - at) * sizeof(*set->netns));
	set->netns[at] = netns;
	set->count++;
	return 0;
}

void netns_set_drop(struct netns_set *set, uint32_t netns)
{
	const size_t at = place_of(set, netns);

	if (!is_at(set, at, netns))
		return;
	set->count--;
	memmove(set->netns + at, set->netns + at + 1, (set->count - at) * sizeof(*set->netns));
	set->last = 0;
}

bool netns_set_has(struct netns_set *set, uint32_t netns)
{
	if (netns && netns == set->last)
		return true;
	if (!is_at(set, place_of(set, netns), netns))
		return false;
	set->last = netns;
	return true;
}

void netns_set_fini(struct netns_set *set)
{
	free(set->netns);
	*set = (struct netns_set){ 0 };
}
