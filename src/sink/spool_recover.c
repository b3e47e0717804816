// SPDX-License-Identifier: Apache-2.0
/* The spool, found again: its segments, how far they are whole, and the cursor. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/spool_impl.h"

bool spool_read_frame(int fd, struct frame *ret, uint64_t at, uint64_t end)
{
	return spool_read_at(fd, ret, sizeof(*ret), at) && ret->magic == SPOOL_MAGIC &&
	       ret->head_checksum == spool_head_checksum(ret) &&
	       ret->bytes <= SPOOL_FRAME_BYTES_MAX && at + sizeof(*ret) + ret->bytes <= end;
}

uint64_t spool_find_frame(int fd, uint64_t from, uint64_t end)
{
	const uint32_t magic = SPOOL_MAGIC;
	char bytes[65536], *found;
	struct frame frame;
	uint64_t n;

	while (from + sizeof(struct frame) < end) {
		n = end - from < sizeof(bytes) ? end - from : sizeof(bytes);
		if (!spool_read_at(fd, bytes, n, from))
			return 0;
		found = memmem(bytes, n, &magic, sizeof(magic));
		if (!found) {
			from += n - sizeof(magic) + 1;
			continue;
		}
		from += (uint64_t)(found - bytes);
		if (spool_read_frame(fd, &frame, from, end))
			return from;
		from++;
	}
	return 0;
}

/* Walks the heads of a segment's frames: how far they are whole, and how many
 * records follow `from`. What is damaged between is stepped over. */
static void measure(struct segment *segment, int fd, uint64_t from)
{
	struct frame frame;
	uint64_t next, end;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	end = (uint64_t)st.st_size;
	for (next = 0; next < end;) {
		if (spool_read_frame(fd, &frame, next, end)) {
			if (next >= from)
				segment->records += frame.records;
			next += sizeof(frame) + frame.bytes;
			segment->bytes = next;
			continue;
		}
		next = spool_find_frame(fd, next + 1, end);
		if (!next)
			break;
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
	spool->last_number = number;
	if (spool->count && spool->segment[spool->count - 1].number > number)
		spool->last_number = spool->segment[spool->count - 1].number;
	for (size_t i = 0; i < spool->count; i++) {
		struct segment *segment = &spool->segment[i];
		const uint64_t from = segment->number == number ? offset : 0;

		fd = spool_open_segment(spool, segment->number, O_RDWR);
		if (fd < 0)
			return -errno;
		measure(segment, fd, from);
		if (i + 1 == spool->count && fstat(fd, &st) == 0 &&
		    (uint64_t)st.st_size > segment->bytes) {
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
