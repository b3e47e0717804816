// SPDX-License-Identifier: Apache-2.0
/*
 * /api/v1/events: records as they are made, until the client goes.
 *
 * Each client has a bounded buffer; what finds no room is counted and told in
 * the stream itself as soon as there is room again. A client that does not
 * read costs its buffer and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/loop.h"
#include "flow/filter.h"
#include "serve/serve_impl.h"

#define BUFFER_BYTES (4U << 20)
#define CHUNK_BYTES 65536
/* A client that takes nothing for so long is let go (it may sit in a pager). */
#define STALLED_S 3600

struct stream {
	struct stream *next; /* of serve->streams */
	struct serve *serve;               /* borrowed */
	struct MHD_Connection *connection; /* borrowed */
	struct query query;
	struct subscriber subscriber;
	struct buf out;
	size_t sent; /* of out */
	uint64_t dropped;
	int watched_fd; /* the client's, for its going; -1: not watched */
	bool sse, suspended, headed, ending, gone;
};

static void put_framed(struct stream *stream, const struct record *record)
{
	if (stream->sse)
		buf_puts(&stream->out, "data: ");
	stream->query.encoder->record(&stream->out, &stream->query.conf, record);
	if (stream->sse)
		buf_putc(&stream->out, '\n');
}

static void put_dropped(struct stream *stream)
{
	struct buf *out = &stream->out;

	if (stream->sse)
		buf_puts(out, "data: ");
	if (stream->query.encoder == &encoder_json) {
		json_object_begin(out);
		json_member_text(out, "event", "dropped");
		json_member_u64(out, "count", stream->dropped);
		json_object_end(out);
		buf_putc(out, '\n');
	} else {
		buf_printf(out, "# %llu events dropped: this reader was too slow\n",
			   (unsigned long long)stream->dropped);
	}
	if (stream->sse)
		buf_putc(out, '\n');
	stream->dropped = 0;
}

static void resume(struct stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	MHD_resume_connection(stream->connection);
	serve_wake(stream->serve);
}

static void unwatch(struct stream *stream)
{
	if (stream->watched_fd >= 0)
		loop_remove_fd(stream->serve->loop, stream->watched_fd);
	stream->watched_fd = -1;
}

/* libmicrohttpd does not look at a suspended connection: without this, a client
 * that left while nothing happened would hold its place for ever. */
static void on_hangup(void *context)
{
	struct stream *stream = context;

	unwatch(stream);
	stream->gone = true;
	resume(stream);
}

static void watch(struct stream *stream)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	/* no events asked for: EPOLLHUP and EPOLLERR are told always */
	if (info && loop_add_fd(stream->serve->loop, info->connect_fd, 0, on_hangup, stream) == 0)
		stream->watched_fd = info->connect_fd;
}

void stream_end_all(struct serve *serve)
{
	for (struct stream *stream = serve->streams; stream; stream = stream->next) {
		stream->ending = true;
		resume(stream);
	}
}

static void on_record(void *context, const struct record *record)
{
	struct stream *stream = context;

	if (!filter_match(stream->query.filter, record))
		return;
	if (stream->out.len - stream->sent >= BUFFER_BYTES || stream->out.error) {
		stream->dropped++;
		return;
	}
	if (stream->sent == stream->out.len) {
		buf_clear(&stream->out);
		stream->sent = 0;
	} else if (stream->sent > BUFFER_BYTES / 2) {
		buf_consume(&stream->out, stream->sent);
		stream->sent = 0;
	}
	if (stream->dropped)
		put_dropped(stream);
	put_framed(stream, record);
	resume(stream);
}

static ssize_t read_stream(void *context, uint64_t position, char *bytes, size_t n)
{
	struct stream *stream = context;
	size_t left;

	if (stream->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!stream->headed && stream->query.encoder->head && stream->query.header)
		stream->query.encoder->head(&stream->out, &stream->query.conf);
	stream->headed = true;
	left = stream->out.len - stream->sent;
	if (!left && stream->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!left) {
		stream->suspended = true;
		MHD_suspend_connection(stream->connection);
		return 0;
	}
	if (n > left)
		n = left;
	memcpy(bytes, stream->out.data + stream->sent, n);
	stream->sent += n;
	return (ssize_t)n;
}

static void free_stream(void *context)
{
	struct stream *stream = context, **at = &stream->serve->streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	unwatch(stream);
	engine_unsubscribe(stream->serve->engine, &stream->subscriber);
	query_fini(&stream->query);
	buf_fini(&stream->out);
	free(stream);
}

enum MHD_Result stream_answer(struct serve *serve, struct MHD_Connection *connection,
			      struct query *query, bool sse)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!stream) {
		query_fini(query);
		return MHD_NO;
	}
	stream->serve = serve;
	stream->connection = connection;
	stream->watched_fd = -1;
	stream->query = *query;
	stream->sse = sse;
	stream->subscriber.outlet = (struct record_outlet){ on_record, stream };
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_stream,
						     stream, free_stream);
	if (!response) {
		query_fini(query);
		free(stream);
		return MHD_NO;
	}
	engine_subscribe(serve->engine, &stream->subscriber);
	watch(stream);
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)STALLED_S);
	MHD_add_response_header(response, "Connection", "close");
	stream->next = serve->streams;
	serve->streams = stream;
	MHD_add_response_header(response, "Content-Type",
				sse ? "text/event-stream" : query->encoder->content_type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
