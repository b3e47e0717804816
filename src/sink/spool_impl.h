/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_SPOOL_IMPL_H
#define WEIR_SINK_SPOOL_IMPL_H

/* The inside of a spool, shared by its own files only:
 *   spool.c          frames in and out
 *   spool_recover.c  what an earlier weir has left
 */

#include "sink/spool.h"

#define SPOOL_MAGIC 0x32505357U /* "WSP2" */
#define SPOOL_FRAME_BYTES_MAX (64U << 20)

struct frame {
	uint32_t magic, layout;
	uint32_t bytes, records; /* of what follows */
	uint64_t at_wall_ns;
	uint64_t head_checksum; /* of the members above: only then is the length one */
	uint64_t checksum;      /* of what follows, begun with the head's */
};

struct segment {
	uint64_t number;
	uint64_t bytes;   /* of whole frames */
	uint64_t records; /* not delivered */
};

struct spool {
	int folder_fd, lock_fd, cursor_fd; /* owned */
	int read_fd, write_fd;             /* owned; of the first and of the last segment */
	uint64_t most_bytes, most_age_ns;
	struct segment *segment; /* owned; oldest first */
	size_t count, room;
	uint64_t read_at;      /* in the first segment */
	uint64_t last_number;  /* of segments that ever were: none is used again */
	bool is_sealed;        /* the last segment ends in garbage: no more into it */
	uint32_t head_bytes, head_records; /* of the frame that spool_head gave; 0: none */
	struct spool_stats stats;
};

static inline struct segment *spool_first(struct spool *spool)
{
	return &spool->segment[0];
}

uint64_t spool_head_checksum(const struct frame *frame);
/* Reads the head of the frame at `at`; false: none is there, or it ends behind `end`. */
bool spool_read_frame(int fd, struct frame *ret, uint64_t at, uint64_t end);
/* Where from `from` on, below `end`, a frame begins; 0: nowhere. */
uint64_t spool_find_frame(int fd, uint64_t from, uint64_t end);
int spool_open_segment(const struct spool *spool, uint64_t number, int flags);
bool spool_read_at(int fd, void *ret, size_t n, uint64_t offset);
/* At the end; NULL: no memory. */
struct segment *spool_add_segment(struct spool *spool, uint64_t number);
/* Forgets the first segment, and what is undelivered in it. */
void spool_drop_first(struct spool *spool);
/* Finds the segments, cuts a torn tail off, goes to the cursor. 0 or -errno. */
int spool_recover(struct spool *spool);

#endif
