// SPDX-License-Identifier: Apache-2.0
/* The spool, found again: its segments, how far they are whole, and the cursor. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/spool_impl.h"

/* Walks the heads of a segment's frames: how far they are whole, and how many
 * records follow `from`. */
static void measure(struct segment *segment, int fd, uint64_t from)
{
	struct frame frame;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	while (spool_read_at(fd, &frame, sizeof(frame), segment->bytes) &&
	       frame.magic == SPOOL_MAGIC &&
	       frame.bytes <= SPOOL_FRAME_BYTES_MAX &&
	       segment->bytes + sizeof(frame) + frame.bytes <= (uint64_t)st.st_size) {
		if (segment->bytes >= from)
			segment->records += frame.records;
		segment->bytes += sizeof(frame) + frame.bytes;
	}
}

static int by_number(const void *x, const void *y)
{
	const struct segment *a = x, *b = y;

	return (a->number > b->number) - (a->number < b->number);
}

static int list_segments(struct spool *spool)
{
	const int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t number;
	int r = 0, n;

	if (!folder) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(folder))) {
		n = 0;
		if (sscanf(entry->d_name, "%16" SCNx64 ".spool%n", &number, &n) == 1 && n == 22 &&
		    !entry->d_name[n] && !spool_add_segment(spool, number))
			r = -ENOMEM;
	}
	closedir(folder);
	if (spool->count)
		qsort(spool->segment, spool->count, sizeof(*spool->segment), by_number);
	return r;
}

int spool_recover(struct spool *spool)
{
	uint64_t number = 0, offset = 0;
	char text[64] = "";
	struct stat st;
	int r, fd;

	r = list_segments(spool);
	if (r < 0)
		return r;
	if (pread(spool->cursor_fd, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%" SCNx64 " %" SCNx64, &number, &offset);
	for (size_t i = 0; i < spool->count; i++) {
		struct segment *segment = &spool->segment[i];
		const uint64_t from = segment->number == number ? offset : 0;

		fd = spool_open_segment(spool, segment->number, O_RDWR);
		if (fd < 0)
			return -errno;
		measure(segment, fd, from);
		if (fstat(fd, &st) == 0 && (uint64_t)st.st_size > segment->bytes) {
			spool->stats.had_torn_tail = true;
			if (ftruncate(fd, (off_t)segment->bytes) < 0)
				r = -errno;
		}
		close(fd);
		spool->stats.records += segment->records;
		spool->stats.bytes += segment->bytes;
	}
	if (spool->count && spool_first(spool)->number == number &&
	    offset <= spool_first(spool)->bytes) {
		spool->read_at = offset;
		spool->stats.bytes -= offset;
	}
	while (spool->count && spool_first(spool)->bytes == spool->read_at)
		spool_drop_first(spool);
	return r;
}
