/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_PACK_H
#define WEIR_SINK_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/record.h"

/* The records of one batch, packed, in order: what is encoded again when the
 * receiver takes only a part, and what goes to the spool. Zeroed is ready. */
struct pack {
	struct buf raw; /* owned */
	size_t count;
};

void pack_fini(struct pack *pack);
void pack_clear(struct pack *pack);
/* -ENOMEM: not added. */
int pack_add(struct pack *pack, const char *packed, size_t n);
/* Reads the record at *at and moves it behind. */
void pack_next(const struct pack *pack, size_t *at, struct record *ret);
/* Drops of the first n records those whose keep byte is 0; keep NULL: all n. */
void pack_drop(struct pack *pack, size_t n, const uint8_t *keep);

#endif
