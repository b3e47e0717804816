// SPDX-License-Identifier: Apache-2.0
/* The first four rows of the frame. */
#include <stdio.h>
#include <string.h>

#include "ui/layout.h"
#include "ui/sparkline.h"
#include "ui/top_impl.h"

#define MINUTE_COLUMNS 20

static void put_interval(const struct top *top, char ret[48])
{
	const uint64_t ms = top_interval_now_ms(top);

	if (top->frozen)
		snprintf(ret, 48, "frozen");
	else if (ms % 1000)
		snprintf(ret, 48, "every %llu ms", (unsigned long long)ms);
	else
		snprintf(ret, 48, "every %llu s", (unsigned long long)ms / 1000);
}

static void draw_title(struct top *top)
{
	const struct snapshot_sums *now = &top->sums;
	const size_t last = top->snapshot.count;
	struct frame *frame = &top->frame;
	char interval[48], where[64] = "", text[160];
	unsigned at;

	frame_look(frame, 0, 0, frame->columns, LOOK_TITLE);
	put_interval(top, interval);
	if (last && !top_in_detail(top))
		snprintf(where, sizeof(where), " %zu/%llu%s", top->selected + 1,
			 (unsigned long long)top->snapshot.sums.rows,
			 top->selected + 1 == TOP_ROWS_MAX && last < top->snapshot.sums.rows ?
				 " (no more are shown)" : "");
	snprintf(text, sizeof(text), " weir top  %s%s  %s%s%s", kind_table[top->kind].title, where,
		 interval, top->all ? "  all" : "", top->has_names ? "  names" : "");
	at = frame_put(frame, 0, 0, frame->columns, LOOK_TITLE, text);
	snprintf(text, sizeof(text), "weir cpu %.1f%%  lost %llu ", top->rates.cpu_percent,
		 (unsigned long long)now->lost);
	if (at + strlen(text) + 2 <= frame->columns)
		frame_put_right(frame, 0, at, frame->columns - at,
				now->lost ? LOOK_BAD : LOOK_TITLE, text);
}

/* A label and its value; `rank` says who goes first where there is no room for all. */
struct pair {
	const char *label;
	char value[48];
	enum look look;
	unsigned rank;
	bool is_hosts; /* of all flows, whatever the filter */
	bool is_left_out;
};

enum { PAIR_OUT, PAIR_IN, PAIR_FLOWS, PAIR_CONNECTS, PAIR_FAILED, PAIR_RETRANSMITS, PAIRS };

static void make_pairs(const struct top *top, struct pair pair[PAIRS])
{
	const struct snapshot_sums *sums = &top->sums;
	const struct top_rates *rates = &top->rates;
	const struct show show = draw_show(top);
	char rate[32];

	pair[PAIR_OUT] = (struct pair){ "out/s", .rank = 0 };
	show_rate(rate, &show, sums->rate_bps[0]);
	snprintf(pair[PAIR_OUT].value, sizeof(pair->value), "%s", rate);
	pair[PAIR_IN] = (struct pair){ "in/s", .rank = 1 };
	show_rate(rate, &show, sums->rate_bps[1]);
	snprintf(pair[PAIR_IN].value, sizeof(pair->value), "%s", rate);
	pair[PAIR_FLOWS] = (struct pair){ "flows", .rank = 2 };
	/* beside the one in detail nobody counts those that match */
	if (sums->flows != sums->live && !top_in_detail(top))
		snprintf(pair[PAIR_FLOWS].value, sizeof(pair->value), "%llu of %llu",
			 (unsigned long long)sums->flows, (unsigned long long)sums->live);
	else
		snprintf(pair[PAIR_FLOWS].value, sizeof(pair->value), "%llu",
			 (unsigned long long)sums->live);
	pair[PAIR_CONNECTS] = (struct pair){ "connects/s", .rank = 5, .is_hosts = true };
	snprintf(pair[PAIR_CONNECTS].value, sizeof(pair->value), "%.0f", rates->connects);
	pair[PAIR_FAILED] = (struct pair){ "failed/s", .rank = 3, .is_hosts = true };
	snprintf(pair[PAIR_FAILED].value, sizeof(pair->value), "%.0f", rates->failures);
	pair[PAIR_RETRANSMITS] = (struct pair){ "retr%", .rank = 4, .is_hosts = true };
	snprintf(pair[PAIR_RETRANSMITS].value, sizeof(pair->value), "%.1f",
		 rates->retransmit_percent);
	for (int i = 0; i < PAIRS; i++)
		pair[i].look = LOOK_BOLD;
	if (rates->failures > 0)
		pair[PAIR_FAILED].look = LOOK_BAD;
	if (rates->retransmit_percent >= 1)
		pair[PAIR_RETRANSMITS].look = LOOK_WARN;
}

static bool is_filtered(const struct top *top)
{
	return top->typed[0] || top->conf.chosen;
}

#define HOSTS "all:"

static unsigned width_of(const struct pair pair[PAIRS], bool is_filtered)
{
	unsigned width = 1;
	bool any_hosts = false;

	for (int i = 0; i < PAIRS; i++) {
		if (pair[i].is_left_out)
			continue;
		width += frame_text_width(pair[i].label) + 1 + frame_text_width(pair[i].value) + 2;
		any_hosts = any_hosts || pair[i].is_hosts;
	}
	return width - 2 + (any_hosts && is_filtered ? sizeof(HOSTS) : 0);
}

static void leave_out_last(struct pair pair[PAIRS])
{
	struct pair *last = NULL;

	for (int i = 0; i < PAIRS; i++) {
		if (!pair[i].is_left_out && (!last || pair[i].rank > last->rank))
			last = &pair[i];
	}
	if (last)
		last->is_left_out = true;
}

static void draw_sums(struct top *top)
{
	struct frame *frame = &top->frame;
	struct pair pair[PAIRS];
	uint64_t minute[HISTORY_SECONDS];
	char bars[MINUTE_COLUMNS * SPARKLINE_CHARACTER_SIZE + 1];
	bool says_hosts = is_filtered(top);
	unsigned at = 1, room;

	make_pairs(top, pair);
	for (int i = 0; i < PAIRS && width_of(pair, says_hosts) > frame->columns; i++)
		leave_out_last(pair);
	for (int i = 0; i < PAIRS; i++) {
		if (pair[i].is_left_out)
			continue;
		if (pair[i].is_hosts && says_hosts) {
			at = frame_put(frame, 1, at, frame->columns, LOOK_DIM, HOSTS) + 1;
			says_hosts = false;
		}
		at = frame_put(frame, 1, at, frame->columns, LOOK_DIM, pair[i].label) + 1;
		at = frame_put(frame, 1, at, frame->columns, pair[i].look, pair[i].value) + 2;
	}
	if (at + 10 > frame->columns)
		return;
	room = frame->columns - at < MINUTE_COLUMNS ? frame->columns - at : MINUTE_COLUMNS;
	history_read(top->history, top->sum_id, top->sums.at_ms, minute);
	sparkline(bars, room, minute, HISTORY_SECONDS, 0, top->screen.is_utf8);
	frame_put(frame, 1, frame->columns - room, room, LOOK_KEY, bars);
}

/* A sentence, its end in the next line where that is free: the remedy stands there. */
static void put_sentence(struct top *top, enum look look, const char *text)
{
	struct frame *frame = &top->frame;
	const unsigned width = frame->columns > 2 ? frame->columns - 2 : 1;
	const bool is_free = top->mode == TOP_GUIDE ||
			     (top->mode == TOP_ROWS && !is_filtered(top));
	size_t n = strlen(text);

	if (is_free && frame_text_width(text) > width) {
		n = n < width ? n : width;
		while (n && text[n] != ' ')
			n--;
		if (n)
			frame_put(frame, 3, 1, width, look, text + n + 1);
	}
	frame_put(frame, 2, 1, n && n < width ? (unsigned)n : width, look, text);
}

/* Troubles first: there is room for one thing. */
static void draw_seen(struct top *top)
{
	char text[700];

	if (top->said[0]) {
		put_sentence(top, LOOK_WARN, top->said);
	} else if (top->trouble[0]) {
		snprintf(text, sizeof(text), "%s; asked again every second", top->trouble);
		put_sentence(top, LOOK_BAD, text);
	} else if (top->conf.advice) {
		put_sentence(top, LOOK_WARN, top->conf.advice);
	} else if (top->sums.notice[0]) {
		put_sentence(top, LOOK_WARN, top->sums.notice);
	} else if (top->standing[0]) {
		snprintf(text, sizeof(text), "seen: %s%s", top->standing,
			 strstr(top->standing, "not seen") ?
				 "; weir doctor tells why" : "");
		put_sentence(top, LOOK_DIM, text);
	}
}

/* One line; what is too long says so. */
static void draw_filter(struct top *top)
{
	struct frame *frame = &top->frame;
	const char *const mark = draw_mark(top);
	char text[2 * CELL_SIZE];
	unsigned at = 1;

	if (!is_filtered(top))
		return;
	at = frame_put(frame, 3, at, frame->columns, LOOK_DIM, "filter:") + 1;
	if (top->conf.chosen && at < frame->columns) {
		layout_elide(text, sizeof(text), top->conf.chosen, frame->columns - at, mark, 0);
		at = frame_put(frame, 3, at, frame->columns, LOOK_DIM, text);
		at = frame_put(frame, 3, at, frame->columns, LOOK_DIM,
			       top->typed[0] ? " and " : "");
	}
	if (at >= frame->columns)
		return;
	layout_elide(text, sizeof(text), top->typed, frame->columns - at, mark, 0);
	frame_put(frame, 3, at, frame->columns, LOOK_BOLD, text);
}

void draw_header(struct top *top)
{
	draw_title(top);
	draw_sums(top);
	draw_seen(top);
	if (top->mode == TOP_ROWS)
		draw_filter(top);
}
