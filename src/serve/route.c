// SPDX-License-Identifier: Apache-2.0
/* Which path answers what. One table; everything else is 404, another method
 * than GET 405. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "serve/serve_impl.h"

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
				   const char *type, const char *bytes, size_t n)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		n, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_buf(struct MHD_Connection *connection, struct buf *buf,
				  unsigned status, const char *type)
{
	enum MHD_Result result = MHD_NO;

	if (!buf->error)
		result = answer_text(connection, status, type, buf->data ? buf->data : "",
				     buf->len);
	buf_fini(buf);
	return result;
}

enum MHD_Result route_error(struct MHD_Connection *connection, unsigned status,
			    const char *sentence, unsigned column)
{
	struct buf buf = { 0 };

	json_object_begin(&buf);
	json_member_text(&buf, "error", sentence);
	if (column)
		json_member_u64(&buf, "column", column);
	json_object_end(&buf);
	buf_putc(&buf, '\n');
	return answer_buf(connection, &buf, status, "application/json");
}

void query_fini(struct query *query)
{
	filter_free(query->filter);
	filter_free(query->shown);
	query->filter = query->shown = NULL;
}

static const char *param(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool flag(struct MHD_Connection *connection, const char *name)
{
	const char *value = param(connection, name);

	return value && !strcmp(value, "1");
}

struct checking {
	struct why *why;
	int r;
};

/* A misspelt parameter must not quietly mean nothing, nor a hidden NUL cut one. */
static enum MHD_Result check_param(void *context, enum MHD_ValueKind kind, const char *key,
				   size_t key_n, const char *value, size_t value_n)
{
	static const char *const known[] = { "filter", "format", "columns", "sort", "limit",
					     "no_header", "bits", "exact", "by",
					     "shown" };
	struct nearest nearest = { .word = key, .n = key_n };
	struct checking *checking = context;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		nearest_offer(&nearest, known[i]);
		if (strlen(known[i]) != key_n || memcmp(known[i], key, key_n))
			continue;
		if (!value || strlen(value) == value_n)
			return MHD_YES;
		checking->r = why_set(checking->why, -EINVAL, "%s: a NUL is in it", known[i]);
		return MHD_NO;
	}
	checking->r = why_set(checking->why, -EINVAL, "unknown parameter \"%.40s\"%s%s%s", key,
			      nearest.best ? ", did you mean \"" : "",
			      nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
	return MHD_NO;
}

/* Reads the common parameters; on failure the sentence and its column. */
static int query_read(struct query *query, struct serve *serve,
		      struct MHD_Connection *connection, unsigned *column, struct why *why)
{
	const char *format = param(connection, "format"), *limit = param(connection, "limit");
	const char *columns = param(connection, "columns");

	struct checking checking = { .why = why };

	*query = (struct query){ .conf.host = engine_host(serve->engine) };
	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, check_param, &checking);
	if (checking.r < 0)
		return checking.r;
	query->encoder = encoder_find(format ? format : "json");
	if (!query->encoder)
		return why_set(why, -EINVAL, "format is json, csv, table or trace");
	query->sort = param(connection, "sort");
	query->by = param(connection, "by");
	query->header = !flag(connection, "no_header");
	query->conf.bits = flag(connection, "bits");
	query->conf.exact_numbers = flag(connection, "exact");
	if (limit && num_parse_u64(&query->limit, limit, strlen(limit)) < 0)
		return why_set(why, -EINVAL, "limit: \"%.40s\" is not a number", limit);
	if (columns && *columns) {
		if (!query->encoder->columns)
			return why_set(why, -EINVAL, "this format has no columns");
		if (query->encoder->columns(&query->conf, columns, why) < 0)
			return -EINVAL;
	}
	if (filter_new(&query->shown, param(connection, "shown"), column, why) < 0)
		return -EINVAL;
	return filter_new(&query->filter, param(connection, "filter"), column, why);
}

/* What a data request asks for; false: it was refused, with *result. */
static bool read_or_refuse(struct query *query, struct serve *serve,
			   struct MHD_Connection *connection, bool grouped,
			   enum MHD_Result *result)
{
	struct why why = { "" };
	unsigned column = 0;
	int r = query_read(query, serve, connection, &column, &why);

	if (r == 0 && !grouped && (query->by || param(connection, "shown")))
		r = why_set(&why, -EINVAL, "by and shown belong to /api/v1/top");
	if (r == 0)
		return true;
	query_fini(query);
	*result = route_error(connection, MHD_HTTP_BAD_REQUEST, why.text, column);
	return false;
}

static enum MHD_Result get_flows(struct serve *serve, struct MHD_Connection *connection)
{
	enum MHD_Result result;
	struct query query;

	if (!read_or_refuse(&query, serve, connection, false, &result))
		return result;
	return listing_answer(serve, connection, &query);
}

static enum MHD_Result get_top(struct serve *serve, struct MHD_Connection *connection)
{
	enum MHD_Result result;
	struct query query;

	if (!read_or_refuse(&query, serve, connection, true, &result))
		return result;
	return top_answer(serve, connection, &query);
}

static enum MHD_Result get_events(struct serve *serve, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	enum MHD_Result result;
	struct query query;

	if (!read_or_refuse(&query, serve, connection, false, &result))
		return result;
	return stream_answer(serve, connection, &query,
			     accept && strstr(accept, "text/event-stream"));
}

static enum MHD_Result get_stats(struct serve *serve, struct MHD_Connection *connection)
{
	struct buf buf = { 0 };

	engine_stats_json(serve->engine, &buf);
	buf_putc(&buf, '\n');
	return answer_buf(connection, &buf, MHD_HTTP_OK, "application/json");
}

static enum MHD_Result get_legacy_stats(struct serve *serve, struct MHD_Connection *connection)
{
	struct buf buf = { 0 };

	engine_legacy_stats_json(serve->engine, &buf);
	buf_putc(&buf, '\n');
	return answer_buf(connection, &buf, MHD_HTTP_OK, "application/json");
}

static enum MHD_Result get_doctor(struct serve *serve, struct MHD_Connection *connection)
{
	struct buf buf = { 0 };

	engine_doctor_json(serve->engine, &buf);
	return answer_buf(connection, &buf, MHD_HTTP_OK, "application/x-ndjson");
}

static enum MHD_Result get_healthy(struct serve *serve, struct MHD_Connection *connection)
{
	return answer_text(connection, MHD_HTTP_OK, "text/plain", "ok\n", 3);
}

static enum MHD_Result get_ready(struct serve *serve, struct MHD_Connection *connection)
{
	if (engine_is_ready(serve->engine))
		return get_healthy(serve, connection);
	return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "starting\n", 9);
}

struct route {
	const char *path;
	enum MHD_Result (*get)(struct serve *serve, struct MHD_Connection *connection);
	bool is_public; /* over TCP, to anybody */
};

static const struct route routes[] = {
	{ "/api/v1/flows", get_flows, false },
	{ "/api/v1/top", get_top, false },
	{ "/api/v1/events", get_events, false },
	{ "/api/v1/stats", get_stats, false },
	{ "/api/v1/doctor", get_doctor, false },
	{ "/metrics", scrape_answer, true },
	{ "/stats", get_legacy_stats, true },
	{ "/-/healthy", get_healthy, true },
	{ "/-/ready", get_ready, true },
};

static const struct route *route_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!strcmp(routes[i].path, path))
			return &routes[i];
	}
	return NULL;
}

enum MHD_Result route_request(struct serve *serve, struct MHD_Connection *connection,
			      const char *method, const char *path)
{
	const struct route *route = route_of(path);
	const char *sentence = NULL;
	unsigned refused = 0;

	if (tcp_is(connection))
		refused = tcp_refuses(serve, connection, !route || route->is_public, &sentence);
	if (refused)
		return route_error(connection, refused, sentence, 0);
	if (!route)
		return route_error(connection, MHD_HTTP_NOT_FOUND, "there is nothing at this path",
				   0);
	/* HEAD is none: the library would put the end of a stream behind it */
	if (strcmp(method, "GET"))
		return route_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				   "only GET is answered here", 0);
	return route->get(serve, connection);
}
