// SPDX-License-Identifier: Apache-2.0
/*
 * What the view asks, and what comes of the answers. One request for rows is under way at
 * most: whoever changes what is wanted meanwhile is asked for when it is over, since the
 * collector ends a walk that it has begun. A collector that does not answer
 * is asked again every second, for ever: daemons are restarted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "ui/top_impl.h"

#define RETRY_NS (1 * NUM_NS_PER_S)
/* Rows beyond the screen's, so that one can scroll. */
#define ROWS_AT_LEAST 100
#define ANSWER_BYTES_MAX (16U << 20)

/* What list hides as well (cmd/options.c says so of it). */
#define HIDDEN "not primary = false and not (src net 127.0.0.0/8 or src net ::1/128)"
/* What has closed is no row, but what it moved is part of the sums. */
#define SHOWN "not (state = time_wait or state = close)"

static const char flow_fields[] =
	"flow_id,proto,src_ip,src_port,dst_ip,dst_port,direction,bytes_orig,bytes_reply,"
	"rate_orig_bps,rate_reply_bps,ct_state,tcp_state,duration_ms,client_pid,client_comm,"
	"server_pid,server_comm,netns,zone,icmp_id,gre_key,counted_by,"
	"tcp_segments_orig,tcp_segments_reply,retransmits,server_retransmits,rtt_us";

uint64_t fetch_history_id(uint64_t id, unsigned what)
{
	return id ^ what * 0x9e3779b97f4a7c15ULL;
}

size_t fetch_take(struct buf *buf, const char *bytes, size_t n)
{
	buf_append(buf, bytes, n);
	return buf->error || buf->len > ANSWER_BYTES_MAX ? 0 : n;
}

static size_t on_rows_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;

	return fetch_take(&top->answer, bytes, n);
}

static double per_second(uint64_t now, uint64_t before, uint64_t ns)
{
	return (double)(now - before) * 1e9 / (double)ns;
}

/* Another collector, or the same begun anew. */
static bool has_shrunk(const struct snapshot_sums *now, const struct snapshot_sums *before)
{
	return now->cpu_seconds < before->cpu_seconds || now->connects < before->connects ||
	       now->accepts < before->accepts || now->failures < before->failures ||
	       now->segments < before->segments || now->retransmits < before->retransmits;
}

/* What has grown since the answer before. */
static void rate(struct top_rates *rates, const struct snapshot_sums *now,
		 const struct snapshot_sums *before, uint64_t interval_ns)
{
	*rates = (struct top_rates){ 0 };
	if (!before->at_ms || !interval_ns || has_shrunk(now, before))
		return;
	rates->connects = per_second(now->connects + now->accepts,
				     before->connects + before->accepts, interval_ns);
	rates->failures = per_second(now->failures, before->failures, interval_ns);
	if (now->segments > before->segments)
		rates->retransmit_percent = 100.0 *
					    (double)(now->retransmits - before->retransmits) /
					    (double)(now->segments - before->segments);
	rates->cpu_percent = 100.0 * (now->cpu_seconds - before->cpu_seconds) * 1e9 /
			     (double)interval_ns;
}

static void remember_rows(struct top *top, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_row *row = &snapshot->row[i];

		if (row->rate_bps[0] != SNAPSHOT_ABSENT)
			history_tell(top->history, row->id, snapshot->sums.at_ms,
				     top_interval_now_ms(top),
				     row->rate_bps[0] + row->rate_bps[1]);
	}
}

/* The selection stays on its row, unless nobody has moved it from the first. */
static void find_selected(struct top *top)
{
	const struct snapshot *snapshot = &top->snapshot;

	if (!top->has_moved)
		top->selected = 0;
	if (top->at_end)
		top->selected = snapshot->count;
	for (size_t i = 0; top->has_moved && !top->at_end && i < snapshot->count; i++) {
		if (snapshot->row[i].id == top->selected_id)
			top->selected = i;
	}
	if (top->selected >= snapshot->count)
		top->selected = snapshot->count ? snapshot->count - 1 : 0;
	if (snapshot->count)
		top->selected_id = snapshot->row[top->selected].id;
}

/* Of the flow in detail, or the rows. */
static void take(struct top *top, struct snapshot *now)
{
	const uint64_t now_boot_ns = clock_boot_ns();

	rate(&top->rates, &now->sums, &top->sums, now_boot_ns - top->answered_boot_ns);
	if (has_shrunk(&now->sums, &top->sums))
		top->detail.is_anothers = true;
	if (top_in_detail(top)) /* it counts the one alone */
		now->sums.flows = top->sums.flows;
	top->sums = now->sums;
	top->is_awaited = false;
	top->answered_boot_ns = now_boot_ns;
	history_tell(top->history, top->sum_id, now->sums.at_ms, top_interval_now_ms(top),
		     now->sums.rate_bps[0] + now->sums.rate_bps[1]);
	if (top_in_detail(top)) {
		detail_take(top, now);
		snapshot_fini(now);
		return;
	}
	remember_rows(top, now);
	snapshot_fini(&top->snapshot);
	top->snapshot = *now;
	find_selected(top);
}

static void say_trouble(struct top *top, const char *text)
{
	snprintf(top->trouble, sizeof(top->trouble), "%s", text);
	top->next_boot_ns = clock_boot_ns() + RETRY_NS;
}

static void on_rows_done(void *context, int r, const struct why *why)
{
	struct top *top = context;
	struct snapshot now = { 0 };
	struct why reason = *why;
	const bool asks_again = top->asks_again;

	top->request = NULL;
	top->asks_again = false;
	top->is_dirty = true;
	if (top->frozen && !top->is_awaited)
		return;
	if (asks_again) {
		if (r < 0)
			say_trouble(top, reason.text);
		top->next_boot_ns = 0;
		return;
	}
	if (r == 0)
		r = snapshot_read(&now, top->group_seed, top->answer.data, top->answer.len,
				  &reason);
	if (r < 0) {
		say_trouble(top, reason.text);
		return;
	}
	if (top->trouble[0]) { /* perhaps it is another collector */
		standing_ask(top);
		top->detail.is_anothers = true;
	}
	top->trouble[0] = '\0';
	take(top, &now);
	if (top_in_detail(top) && !top->detail.stream && !top->detail.is_all_told)
		told_open(top);
	top->answers++;
	if (top->conf.count && top->answers >= top->conf.count)
		top->quit = true;
}

/* false: it does not fit. */
static bool add_term(char *filter, const char *term)
{
	const size_t n = strlen(filter);
	int added;

	if (filter_is_blank(term))
		return true;
	added = snprintf(filter + n, TOP_FILTER_SIZE - n, "%s(%s)", n ? " and " : "", term);
	return added >= 0 && (size_t)added < TOP_FILTER_SIZE - n;
}

bool fetch_filter(const struct top *top, const char *typed, char ret[TOP_FILTER_SIZE])
{
	ret[0] = '\0';
	return add_term(ret, top->conf.chosen) && add_term(ret, typed) &&
	       add_term(ret, top->all ? NULL : HIDDEN);
}

/* The sums go on while one flow is looked at: its own is added to what they are of, and
 * alone is shown. */
static bool add_detail(const struct top *top, char filter[TOP_FILTER_SIZE])
{
	char others[TOP_FILTER_SIZE];
	int n;

	if (!filter[0])
		return true;
	memcpy(others, filter, TOP_FILTER_SIZE);
	n = snprintf(filter, TOP_FILTER_SIZE, "(%s) or (%s)", others, top->detail.filter);
	return n >= 0 && n < TOP_FILTER_SIZE;
}

static size_t rows_wanted(const struct top *top)
{
	const size_t rows = top->offset + 2 * (size_t)top->frame.rows;

	if (top->at_end || rows > TOP_ROWS_MAX)
		return TOP_ROWS_MAX;
	return rows < ROWS_AT_LEAST ? ROWS_AT_LEAST : rows;
}

static void ask(struct top *top)
{
	const bool is_detail = top_in_detail(top);
	const unsigned kind = is_detail ? 0 : top->kind;
	char filter[TOP_FILTER_SIZE], sort[40], limit[24];
	const struct client_param params[] = {
		{ "by", kind_table[kind].by },
		{ "filter", filter },
		{ "shown", is_detail ? top->detail.filter : top->all ? NULL : SHOWN },
		{ "sort", is_detail ? NULL : sort },
		{ "limit", limit },
		{ "columns", kind || is_detail ? NULL : flow_fields },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_rows_body, top };
	struct why why = { "" };
	bool fits = fetch_filter(top, top->typed, filter);

	top->sum_id = hash_bytes(filter, strlen(filter), 0);
	top->group_seed = hash_bytes(kind_table[kind].by, strlen(kind_table[kind].by), top->sum_id);
	if (is_detail)
		fits = fits && add_detail(top, filter);
	buf_clear(&top->answer);
	snprintf(sort, sizeof(sort), "%s%s", top->is_descending ? "-" : "", top->order);
	snprintf(limit, sizeof(limit), "%zu", rows_wanted(top));
	top->next_boot_ns = clock_boot_ns() + top_interval_now_ms(top) * NUM_NS_PER_MS;
	if (!fits)
		say_trouble(top, "the filter and the flags make more than 8191 bytes");
	else if (request_start(&top->request, top->requests, "/api/v1/top", params, &outlet,
			       on_rows_done, top, &why) < 0)
		say_trouble(top, why.text);
}

void fetch_rows(struct top *top)
{
	top->asks_again = top->request; /* what is on its way answers another question */
	top->next_boot_ns = 0;
}

void fetch_anew(struct top *top)
{
	top->is_awaited = true;
	top->frozen = false;
	fetch_rows(top);
}

/* An answer that is late is not overtaken by the next question. */
void fetch_if_due(struct top *top)
{
	const bool wants = !top->frozen || top->is_awaited;

	if (wants && !top->request && clock_boot_ns() >= top->next_boot_ns)
		ask(top);
}
