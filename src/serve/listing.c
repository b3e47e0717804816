// SPDX-License-Identifier: Apache-2.0
/*
 * /api/v1/flows: the live flows, once.
 *
 * Without an order they are encoded as the client reads them, a few hundred at
 * a time. With one, the best N are gathered first (gather.c); only their keys are
 * kept, never the flows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/why.h"
#include "flow/filter.h"
#include "serve/serve_impl.h"
#include "serve/sort.h"

/* Flows looked at before the clock is asked again. */
#define LOOK 64
/* Encoded ahead of the client at most. */
#define AHEAD_BYTES 65536
#define CHUNK_BYTES 65536
/* Sorted rows put into their place before the clock is asked again. */
#define PLACE 512
/* A client that takes nothing for so long is let go (it may sit in a pager). */
#define STALLED_S 3600

struct listing {
	struct gather gather;
	struct serve *serve; /* borrowed */
	struct query query;
	struct buf out;
	size_t sent; /* of out */
	uint32_t cursor;
	uint64_t rows;
	bool done, headed;

	struct sort *sort; /* owned; NULL: table order */
	bool seen_all;
	size_t next_sorted;
};

static bool is_full(const struct listing *listing)
{
	return listing->query.limit && listing->rows >= listing->query.limit;
}

static void put_record(struct listing *listing, const struct record *record)
{
	listing->query.encoder->record(&listing->out, &listing->query.conf, record);
	listing->rows++;
}

/* In the table's order: a slice of time or a buffer's worth. */
static void produce_unsorted(struct listing *listing)
{
	const struct table *table = engine_table(listing->serve->engine);
	const uint64_t now_boot_ns = engine_now_boot_ns(listing->serve->engine);
	struct record record;

	/* all listings share one slice; each gets on by one LOOK at least */
	do {
		for (int i = 0; i < LOOK; i++) {
			if (is_full(listing) ||
			    !table_next(table, &listing->cursor, now_boot_ns, &record)) {
				listing->done = true;
				return;
			}
			if (filter_match(listing->query.filter, &record))
				put_record(listing, &record);
		}
	} while (listing->out.len < AHEAD_BYTES &&
		 clock_boot_ns() < listing->serve->slice_until_ns);
}

static void produce_sorted(struct listing *listing)
{
	const struct table *table = engine_table(listing->serve->engine);
	const uint64_t now_boot_ns = engine_now_boot_ns(listing->serve->engine);
	struct sort_row row;
	struct record record;

	while (listing->out.len < AHEAD_BYTES) {
		if (is_full(listing) || !sort_row(listing->sort, listing->next_sorted++, &row)) {
			listing->done = true;
			return;
		}
		/* it may have ended since, and its row be another's */
		if (table_next(table, &row.cursor, now_boot_ns, &record) &&
		    record.flow_id == row.flow_id)
			put_record(listing, &record);
	}
}

static bool gather_sorted(struct gather *gather, uint64_t until_ns)
{
	struct listing *listing = container_of(gather, struct listing, gather);
	const struct table *table = engine_table(listing->serve->engine);
	const uint64_t now_boot_ns = engine_now_boot_ns(listing->serve->engine);
	struct record record;
	uint32_t at;

	do {
		for (int i = 0; i < LOOK && !listing->seen_all; i++) {
			if (!table_next(table, &listing->cursor, now_boot_ns, &record)) {
				listing->seen_all = true;
				break;
			}
			at = listing->cursor - 1;
			if (filter_match(listing->query.filter, &record))
				sort_offer(listing->sort, &record, at);
		}
		if (listing->seen_all && sort_finish(listing->sort, PLACE))
			return true;
	} while (clock_boot_ns() < until_ns);
	return false;
}

static ssize_t read_listing(void *context, uint64_t position, char *bytes, size_t n)
{
	struct listing *listing = context;
	size_t left;

	if (listing->sort && gather_wait(&listing->gather))
		return 0;
	if (listing->gather.aborted)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (listing->sent == listing->out.len && !listing->done) {
		buf_clear(&listing->out);
		listing->sent = 0;
		if (!listing->headed && listing->query.encoder->head && listing->query.header)
			listing->query.encoder->head(&listing->out, &listing->query.conf);
		listing->headed = true;
		if (listing->sort)
			produce_sorted(listing);
		else
			produce_unsorted(listing);
	}
	if (listing->out.error)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	left = listing->out.len - listing->sent;
	if (!left) /* 0: asked again on the next turn of the loop */
		return listing->done ? MHD_CONTENT_READER_END_OF_STREAM : 0;
	if (n > left)
		n = left;
	memcpy(bytes, listing->out.data + listing->sent, n);
	listing->sent += n;
	return (ssize_t)n;
}

static void free_listing(void *context)
{
	struct listing *listing = context;

	gather_forget(&listing->gather);
	query_fini(&listing->query);
	buf_fini(&listing->out);
	sort_free(listing->sort);
	free(listing);
}

enum MHD_Result listing_answer(struct serve *serve, struct MHD_Connection *connection,
			       struct query *query)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	struct MHD_Response *response;
	struct why why = { "" };
	enum MHD_Result result;
	int r = 0;

	if (!listing) {
		query_fini(query);
		return MHD_NO;
	}
	listing->serve = serve;
	listing->gather = (struct gather){ .serve = serve, .connection = connection,
					   .slice = gather_sorted };
	listing->query = *query;
	if (query->sort && *query->sort)
		r = sort_new(&listing->sort, query->sort, query->limit, &why);
	if (r < 0) {
		free_listing(listing);
		return route_error(connection, MHD_HTTP_BAD_REQUEST, why.text, 0);
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_listing,
						     listing, free_listing);
	if (!response) {
		free_listing(listing);
		return MHD_NO;
	}
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)STALLED_S);
	MHD_add_response_header(response, "Content-Type", query->encoder->content_type);
	MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
