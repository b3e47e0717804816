// SPDX-License-Identifier: Apache-2.0
/*
 * /api/v1/top: what a live view shows, in one answer of one walk: the sum of the flows that
 * match, the collector's pulse, and the best rows, flows or groups of them (group.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/why.h"
#include "flow/filter.h"
#include "serve/group.h"
#include "serve/serve_impl.h"
#include "serve/sort.h"

/* Flows looked at before the clock is asked again. */
#define LOOK 64
#define CHUNK_BYTES 65536
#define ROWS_USUAL 100
#define ROWS_MAX 1000

struct top {
	struct gather gather;
	struct serve *serve; /* borrowed */
	struct query query;
	struct groups *groups; /* owned; NULL: flows */
	struct sort *sort;     /* owned, of flows */
	uint32_t cursor;
	uint64_t rows, flows, rate_bps[SIDES]; /* that match; of primaries; out and in */
	struct buf out;
	size_t sent; /* of out */
	bool printed;
};

/* Most connections are over before their counters have been read twice: until then their
 * rate is what they have moved in their life, in a second at least. Without it a host of
 * short connections would seem to stand still. */
static void rate_young(struct record *record)
{
	const double ms = record->duration_ms > 1000 ? record->duration_ms : 1000;

	if (record_has(record, FIELD_RATE_ORIG_BPS) || !record_has(record, FIELD_BYTES_ORIG) ||
	    record_has(record, FIELD_BASELINE) || !record_has(record, FIELD_DURATION_MS))
		return;
	for (int side = 0; side < SIDES; side++)
		record->rate_bps[side] = (uint64_t)((double)record->bytes[side] * 8000 / ms);
	record_set(record, FIELD_RATE_ORIG_BPS);
	record_set(record, FIELD_RATE_REPLY_BPS);
}

static void take(struct top *top, struct record *record, uint32_t at)
{
	const enum side local = record_local_side(record);
	bool is_shown;

	if (!filter_match(top->query.filter, record))
		return;
	rate_young(record);
	is_shown = filter_match(top->query.shown, record);
	if (top->sort && is_shown) {
		sort_offer(top->sort, record, at);
		top->rows++;
	}
	/* what two namespaces see of one connection counts once */
	if (record_has(record, FIELD_PRIMARY) && !record->primary)
		return;
	top->flows += is_shown;
	if (record_has(record, FIELD_RATE_ORIG_BPS)) {
		top->rate_bps[0] += record->rate_bps[local];
		top->rate_bps[1] += record->rate_bps[!local];
	}
	if (top->groups)
		groups_add(top->groups, record, is_shown);
}

static bool slice(struct gather *gather, uint64_t until_ns)
{
	struct top *top = container_of(gather, struct top, gather);
	const struct table *table = engine_table(top->serve->engine);
	const uint64_t now_boot_ns = engine_now_boot_ns(top->serve->engine);
	struct record record;

	do {
		for (int i = 0; i < LOOK; i++) {
			if (!table_next(table, &top->cursor, now_boot_ns, &record))
				return true;
			take(top, &record, top->cursor - 1);
		}
	} while (clock_boot_ns() < until_ns);
	return false;
}

static void put_flows(struct top *top)
{
	const struct table *table = engine_table(top->serve->engine);
	const uint64_t now_boot_ns = engine_now_boot_ns(top->serve->engine);
	struct buf *out = &top->out;
	struct sort_row row;
	struct record record;
	bool first = true;

	while (!sort_finish(top->sort, ROWS_MAX))
		;
	for (size_t i = 0; sort_row(top->sort, i, &row); i++) {
		/* it may have ended since, and its row be another's */
		if (!table_next(table, &row.cursor, now_boot_ns, &record) ||
		    record.flow_id != row.flow_id)
			continue;
		rate_young(&record);
		if (!first)
			buf_putc(out, ',');
		first = false;
		encoder_json.record(out, &top->query.conf, &record);
		out->len -= !out->error; /* the newline */
	}
}

static void print(struct top *top)
{
	struct buf *out = &top->out;

	json_object_begin(out);
	json_member_u64(out, "flows", top->flows);
	json_member_u64(out, "rate_out_bps", top->rate_bps[0]);
	json_member_u64(out, "rate_in_bps", top->rate_bps[1]);
	engine_pulse_json(top->serve->engine, out);
	json_member_text(out, "by", top->groups ? top->query.by : "flow");
	if (top->groups)
		groups_finish(top->groups);
	json_member_u64(out, "rows", top->groups ? groups_count(top->groups) : top->rows);
	json_key(out, "top");
	json_array_begin(out);
	if (top->groups)
		groups_json(top->groups, out);
	else
		put_flows(top);
	json_array_end(out);
	json_object_end(out);
	buf_putc(out, '\n');
	top->printed = true;
	/* some megabytes, for as long as the client takes to read some kilobytes */
	groups_free(top->groups);
	top->groups = NULL;
}

static ssize_t read_top(void *context, uint64_t position, char *bytes, size_t n)
{
	struct top *top = context;
	size_t left;

	if (gather_wait(&top->gather))
		return 0;
	if (top->gather.aborted)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!top->printed)
		print(top);
	if (top->out.error)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	left = top->out.len - top->sent;
	if (!left)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n > left)
		n = left;
	memcpy(bytes, top->out.data + top->sent, n);
	top->sent += n;
	return (ssize_t)n;
}

static void free_top(void *context)
{
	struct top *top = context;

	gather_forget(&top->gather);
	query_fini(&top->query);
	groups_free(top->groups);
	sort_free(top->sort);
	buf_fini(&top->out);
	free(top);
}

/* Rows by what, in which order. */
static int open_rows(struct top *top, struct why *why)
{
	const struct query *query = &top->query;
	uint64_t limit = query->limit ? query->limit : ROWS_USUAL;

	if (query->encoder != &encoder_json)
		return why_set(why, -EINVAL, "here format is json");
	if (limit > ROWS_MAX)
		limit = ROWS_MAX;
	if (query->by && *query->by && strcmp(query->by, "flow"))
		return groups_new(&top->groups, query->by, query->sort, limit, why);
	return sort_new(&top->sort, query->sort && *query->sort ? query->sort : "-rate", limit,
			why);
}

enum MHD_Result top_answer(struct serve *serve, struct MHD_Connection *connection,
			   struct query *query)
{
	struct top *top = calloc(1, sizeof(*top));
	struct MHD_Response *response;
	struct why why = { "" };
	enum MHD_Result result;

	if (!top) {
		query_fini(query);
		return MHD_NO;
	}
	top->gather = (struct gather){ .serve = serve, .connection = connection, .slice = slice };
	top->serve = serve;
	top->query = *query;
	if (open_rows(top, &why) < 0) {
		free_top(top);
		return route_error(connection, MHD_HTTP_BAD_REQUEST, why.text, 0);
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_top, top,
						     free_top);
	if (!response) {
		free_top(top);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
