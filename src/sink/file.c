// SPDX-License-Identifier: Apache-2.0
/*
 * The file sink: lines to stdout, stderr, a pipe or a file.
 *
 * A pipe whose reader is slow makes it wait, on its own thread; it writes at
 * most PIPE_BUF at a time after poll(2) said there is room, so that it can
 * always be told to stop. A disk that is full is waited for likewise.
 *
 * Invariant: a line is in one file. A file that is opened anew (SIGHUP, after
 * logrotate has moved it) while a line is half written gets that line from its
 * beginning, and the half is cut off the old one. One that cannot be opened
 * anew leaves the records where they are, waiting: the old one may be a file
 * that has no name any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/why.h"
#include "encode/encode.h"
#include "sink/sink.h"

/* How long one delivery waits for room before it says RETRY. */
#define WAIT_MS 200

struct file_sink {
	struct sink sink;
	int fd;
	bool owned;          /* opened by path */
	bool regular;
	bool wants_reopen;
	bool headed;         /* the file has its head; else so much of it: */
	size_t head_done;
	size_t torn;         /* bytes of a line at its end that is half written */
	struct buf head;     /* owned: what stands before the first line */
	const struct encoder *encoder; /* borrowed */
	struct encode_conf conf;
	char host[256];
	char name[SINK_NAME_SIZE];
	char path[SINK_TEXT_SIZE];
};

static struct file_sink *file_of(struct sink *sink)
{
	return container_of(sink, struct file_sink, sink);
}

/* The descriptor of file->path, or -errno. A pipe without a reader is not waited
 * for. */
static int open_path(const struct file_sink *file, struct why *why)
{
	const int fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
						O_NONBLOCK, 0640);
	const int error = errno;

	if (fd >= 0)
		return fd;
	return why_set(why, -error, "%s: %s", file->path,
		       error == ENXIO ? "nobody reads this pipe" : strerror(error));
}

/* From now on the bytes go there. What has content has its head. */
static int take_fd(struct file_sink *file, int fd, bool owned)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (file->owned)
		close(file->fd);
	file->fd = fd;
	file->owned = owned;
	file->regular = S_ISREG(st.st_mode);
	file->headed = owned && file->regular && st.st_size > 0;
	file->head_done = 0;
	return 0;
}

static const struct encoder *encoder_of(const struct sink_conf *conf)
{
	const char *format = conf->settings->format;

	if (conf->encoder)
		return conf->encoder;
	/* a person reads lines as they come, for which no column is wide enough */
	return encoder_find(strcmp(format, "text") ? format : "trace");
}

static int open_first(struct file_sink *file, const struct sink_conf *conf, struct why *why)
{
	struct why inner = { "" };
	int fd = conf->fd, r;

	if (fd < 0 && !strcmp(file->path, "-"))
		fd = STDOUT_FILENO;
	else if (fd < 0 && !strcmp(file->path, "stderr"))
		fd = STDERR_FILENO;
	if (fd >= 0) {
		r = take_fd(file, fd, false);
	} else {
		fd = open_path(file, &inner);
		r = fd < 0 ? fd : take_fd(file, fd, true);
	}
	if (r < 0)
		return why_set(why, r, "sink %s: %s", file->name,
			       inner.text[0] ? inner.text : strerror(-r));
	return 0;
}

/* Takes away the half of a line at the end of the file, unless somebody else has
 * written after it. */
static void cut_half(struct file_sink *file)
{
	struct stat st;

	if (file->torn && file->owned && file->regular && fstat(file->fd, &st) == 0 &&
	    lseek(file->fd, 0, SEEK_CUR) == st.st_size &&
	    ftruncate(file->fd, st.st_size - (off_t)file->torn) == 0 && !file->headed)
		file->head_done = 0;
	file->torn = 0;
}

/* Writes the rest of it. DELIVERED: all is written. */
static enum delivery put_all(struct file_sink *file, const struct buf *bytes, size_t *done,
			     struct why *why)
{
	struct pollfd room = { .fd = file->fd, .events = POLLOUT };
	size_t chunk;
	ssize_t n;

	while (*done < bytes->len) {
		chunk = bytes->len - *done;
		if (!file->regular) {
			if (poll(&room, 1, WAIT_MS) == 0)
				return RETRY;
			if (chunk > PIPE_BUF)
				chunk = PIPE_BUF;
		}
		n = write(file->fd, bytes->data + *done, chunk);
		if (n >= 0) {
			*done += (size_t)n;
			continue;
		}
		if (errno == EINTR || errno == EAGAIN)
			continue;
		n = -errno;
		why_set(why, (int)n, "%s", strerror(errno));
		/* EIO: of a terminal that has gone */
		if (n == -EPIPE || (n == -EIO && !file->regular))
			return CLOSED;
		if (n != -ENOSPC && n != -EDQUOT)
			return REJECTED;
		/* the rest of a line follows once there is room again */
		poll(NULL, 0, WAIT_MS);
		return RETRY;
	}
	return DELIVERED;
}

/* Opens the file anew under its name. The old one stays until that is done. */
static int reopen_now(struct file_sink *file, struct why *why)
{
	const int fd = open_path(file, why);

	if (fd < 0)
		return fd;
	cut_half(file);
	file->wants_reopen = false;
	return take_fd(file, fd, true);
}

static void file_reopen(struct sink *sink)
{
	struct file_sink *file = file_of(sink);

	if (!file->owned || !file->regular)
		return;
	file->wants_reopen = true;
	/* a half line is moved by the delivery that wrote it, which knows its beginning */
	if (!file->torn)
		reopen_now(file, NULL);
}

/* Bytes since the last end of a line, of those that are done. */
static size_t half_line(const struct batch *batch)
{
	size_t n = 0;

	while (n < batch->done && batch->bytes.data[batch->done - n - 1] != '\n')
		n++;
	return n;
}

static enum delivery file_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	struct file_sink *file = file_of(sink);
	enum delivery fate = DELIVERED;

	if (file->wants_reopen) {
		if (reopen_now(file, why) < 0) {
			poll(NULL, 0, WAIT_MS);
			return RETRY;
		}
		batch->done -= half_line(batch);
	}
	/* of another batch, which has been put aside since */
	if (!batch->done)
		cut_half(file);
	if (!file->headed) {
		fate = put_all(file, &file->head, &file->head_done, why);
		file->headed = fate == DELIVERED;
		file->torn = file->headed ? 0 : file->head_done;
	}
	if (fate == DELIVERED) {
		fate = put_all(file, &batch->bytes, &batch->done, why);
		file->torn = half_line(batch);
	}
	return fate;
}

static void file_close(struct sink *sink)
{
	struct file_sink *file;

	if (!sink)
		return;
	file = file_of(sink);
	cut_half(file);
	if (file->owned)
		close(file->fd);
	buf_fini(&file->head);
	free(file);
}

static int file_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	const struct settings_sink *settings = conf->settings;
	const struct encoder *encoder = encoder_of(conf);
	struct file_sink *file;
	int r;

	if (!encoder)
		return why_set(why, -EINVAL, "sink %s: there is no format \"%s\"; there are json, "
					     "csv, text, conntracct, nettracer", settings->name,
			       settings->format);
	file = calloc(1, sizeof(*file));
	if (!file)
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	file->sink.ops = &sink_file;
	file->encoder = encoder;
	memcpy(file->name, settings->name, sizeof(file->name));
	memcpy(file->path, settings->path, sizeof(file->path));
	if (conf->host) {
		strncpy(file->host, conf->host, sizeof(file->host) - 1);
		file->conf.host = file->host;
	}
	if (encoder->head)
		encoder->head(&file->head, &file->conf);
	r = file->head.error;
	if (r < 0)
		why_set(why, r, "no memory for sink %s", settings->name);
	else
		r = open_first(file, conf, why);
	if (r < 0) {
		file_close(&file->sink);
		return r;
	}
	*ret = &file->sink;
	return 0;
}

static void file_encode(struct sink *sink, struct buf *buf, const struct record *record, size_t n)
{
	struct file_sink *file = file_of(sink);

	for (size_t i = 0; i < n; i++)
		file->encoder->record(buf, &file->conf, &record[i]);
}

const struct sink_ops sink_file = {
	.name = "file",
	.help = "lines to a file or to standard output",
	.open = file_open,
	.encode = file_encode,
	.deliver = file_deliver,
	.reopen = file_reopen,
	.close = file_close,
};
