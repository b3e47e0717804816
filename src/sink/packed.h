/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_PACKED_H
#define WEIR_SINK_PACKED_H

#include <stddef.h>

#include "flow/record.h"

/* Records in a queue, without the owners that most do not have. */

/* Bytes that packed_put will write. */
size_t packed_size(const struct record *record);
/* The least and the most that packed_size can return. */
size_t packed_size_min(void);
size_t packed_size_max(void);
size_t packed_put(char *at, const struct record *record);
/* Returns the bytes read. */
size_t packed_get(struct record *ret, const char *at);

#endif
