// SPDX-License-Identifier: Apache-2.0
/*
 * The spool: what could not be delivered, on disk, in order.
 *
 * A frame says which layout its records have; another weir's are counted as
 * damaged, never misread. Nothing is changed in place but the cursor. A tail that
 * a crash has torn is cut off at the last whole frame.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/why.h"
#include "config/settings_sink.h"
#include "flow/record.h"
#include "sink/packed.h"
#include "sink/spool_impl.h"

#define SEGMENT_BYTES (8U << 20)

/* Changes with everything that would make another weir misread a record. */
static uint32_t layout(void)
{
	return (uint32_t)(sizeof(struct record) << 16 | FIELD_COUNT << 8 | RECORD_SCHEMA);
}

uint64_t spool_head_checksum(const struct frame *frame)
{
	return hash_bytes(frame, offsetof(struct frame, head_checksum), 0);
}

static uint64_t checksum(const struct frame *frame, const void *bytes)
{
	return hash_bytes(bytes, frame->bytes, frame->head_checksum);
}

static void segment_name(char ret[32], uint64_t number)
{
	snprintf(ret, 32, "%016" PRIx64 ".spool", number);
}

int spool_open_segment(const struct spool *spool, uint64_t number, int flags)
{
	char name[32];

	segment_name(name, number);
	return openat(spool->folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
}

static bool write_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;
	ssize_t done;

	while (n) {
		done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

bool spool_read_at(int fd, void *ret, size_t n, uint64_t offset)
{
	char *at = ret;
	ssize_t done;

	while (n) {
		done = pread(fd, at, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return true;
}

/* --- segments ------------------------------------------------------------------- */

static struct segment *last(struct spool *spool)
{
	return &spool->segment[spool->count - 1];
}

struct segment *spool_add_segment(struct spool *spool, uint64_t number)
{
	struct segment *more;

	if (spool->count == spool->room) {
		more = realloc(spool->segment, (spool->room + 16) * sizeof(*more));
		if (!more)
			return NULL;
		spool->segment = more;
		spool->room += 16;
	}
	spool->segment[spool->count] = (struct segment){ .number = number };
	return &spool->segment[spool->count++];
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void save_cursor(struct spool *spool)
{
	char text[64];
	const int n = snprintf(text, sizeof(text), "%016" PRIx64 " %016" PRIx64 "\n",
			       spool->count ? spool_first(spool)->number : spool->last_number,
			       spool->read_at);

	/* lost or torn it costs a repeat: a record's id tells */
	if (pwrite(spool->cursor_fd, text, (size_t)n, 0) < 0)
		return;
}

void spool_drop_first(struct spool *spool)
{
	const struct segment gone = *spool_first(spool);
	char name[32];

	segment_name(name, gone.number);
	unlinkat(spool->folder_fd, name, 0);
	close_fd(&spool->read_fd);
	if (spool->count == 1)
		close_fd(&spool->write_fd);
	spool->stats.bytes -= gone.bytes - spool->read_at;
	spool->stats.records -= gone.records;
	spool->count--;
	memmove(spool->segment, spool->segment + 1, spool->count * sizeof(gone));
	spool->read_at = 0;
	spool->head_bytes = spool->head_records = 0;
	save_cursor(spool);
}

/* --- open and close ----------------------------------------------------------------- */

static int open_at(struct spool *spool, const char *path, struct why *why)
{
	int fd;

	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return why_set(why, -errno, "spool %s: %s", path, strerror(errno));
	spool->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->folder_fd >= 0)
		spool->lock_fd = openat(spool->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC,
					0640);
	if (spool->lock_fd >= 0 && flock(spool->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return why_set(why, errno == EWOULDBLOCK ? -EBUSY : -errno,
			       "spool %s: another weir has it", path);
	if (spool->lock_fd >= 0)
		spool->cursor_fd = openat(spool->folder_fd, "cursor", O_RDWR | O_CREAT | O_CLOEXEC,
					  0640);
	if (spool->cursor_fd < 0)
		return why_set(why, -errno, "spool %s: %s", path, strerror(errno));
	fd = openat(spool->folder_fd, "running", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	spool->stats.was_killed = fd < 0 && errno == EEXIST;
	if (fd >= 0)
		close(fd);
	return 0;
}

int spool_open(struct spool **ret, const struct settings_sink *settings, struct why *why)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	int r;

	if (!spool)
		return why_set(why, -ENOMEM, "no memory for the spool");
	spool->folder_fd = spool->lock_fd = spool->cursor_fd = -1;
	spool->read_fd = spool->write_fd = -1;
	spool->most_bytes = settings->spool_bytes;
	spool->most_age_ns = settings->spool_age_ns;
	r = open_at(spool, settings->spool_path, why);
	if (r == 0) {
		r = spool_recover(spool);
		if (r < 0)
			why_set(why, r, "spool %s: %s", settings->spool_path, strerror(-r));
	}
	if (r == 0) {
		*ret = spool;
		return 0;
	}
	if (spool->lock_fd >= 0 && r != -EBUSY && !spool->stats.was_killed)
		unlinkat(spool->folder_fd, "running", 0);
	close_fd(&spool->lock_fd);
	spool_close(spool);
	return r;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	if (spool->lock_fd >= 0) /* it was ours */
		unlinkat(spool->folder_fd, "running", 0);
	close_fd(&spool->read_fd);
	close_fd(&spool->write_fd);
	close_fd(&spool->cursor_fd);
	close_fd(&spool->lock_fd);
	close_fd(&spool->folder_fd);
	free(spool->segment);
	free(spool);
}

/* --- in ------------------------------------------------------------------------------ */

static void make_place(struct spool *spool, uint64_t bytes)
{
	while (spool->count > 1 && spool->stats.bytes + bytes > spool->most_bytes) {
		spool->stats.dropped_full += spool_first(spool)->records;
		spool_drop_first(spool);
	}
}

static uint64_t segment_bytes(const struct spool *spool)
{
	const uint64_t share = spool->most_bytes / 4;

	return share < SEGMENT_BYTES ? share : SEGMENT_BYTES;
}

/* The segment that is written; a new one where the last is long enough. */
static int open_for_writing(struct spool *spool)
{
	const uint64_t number = spool->last_number + 1;

	if (spool->count && !spool->is_sealed && last(spool)->bytes < segment_bytes(spool)) {
		if (spool->write_fd < 0)
			spool->write_fd = spool_open_segment(spool, last(spool)->number,
						       O_WRONLY | O_APPEND);
		return spool->write_fd < 0 ? -errno : 0;
	}
	close_fd(&spool->write_fd);
	/* one that is there was not listed: it is nobody's */
	spool->write_fd = spool_open_segment(spool, number,
					     O_WRONLY | O_APPEND | O_CREAT | O_TRUNC);
	if (spool->write_fd < 0)
		return -errno;
	if (!spool_add_segment(spool, number)) {
		close_fd(&spool->write_fd);
		return -ENOMEM;
	}
	spool->last_number = number;
	spool->is_sealed = false;
	if (spool->count == 1) {
		spool->read_at = 0;
		save_cursor(spool);
	}
	return fsync(spool->folder_fd) < 0 ? -errno : 0;
}

int spool_append(struct spool *spool, const struct buf *raw, size_t count, uint64_t now_wall_ns)
{
	struct frame frame = { .magic = SPOOL_MAGIC, .layout = layout(), .records = (uint32_t)count,
			       .at_wall_ns = now_wall_ns };
	struct segment *segment;
	int r;

	if (!count)
		return 0;
	if (raw->len > SPOOL_FRAME_BYTES_MAX || raw->len + sizeof(frame) > spool->most_bytes)
		return -EFBIG;
	frame.bytes = (uint32_t)raw->len;
	frame.head_checksum = spool_head_checksum(&frame);
	frame.checksum = checksum(&frame, raw->data);
	make_place(spool, sizeof(frame) + raw->len);
	r = open_for_writing(spool);
	if (r < 0)
		return r;
	segment = last(spool);
	if (!write_all(spool->write_fd, &frame, sizeof(frame)) ||
	    !write_all(spool->write_fd, raw->data, raw->len) || fdatasync(spool->write_fd) < 0) {
		r = errno ? -errno : -EIO;
		/* what of it is there would be a torn tail */
		spool->is_sealed = ftruncate(spool->write_fd, (off_t)segment->bytes) < 0;
		return r;
	}
	segment->bytes += sizeof(frame) + raw->len;
	segment->records += count;
	spool->stats.bytes += sizeof(frame) + raw->len;
	spool->stats.records += count;
	return 0;
}

/* --- out ----------------------------------------------------------------------------- */

/* Goes on behind a frame; returns the records that are waiting no more. */
static uint32_t pass_frame(struct spool *spool, uint64_t bytes, uint32_t records)
{
	struct segment *segment = spool_first(spool);

	if (records > segment->records)
		records = (uint32_t)segment->records;
	segment->records -= records;
	spool->stats.records -= records;
	spool->stats.bytes -= bytes;
	spool->read_at += bytes;
	spool->head_bytes = spool->head_records = 0;
	if (spool->read_at >= segment->bytes) {
		spool->stats.dropped_damaged += segment->records; /* whose frames were no more */
		spool_drop_first(spool);
	} else {
		save_cursor(spool);
	}
	return records;
}

/* What is at the cursor is no frame: on to the next that is. */
static void pass_damage(struct spool *spool)
{
	const uint64_t next = spool_find_frame(spool->read_fd, spool->read_at + 1,
					       spool_first(spool)->bytes);

	if (next) {
		pass_frame(spool, next - spool->read_at, 0);
		return;
	}
	spool->stats.dropped_damaged += spool_first(spool)->records;
	spool_drop_first(spool);
}

/* The length that the records' own sizes add up to must be that of the frame. */
static bool holds_records(const char *bytes, size_t n, uint32_t records)
{
	struct record record;
	size_t at = 0;

	for (uint32_t i = 0; i < records; i++) {
		if (n - at < packed_size_min())
			return false;
		memcpy(&record, bytes + at, packed_size_min());
		if (packed_size(&record) > n - at)
			return false;
		at += packed_size(&record);
	}
	return at == n;
}

size_t spool_head(struct spool *spool, struct buf *raw, uint64_t now_wall_ns)
{
	struct frame frame;
	char *room;

	while (spool->count) {
		buf_clear(raw);
		if (spool->read_fd < 0)
			spool->read_fd = spool_open_segment(spool, spool_first(spool)->number,
							    O_RDONLY);
		/* without a descriptor nothing is known of it: it waits */
		if (spool->read_fd < 0 && errno != ENOENT)
			return 0;
		if (!spool_read_frame(spool->read_fd, &frame, spool->read_at,
				      spool_first(spool)->bytes)) {
			pass_damage(spool);
			continue;
		}
		room = buf_reserve(raw, frame.bytes);
		if (!room)
			return 0;
		if (!spool_read_at(spool->read_fd, room, frame.bytes,
				   spool->read_at + sizeof(frame))) {
			pass_damage(spool);
			continue;
		}
		raw->len = frame.bytes;
		if (frame.layout != layout() || frame.checksum != checksum(&frame, room) ||
		    !frame.records || !holds_records(room, frame.bytes, frame.records)) {
			spool->stats.dropped_damaged += pass_frame(
				spool, sizeof(frame) + frame.bytes, frame.records);
		} else if (now_wall_ns > frame.at_wall_ns &&
			   now_wall_ns - frame.at_wall_ns > spool->most_age_ns) {
			spool->stats.dropped_expired += pass_frame(
				spool, sizeof(frame) + frame.bytes, frame.records);
		} else {
			spool->head_bytes = (uint32_t)sizeof(frame) + frame.bytes;
			spool->head_records = frame.records;
			return frame.records;
		}
	}
	return 0;
}

void spool_advance(struct spool *spool)
{
	if (spool->head_bytes)
		pass_frame(spool, spool->head_bytes, spool->head_records);
}

bool spool_has_head(const struct spool *spool)
{
	return spool->head_bytes != 0;
}

bool spool_is_empty(const struct spool *spool)
{
	return !spool->count;
}

void spool_stats(const struct spool *spool, struct spool_stats *ret)
{
	*ret = spool->stats;
}
