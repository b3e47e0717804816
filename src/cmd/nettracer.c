// SPDX-License-Identifier: Apache-2.0
/*
 * What NetTracer's -n mode printed. Each round is a listing of the live connections; what
 * closes between two of them comes from the stream of events, which is open before the
 * first. A connection that is in both is printed as closed alone.
 */
#include "cmd/nettracer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "client/requests.h"
#include "cmd/collector.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/pause.h"
#include "encode/nettracer.h"
#include "flow/filter.h"

#define COLUMN_LEAST 22
#define COLUMNS 6
/* As much as that tool took the headers of a packet to be. */
#define HEADER_BYTES_V4 66
#define HEADER_BYTES_V6 77
/* Two sights of one connection may differ by that in when it began. */
#define START_APART_S 1

struct lines {
	struct nettracer_line *line; /* owned */
	size_t count, allocated;
};

struct rounds {
	const struct options *options; /* borrowed */
	struct requests *requests;     /* owned */
	struct request *listing, *events;
	struct buf listed, told;       /* owned: text that has come, perhaps half a line */
	struct lines live, closed;     /* of this round */
	struct lines before;           /* as they were printed last: what deltas are from */
	struct pause pause;
	uint64_t next_boot_ns, done; /* rounds */
	bool is_human, has_head, is_over;
	int written, r;
	struct why *why; /* borrowed */
};

static int lines_add(struct lines *lines, const struct nettracer_line *line)
{
	const size_t wanted = lines->allocated ? 2 * lines->allocated : 64;
	struct nettracer_line *grown;

	if (lines->count == lines->allocated) {
		grown = realloc(lines->line, wanted * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		lines->line = grown;
		lines->allocated = wanted;
	}
	lines->line[lines->count++] = *line;
	return 0;
}

static int compare(const void *x, const void *y)
{
	const struct nettracer_line *a = x, *b = y;
	int order = addr_compare(&a->addr[0], &b->addr[0]);

	if (!order)
		order = addr_compare(&a->addr[1], &b->addr[1]);
	if (!order)
		order = memcmp(a->port, b->port, sizeof(a->port));
	if (!order)
		order = (a->netns > b->netns) - (a->netns < b->netns);
	return order;
}

/* The same connection, not another that uses its ends later. */
static bool is_same(const struct nettracer_line *x, const struct nettracer_line *y)
{
	const uint64_t apart_s = x->start_s > y->start_s ? x->start_s - y->start_s :
							   y->start_s - x->start_s;

	/* of one older than weir its close does not know when it began */
	return compare(x, y) == 0 && (apart_s <= START_APART_S || !x->start_s || !y->start_s);
}

/* lines are sorted: the same connection among them; NULL: it is not. */
static const struct nettracer_line *find(const struct lines *lines,
					 const struct nettracer_line *wanted)
{
	size_t low = 0, high = lines->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare(&lines->line[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < lines->count && compare(&lines->line[low], wanted) == 0; low++) {
		if (is_same(&lines->line[low], wanted))
			return &lines->line[low];
	}
	return NULL;
}

static void sort(struct lines *lines)
{
	if (lines->count)
		qsort(lines->line, lines->count, sizeof(*lines->line), compare);
}

/* Whole lines of text into lines; the rest stays. */
static int take_lines(struct buf *text, struct lines *lines)
{
	struct nettracer_line line;
	size_t done = 0;
	const char *end;
	int r = 0;

	while (r == 0 && done < text->len &&
	       (end = memchr(text->data + done, '\n', text->len - done))) {
		const char *const at = text->data + done;

		if (*at == '#') /* so many were dropped: we were too slow */
			fprintf(stderr, "weir:%.*s\n", (int)(end - at - 1), at + 1);
		else if (nettracer_parse_hex(&line, at, (size_t)(end - at)) == 0)
			r = lines_add(lines, &line);
		done = (size_t)(end - text->data) + 1;
	}
	buf_consume(text, done);
	return r;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* As the options want its numbers. */
static struct nettracer_line shown(const struct rounds *rounds, const struct nettracer_line *line)
{
	const bool wants_last = rounds->options->incremental || !line->start_s;
	const struct nettracer_line *const last = wants_last ? find(&rounds->before, line) : NULL;
	const bool grows = last && rounds->options->incremental;
	struct nettracer_line ret = *line;

	if (last && !line->start_s) {
		ret.start_s = last->start_s;
		ret.duration_s = grown(line->now_s, last->start_s);
	}
	for (int i = 0; i < 2; i++) {
		if (grows) {
			ret.bytes[i] = grown(line->bytes[i], last->bytes[i]);
			ret.packets[i] = grown(line->packets[i], last->packets[i]);
		}
		if (rounds->options->header_bytes)
			ret.bytes[i] += ret.packets[i] * (addr_is_v4(&line->addr[0]) ?
						HEADER_BYTES_V4 : HEADER_BYTES_V6);
	}
	if (grows)
		ret.retransmitted = grown(line->retransmitted, last->retransmitted);
	return ret;
}

static unsigned column_width(void)
{
	const unsigned width = (unsigned)output_width() / COLUMNS;

	return width > COLUMN_LEAST ? width : COLUMN_LEAST;
}

static void put_human(const struct rounds *rounds, struct buf *out)
{
	const struct lines *const all[] = { &rounds->closed, &rounds->live };
	const unsigned width = column_width();
	uint64_t sessions[2] = { 0, 0 };

	if (!rounds->has_head)
		nettracer_put_human(out, NULL, width);
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < all[k]->count; i++) {
			nettracer_put_human(out, &all[k]->line[i], width);
			sessions[all[k]->line[i].is_accepted] += k == 1;
		}
	}
	buf_printf(out, "Number of passive tcp sessions: %llu, active: %llu \n",
		   (unsigned long long)sessions[1], (unsigned long long)sessions[0]);
}

static void put_for_programs(const struct rounds *rounds, struct buf *out)
{
	const struct lines *const all[] = { &rounds->closed, &rounds->live };

	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < all[k]->count; i++) {
			const struct nettracer_line line = shown(rounds, &all[k]->line[i]);

			nettracer_put_hex(out, &line);
		}
	}
	buf_puts(out, " \n");
}

/* What closed while the listing came is in it still. */
static void drop_closed(struct rounds *rounds)
{
	size_t kept = 0;

	for (size_t i = 0; i < rounds->live.count; i++) {
		if (!find(&rounds->closed, &rounds->live.line[i]))
			rounds->live.line[kept++] = rounds->live.line[i];
	}
	rounds->live.count = kept;
}

static void print_round(struct rounds *rounds)
{
	const struct lines before = rounds->before;
	struct buf out = { 0 };

	sort(&rounds->closed);
	drop_closed(rounds);
	sort(&rounds->live);
	if (rounds->is_human)
		put_human(rounds, &out);
	else
		put_for_programs(rounds, &out);
	rounds->has_head = true;
	rounds->written = out.error ? out.error : output_write(out.data, out.len);
	buf_fini(&out);
	rounds->before = rounds->live;
	rounds->live = before;
	rounds->live.count = rounds->closed.count = 0;
}

static size_t on_listed(void *context, const char *bytes, size_t n)
{
	struct rounds *rounds = context;

	buf_append(&rounds->listed, bytes, n);
	rounds->r = rounds->listed.error ? rounds->listed.error :
					   take_lines(&rounds->listed, &rounds->live);
	return rounds->r < 0 ? 0 : n;
}

static void on_listing_done(void *context, int r, const struct why *why)
{
	struct rounds *rounds = context;

	rounds->listing = NULL;
	if (rounds->r == 0 && r < 0) {
		*rounds->why = *why;
		rounds->r = r;
	}
	if (rounds->r == 0)
		print_round(rounds);
	rounds->done++;
	rounds->is_over = rounds->r < 0 || rounds->written < 0 || !rounds->options->repeat ||
			  rounds->done == rounds->options->count;
}

static size_t on_told(void *context, const char *bytes, size_t n)
{
	struct rounds *rounds = context;

	buf_append(&rounds->told, bytes, n);
	rounds->r = rounds->told.error ? rounds->told.error :
					 take_lines(&rounds->told, &rounds->closed);
	return rounds->r < 0 ? 0 : n;
}

static void on_events_done(void *context, int r, const struct why *why)
{
	struct rounds *rounds = context;

	rounds->events = NULL;
	rounds->is_over = true;
	if (rounds->r == 0)
		rounds->r = r < 0 ? why_set(rounds->why, r, "%s", why->text) :
				    why_set(rounds->why, -EPIPE, "the daemon has ended");
}

static int begin_round(struct rounds *rounds)
{
	const struct client_param params[] = {
		{ "filter", rounds->options->filter },
		{ "format", encoder_nettracer_hex.name },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_listed, rounds };

	rounds->next_boot_ns = clock_boot_ns() + rounds->options->interval_ns;
	return request_start(&rounds->listing, rounds->requests, "/api/v1/flows", params, &outlet,
			     on_listing_done, rounds, rounds->why);
}

static int begin_events(struct rounds *rounds)
{
	struct buf filter = { 0 };
	struct client_param params[] = {
		{ "filter", NULL },
		{ "format", encoder_nettracer_hex.name },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_told, rounds, .is_endless = true };
	int r;

	buf_puts(&filter, "event = close and not (src net 127.0.0.0/8 or src net ::1/128)");
	if (rounds->options->all)
		buf_clear(&filter), buf_puts(&filter, "event = close");
	if (rounds->options->chosen)
		buf_printf(&filter, " and (%s)", rounds->options->chosen);
	if (!filter_is_blank(rounds->options->typed))
		buf_printf(&filter, " and (%s)", rounds->options->typed);
	buf_putc(&filter, '\0');
	params[0].value = filter.data;
	r = filter.error ? filter.error :
			   request_start(&rounds->events, rounds->requests, "/api/v1/events",
					 params, &outlet, on_events_done, rounds, rounds->why);
	buf_fini(&filter);
	return r;
}

static int until_ms(const struct rounds *rounds)
{
	return rounds->listing ? 1000 : clock_poll_ms(rounds->next_boot_ns, clock_boot_ns());
}

static int go_round(struct rounds *rounds)
{
	int r = rounds->options->repeat ? begin_events(rounds) : 0;

	while (r == 0 && !rounds->is_over) {
		struct pollfd input = { .fd = rounds->pause.is_deaf ? -1 : STDIN_FILENO,
					.events = POLLIN };

		if (!rounds->listing && clock_boot_ns() >= rounds->next_boot_ns)
			r = begin_round(rounds);
		if (r == 0)
			r = requests_wait(rounds->requests, &input, !rounds->pause.is_deaf,
					  until_ms(rounds), rounds->why);
		if (input.revents && pause_reads_enter(&rounds->pause))
			rounds->next_boot_ns = 0;
	}
	return r < 0 ? r : rounds->r;
}

int nettracer_check(const struct options *options, struct why *why)
{
	const bool is_nettracer = options->encoder == &encoder_nettracer;
	const struct {
		bool is_set, is_nettracers;
		const char *name;
	} flags[] = {
		{ options->incremental, true, "incremental" },
		{ options->header_bytes, true, "header-bytes" },
		{ options->limit, false, "limit" }, { options->sort, false, "sort" },
		{ options->no_header, false, "no-header" }, { options->wide, false, "wide" },
		{ options->bits, false, "bits" }, { options->processes, false, "processes" },
		{ options->info, false, "info" }, { options->extended, false, "extended" },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!flags[i].is_set || flags[i].is_nettracers == is_nettracer)
			continue;
		return why_set(why, -EINVAL, is_nettracer ? "-o nettracer takes no --%s" :
			       "--%s is of -o nettracer alone", flags[i].name);
	}
	return 0;
}

int nettracer_list(struct collector *collector, const struct options *options, int *written,
		   struct why *why)
{
	struct rounds rounds = {
		.options = options,
		.is_human = isatty(STDOUT_FILENO),
		.pause = options->repeat ? pause_begin(options->watch) :
					   (struct pause){ .is_deaf = true },
		.why = why,
	};
	int r = requests_new(&rounds.requests, collector->client, why);

	if (r == 0)
		r = go_round(&rounds);
	*written = rounds.written;
	requests_free(rounds.requests);
	buf_fini(&rounds.listed);
	buf_fini(&rounds.told);
	free(rounds.live.line);
	free(rounds.closed.line);
	free(rounds.before.line);
	return r;
}
