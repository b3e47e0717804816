/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_SELF_H
#define WEIR_ENGINE_SELF_H

#include <stdint.h>

/* What the kernel says of this process. What cannot be read is 0. */

struct self {
	uint64_t virtual_bytes, resident_bytes; /* /proc/self/statm */
	uint64_t open_fds, max_fds;
};

void self_read(struct self *ret);

#endif
