/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_EPOCH_H
#define WEIR_SOURCE_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

struct why;

/* When a source began to look, and where: what tells the namespaces that were
 * there before it, whose first totals are a zero point, from new ones. */
struct epoch {
	uint64_t began_boot_ns;
	uint32_t own_netns;
};

/* Now, in the calling thread's namespace. 0 or -errno. */
int epoch_begin(struct epoch *ret, struct why *why);
/* Whether a namespace that was found then was there before. */
bool epoch_is_before(const struct epoch *epoch, uint32_t netns, uint64_t found_boot_ns);

#endif
