// SPDX-License-Identifier: Apache-2.0
/* Capabilities: ask for one, keep a few. */
#include "base/caps.h"

#include <cap-ng.h>
#include <errno.h>

#include "base/why.h"

bool caps_has(int capability)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, (unsigned)capability);
}

int caps_keep(const int *capabilities, size_t n, struct why *why)
{
	/* the bounding set can only be reduced with CAP_SETPCAP */
	const capng_select_t set = caps_has(CAP_SETPCAP) ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS;

	capng_get_caps_process();
	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++) {
		bool keep = false;

		for (size_t i = 0; i < n; i++)
			keep |= capabilities[i] == (int)capability;
		if (keep)
			continue;
		capng_update(CAPNG_DROP,
			     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
				     CAPNG_BOUNDING_SET,
			     capability);
	}
	if (capng_apply(set) < 0)
		return why_set(why, -EPERM, "could not give up capabilities");
	return 0;
}
