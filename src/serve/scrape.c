// SPDX-License-Identifier: Apache-2.0
/* /metrics: in the form that is asked for, compressed if the scraper can. */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/openmetrics.h"
#include "serve/serve_impl.h"

/* Fast: it runs between two looks at the kernel. */
#define GZIP_LEVEL 1
/* What follows ";q=": 0, 0.0 … mean never. */
#define REFUSED(q) (strtod((q), NULL) <= 0)

/* Whether a header lists the word, not with a weight of zero (RFC 9110, 12.4.2). */
static bool accepts(const char *header, const char *word)
{
	const size_t n = strlen(word);
	const char *end, *q;

	for (; header && *header; header = end + (*end == ',')) {
		header += strspn(header, " \t");
		end = header + strcspn(header, ",");
		if (strncasecmp(header, word, n) || !strchr(",; \t", header[n]))
			continue;
		for (q = header + n; q + 2 < end; q++) {
			if (q[0] == ';' && !strncasecmp(q + 1 + strspn(q + 1, " "), "q=", 2))
				return !REFUSED(strchr(q, '=') + 1);
		}
		return true;
	}
	return false;
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

/* Replaces what is in the buffer. False: it stays as it was. */
static bool zip(struct buf *buf)
{
	struct libdeflate_compressor *gzip = libdeflate_alloc_compressor(GZIP_LEVEL);
	struct buf zipped = { 0 };
	char *room;

	if (!gzip)
		return false;
	room = buf_reserve(&zipped, libdeflate_gzip_compress_bound(gzip, buf->len));
	if (room)
		zipped.len = libdeflate_gzip_compress(gzip, buf->data, buf->len, room,
						      zipped.capacity);
	libdeflate_free_compressor(gzip);
	if (!zipped.len) {
		buf_fini(&zipped);
		return false;
	}
	buf_fini(buf);
	*buf = zipped;
	return true;
}

enum MHD_Result scrape_answer(struct serve *serve, struct MHD_Connection *connection)
{
	const bool open = accepts(header_of(connection, "Accept"), "application/openmetrics-text");
	const bool wants_zip = accepts(header_of(connection, "Accept-Encoding"), "gzip");
	static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8";
	static const char open_type[] =
		"application/openmetrics-text; version=1.0.0; charset=utf-8";
	struct MHD_Response *response;
	struct buf buf = { 0 };
	enum MHD_Result result;
	bool zipped;

	engine_metrics(serve->engine, open ? METRICS_OPENMETRICS : METRICS_TEXT, &buf);
	if (buf.error) {
		buf_fini(&buf);
		return MHD_NO;
	}
	zipped = wants_zip && zip(&buf);
	response = MHD_create_response_from_buffer(buf.len, buf.data, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		buf_fini(&buf);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", open ? open_type : text_type);
	MHD_add_response_header(response, "Vary", "Accept, Accept-Encoding");
	if (zipped)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
