/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_SPOOL_H
#define WEIR_SINK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct why;
struct settings_sink;

/* Batches on disk, first in first out: a folder of append-only segments, each a
 * row of frames (one batch of packed records, with a checksum), and a cursor.
 * Delivered is what lies before the cursor. A frame is on the disk (fdatasync)
 * when spool_append returns; the cursor is not synced, so that a crash of the
 * machine may repeat a batch, and none is lost. */
struct spool;

struct spool_stats {
	uint64_t records, bytes;   /* that wait */
	uint64_t dropped_full;     /* records: the oldest made place */
	uint64_t dropped_expired;  /* records: too old */
	uint64_t dropped_damaged;  /* records: unreadable, as far as they can be counted */
	bool was_killed;           /* the last user did not close it */
	bool had_torn_tail;        /* and died while it wrote */
};

/* Makes the folder if it is not there. -EBUSY: another weir has it; -errno with
 * the sentence. */
int spool_open(struct spool **ret, const struct settings_sink *settings, struct why *why);
void spool_close(struct spool *spool); /* NULL is a no-op */

/* Appends a batch. -ENOSPC and other -errno: nothing of it is there. */
int spool_append(struct spool *spool, const struct buf *raw, size_t count, uint64_t now_wall_ns);
/* The oldest batch into raw (cleared before): the number of its records; 0: the
 * spool is empty, or, if spool_is_empty says no, it cannot be read now. The batch
 * stays until spool_advance. */
size_t spool_head(struct spool *spool, struct buf *raw, uint64_t now_wall_ns);
void spool_advance(struct spool *spool);
/* False: the batch that spool_head gave had to make place. */
bool spool_has_head(const struct spool *spool);
bool spool_is_empty(const struct spool *spool);
void spool_stats(const struct spool *spool, struct spool_stats *ret);

#endif
