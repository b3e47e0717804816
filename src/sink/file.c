// SPDX-License-Identifier: Apache-2.0
/*
 * The file sink: bytes to a descriptor (stdout, a pipe, a file).
 *
 * A pipe whose reader is slow makes it wait, on its own thread; it writes at
 * most PIPE_BUF at a time after poll(2) said there is room, so that it can
 * always be told to stop. A disk that is full is waited for likewise.
 */
#include <errno.h>
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
	int fd; /* borrowed */
	bool regular, headed;
	const struct encoder *encoder; /* borrowed */
	struct encode_conf conf;
	char host[256];
};

static struct file_sink *file_of(struct sink *sink)
{
	return container_of(sink, struct file_sink, sink);
}

static int file_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	struct file_sink *file;
	struct stat st;

	if (fstat(conf->fd, &st) < 0)
		return why_set(why, -errno, "sink %s: %s", conf->settings->name, strerror(errno));
	file = calloc(1, sizeof(*file));
	if (!file)
		return why_set(why, -ENOMEM, "no memory for sink %s", conf->settings->name);
	file->sink.ops = &sink_file;
	file->fd = conf->fd;
	file->regular = S_ISREG(st.st_mode);
	file->encoder = conf->encoder;
	if (conf->host) {
		strncpy(file->host, conf->host, sizeof(file->host) - 1);
		file->conf.host = file->host;
	}
	*ret = &file->sink;
	return 0;
}

static void file_encode(struct sink *sink, struct buf *buf, const struct record *record, size_t n)
{
	struct file_sink *file = file_of(sink);

	if (!file->headed && file->encoder->head)
		file->encoder->head(buf, &file->conf);
	file->headed = true;
	for (size_t i = 0; i < n; i++)
		file->encoder->record(buf, &file->conf, &record[i]);
}

static enum delivery file_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	struct file_sink *file = file_of(sink);
	struct pollfd room = { .fd = file->fd, .events = POLLOUT };
	size_t chunk;
	ssize_t n;

	while (batch->done < batch->bytes.len) {
		chunk = batch->bytes.len - batch->done;
		if (!file->regular) {
			if (poll(&room, 1, WAIT_MS) == 0)
				return RETRY;
			if (chunk > PIPE_BUF)
				chunk = PIPE_BUF;
		}
		n = write(file->fd, batch->bytes.data + batch->done, chunk);
		if (n >= 0) {
			batch->done += (size_t)n;
			continue;
		}
		if (errno == EINTR || errno == EAGAIN)
			continue;
		n = -errno;
		why_set(why, (int)n, "%s", strerror(errno));
		if (n != -ENOSPC && n != -EDQUOT)
			return n == -EPIPE ? CLOSED : REJECTED;
		/* the rest of a line follows once there is room again */
		poll(NULL, 0, WAIT_MS);
		return RETRY;
	}
	return DELIVERED;
}

static void file_close(struct sink *sink)
{
	if (sink)
		free(file_of(sink));
}

const struct sink_ops sink_file = {
	.name = "file",
	.help = "lines to a file or to standard output",
	.open = file_open,
	.encode = file_encode,
	.deliver = file_deliver,
	.close = file_close,
};
