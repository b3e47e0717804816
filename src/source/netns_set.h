/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_NETNS_SET_H
#define WEIR_SOURCE_NETNS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of network namespaces, by inode number. Zeroed is empty. */
struct netns_set {
	uint32_t *netns; /* owned, ascending */
	size_t count, capacity;
	uint32_t last;   /* found last: what is asked about comes in runs */
};

int netns_set_add(struct netns_set *set, uint32_t netns); /* 0 or -ENOMEM */
void netns_set_drop(struct netns_set *set, uint32_t netns);
bool netns_set_has(struct netns_set *set, uint32_t netns);
void netns_set_fini(struct netns_set *set);

#endif
