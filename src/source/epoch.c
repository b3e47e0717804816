// SPDX-License-Identifier: Apache-2.0
/* Which namespaces are older than a source: its own, and those found at once. */
#include "source/epoch.h"

#include "base/clock.h"
#include "base/num.h"
#include "source/netns.h"

/* The first looks at a host with thousands of them take their time. */
#define FOUND_AT_ONCE_NS (5 * NUM_NS_PER_S)

int epoch_begin(struct epoch *ret, struct why *why)
{
	const int r = netns_own(&ret->own_netns, why);

	ret->began_boot_ns = clock_boot_ns();
	return r;
}

bool epoch_is_before(const struct epoch *epoch, uint32_t netns, uint64_t found_boot_ns)
{
	return netns == epoch->own_netns ||
	       found_boot_ns < epoch->began_boot_ns + FOUND_AT_ONCE_NS;
}
