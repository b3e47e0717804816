// SPDX-License-Identifier: Apache-2.0
/*
 * What the view asks, and what comes of the answers. One request for rows is under way at
 * most; whoever changes what is wanted asks anew at once. A collector that does not answer
 * is asked again every second, for ever: daemons are restarted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "ui/top_impl.h"

#define RETRY_NS (1 * NUM_NS_PER_S)
/* Rows beyond the screen's, so that one can scroll. */
#define ROWS_AT_LEAST 100
#define ROWS_MAX 1000
#define ANSWER_BYTES_MAX (16U << 20)

/* What list hides as well (cmd/options.c says so of it). */
#define HIDDEN "not primary = false and not (src net 127.0.0.0/8 or src net ::1/128)"
/* What has closed is no row, but what it moved is part of the sums. */
#define SHOWN "not (state = time_wait or state = close)"

static const char flow_fields[] =
	"flow_id,proto,src_ip,src_port,dst_ip,dst_port,direction,bytes_orig,bytes_reply,"
	"rate_orig_bps,rate_reply_bps,ct_state,tcp_state,duration_ms,client_pid,client_comm,"
	"server_pid,server_comm,netns,tcp_segments_orig,tcp_segments_reply,retransmits,rtt_us";

uint64_t fetch_history_id(uint64_t id, unsigned what)
{
	return id ^ what * 0x9e3779b97f4a7c15ULL;
}

static size_t take_bytes(struct buf *buf, const char *bytes, size_t n)
{
	buf_append(buf, bytes, n);
	return buf->error || buf->len > ANSWER_BYTES_MAX ? 0 : n;
}

static size_t on_rows_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;

	return take_bytes(&top->answer, bytes, n);
}

static double per_second(uint64_t now, uint64_t before, uint64_t ns)
{
	return now < before || !ns ? 0 : (double)(now - before) * 1e9 / (double)ns;
}

/* What has grown since the answer before. A collector that began anew has none. */
static void rate(struct top *top, const struct snapshot *before, uint64_t interval_ns)
{
	const struct snapshot *now = &top->snapshot;
	const uint64_t segments = now->segments - before->segments;
	const double seconds = now->cpu_seconds - before->cpu_seconds;

	if (!before->document || !interval_ns || now->cpu_seconds < before->cpu_seconds) {
		top->rates = (struct top_rates){ 0 };
		return;
	}
	top->rates.connects = per_second(now->connects + now->accepts,
					 before->connects + before->accepts, interval_ns);
	top->rates.failures = per_second(now->failures, before->failures, interval_ns);
	if (now->segments > before->segments)
		top->rates.retransmit_percent =
			100.0 * (double)(now->retransmits - before->retransmits) /
			(double)segments;
	else
		top->rates.retransmit_percent = 0;
	top->rates.cpu_percent = 100.0 * seconds * 1e9 / (double)interval_ns;
}

static void remember(struct top *top)
{
	const struct snapshot *snapshot = &top->snapshot;
	const uint64_t held_ms = top_interval_now_ms(top), at_ms = snapshot->at_ms;

	history_tell(top->history, HISTORY_SUM, at_ms, held_ms,
		     snapshot->rate_bps[0] + snapshot->rate_bps[1]);
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_row *row = &snapshot->row[i];

		if (row->rate_bps[0] != SNAPSHOT_ABSENT)
			history_tell(top->history, row->id, at_ms, held_ms,
				     row->rate_bps[0] + row->rate_bps[1]);
	}
}

/* The selection stays on its row, unless nobody has moved it from the first. */
static void find_selected(struct top *top)
{
	const struct snapshot *snapshot = &top->snapshot;

	if (!top->has_moved)
		top->selected = 0;
	for (size_t i = 0; top->has_moved && i < snapshot->count; i++) {
		if (snapshot->row[i].id == top->selected_id)
			top->selected = i;
	}
	if (top->selected >= snapshot->count)
		top->selected = snapshot->count ? snapshot->count - 1 : 0;
	if (snapshot->count)
		top->selected_id = snapshot->row[top->selected].id;
}

static void on_rows_done(void *context, int r, const struct why *why)
{
	struct top *top = context;
	struct snapshot before = top->snapshot;
	const uint64_t now_boot_ns = clock_boot_ns();
	struct why reason = *why;

	top->request = NULL;
	top->is_dirty = true;
	top->snapshot = (struct snapshot){ 0 };
	if (r == 0)
		r = snapshot_read(&top->snapshot, top->answer.data, top->answer.len, &reason);
	if (r < 0) {
		top->snapshot = before;
		snprintf(top->trouble, sizeof(top->trouble), "%s", reason.text);
		top->next_boot_ns = now_boot_ns + RETRY_NS;
		return;
	}
	if (top->trouble[0])
		fetch_standing(top); /* perhaps it is another collector */
	top->trouble[0] = '\0';
	rate(top, &before, now_boot_ns - top->answered_boot_ns);
	snapshot_fini(&before);
	top->answered_boot_ns = now_boot_ns;
	remember(top);
	if (top->mode == TOP_DETAIL)
		detail_take(top);
	else
		find_selected(top);
}

static void add_term(char *filter, const char *term)
{
	const size_t n = strlen(filter);

	if (term && *term)
		snprintf(filter + n, TOP_FILTER_SIZE - n, "%s(%s)", n ? " and " : "", term);
}

static void put_filter(const struct top *top, char filter[TOP_FILTER_SIZE])
{
	filter[0] = '\0';
	if (top->mode == TOP_DETAIL) {
		snprintf(filter, TOP_FILTER_SIZE, "%s and netns = %llu", top->detail.filter,
			 (unsigned long long)json_integer_value(
				 json_object_get(top->detail.object, "netns")));
		return;
	}
	add_term(filter, top->conf.chosen);
	add_term(filter, top->typed);
	if (!top->all)
		add_term(filter, HIDDEN);
}

void fetch_rows(struct top *top)
{
	const bool is_detail = top->mode == TOP_DETAIL;
	const unsigned kind = is_detail ? 0 : top->kind;
	char filter[TOP_FILTER_SIZE], sort[40], limit[24];
	size_t rows = top->offset + 2 * (size_t)top->frame.rows;
	const struct client_param params[] = {
		{ "by", kind_table[kind].by },
		{ "filter", filter },
		{ "shown", is_detail || top->all ? NULL : SHOWN },
		{ "sort", is_detail ? NULL : sort },
		{ "limit", limit },
		{ "columns", kind || is_detail ? NULL : flow_fields },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_rows_body, top };
	struct why why = { "" };

	request_cancel(top->request);
	top->request = NULL;
	buf_clear(&top->answer);
	put_filter(top, filter);
	snprintf(sort, sizeof(sort), "%s%s", top->is_descending ? "-" : "", top->order);
	rows = rows < ROWS_AT_LEAST ? ROWS_AT_LEAST : rows > ROWS_MAX ? ROWS_MAX : rows;
	snprintf(limit, sizeof(limit), "%zu", rows);
	top->next_boot_ns = clock_boot_ns() + top_interval_now_ms(top) * NUM_NS_PER_MS;
	if (request_start(&top->request, top->requests, "/api/v1/top", params, &outlet,
			  on_rows_done, top, &why) < 0)
		snprintf(top->trouble, sizeof(top->trouble), "%s", why.text);
}

static size_t on_standing_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;

	return take_bytes(&top->standing_answer, bytes, n);
}

/* What a person calls a feature of the ladder. */
static const char *feature_title(const char *name)
{
	static const char *const titles[][2] = {
		{ "begin", "begins" }, { "live", "counters" }, { "end", "ends" },
		{ "tcp_life", "connects" }, { "tcp_live", "TCP health" }, { "owner", "processes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (!strcmp(titles[i][0], name))
			return titles[i][1];
	}
	return name;
}

#define FEATURES_MAX 16

struct standing {
	char feature[24], rung[24];
	bool ok, told;
};

static size_t read_standings(struct standing standing[FEATURES_MAX], const char *at,
			     const char *end)
{
	size_t count = 0;

	while (at < end && count < FEATURES_MAX) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		json_t *row = json_loadb(at, (size_t)(stop - at), 0, NULL);
		const char *feature = json_string_value(json_object_get(row, "feature"));
		const char *rung = json_string_value(json_object_get(row, "rung"));
		struct standing *one = &standing[count];

		if (feature && rung) {
			snprintf(one->feature, sizeof(one->feature), "%s", feature_title(feature));
			snprintf(one->rung, sizeof(one->rung), "%s", rung);
			one->ok = json_is_true(json_object_get(row, "ok"));
			one->told = false;
			count++;
		}
		json_decref(row);
		at = stop + 1;
	}
	return count;
}

static void add_word(struct top *top, const char *before, const char *word)
{
	const size_t n = strlen(top->standing);

	snprintf(top->standing + n, sizeof(top->standing) - n, "%s%s", n ? before : "", word);
}

/* What is not seen first; then "ends, counters by bpf_walk; processes by proc". */
static void tell_standings(struct top *top, struct standing *standing, size_t count)
{
	top->standing[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (standing[i].ok)
			continue;
		add_word(top, ", ", standing[i].feature);
		standing[i].told = true;
	}
	if (top->standing[0])
		add_word(top, "", " not seen");
	for (size_t i = 0; i < count; i++) {
		const char *before = "; ";

		if (standing[i].told)
			continue;
		for (size_t k = i; k < count; k++) {
			if (standing[k].told || strcmp(standing[k].rung, standing[i].rung))
				continue;
			add_word(top, before, standing[k].feature);
			standing[k].told = true;
			before = ", ";
		}
		add_word(top, "", " by ");
		add_word(top, "", standing[i].rung);
	}
}

static void on_standing_done(void *context, int r, const struct why *why)
{
	struct standing standing[FEATURES_MAX];
	struct top *top = context;
	const char *text = top->standing_answer.data;

	top->asking = NULL;
	if (r < 0 || !text)
		return;
	tell_standings(top, standing,
		       read_standings(standing, text, text + top->standing_answer.len));
	top->is_dirty = true;
}

void fetch_standing(struct top *top)
{
	const struct client_outlet outlet = { on_standing_body, top };
	struct why why;

	request_cancel(top->asking);
	top->asking = NULL;
	buf_clear(&top->standing_answer);
	request_start(&top->asking, top->requests, "/api/v1/doctor", NULL, &outlet,
		      on_standing_done, top, &why);
}

static void add_event(struct top_detail *detail, const char *line, size_t n)
{
	char *at = detail->event[detail->events++ % TOP_EVENTS];

	snprintf(at, TOP_EVENT_SIZE, "%.*s", (int)(n < TOP_EVENT_SIZE ? n : TOP_EVENT_SIZE - 1),
		 line);
}

static size_t on_event_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;
	struct top_detail *detail = &top->detail;
	const char *end;

	buf_append(&detail->line, bytes, n);
	while (detail->line.len &&
	       (end = memchr(detail->line.data, '\n', detail->line.len))) {
		add_event(detail, detail->line.data, (size_t)(end - detail->line.data));
		buf_consume(&detail->line, (size_t)(end - detail->line.data) + 1);
	}
	top->is_dirty = true;
	return n;
}

static void on_events_done(void *context, int r, const struct why *why)
{
	struct top *top = context;

	top->detail.stream = NULL;
}

void fetch_events(struct top *top)
{
	const struct client_param params[] = {
		{ "filter", top->detail.filter },
		{ "format", "trace" },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_event_body, top };
	struct why why;

	request_cancel(top->detail.stream);
	top->detail.stream = NULL;
	buf_clear(&top->detail.line);
	request_start(&top->detail.stream, top->requests, "/api/v1/events", params, &outlet,
		      on_events_done, top, &why);
}
