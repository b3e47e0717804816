// SPDX-License-Identifier: Apache-2.0
/*
 * The frame:
 *   what is watched, how often              the collector's own cost and losses
 *   rates, flows, connects, failures, retransmits                the last minute
 *   what is seen, or what is missing and the command that helps
 *   the filter, or the line in which it is typed
 *   titles
 *   rows
 *   keys
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "ui/layout.h"
#include "ui/sparkline.h"
#include "ui/top_impl.h"

#define HEADER_ROWS 5
#define FOOTER_ROWS 1
#define MINUTE_COLUMNS 20

unsigned draw_room(const struct top *top)
{
	const unsigned taken = HEADER_ROWS + FOOTER_ROWS;

	return top->frame.rows > taken ? top->frame.rows - taken : 1;
}

struct show draw_show(const struct top *top)
{
	return (struct show){
		.bits = top->bits,
		.utf8 = top->screen.is_utf8,
		.history = top->history,
		.names = top->has_names ? top->names : NULL,
		.by = kind_table[top->kind].by,
		.now_ms = top->snapshot.at_ms,
		.now_boot_ns = clock_boot_ns(),
	};
}

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
	const struct snapshot *now = &top->snapshot;
	struct frame *frame = &top->frame;
	char interval[48], where[48] = "", text[160];
	unsigned at;

	frame_look(frame, 0, 0, frame->columns, LOOK_TITLE);
	put_interval(top, interval);
	if (top->snapshot.count && top->mode != TOP_DETAIL)
		snprintf(where, sizeof(where), " %zu/%llu", top->selected + 1,
			 (unsigned long long)now->rows);
	snprintf(text, sizeof(text), " weir top  %s%s  %s%s%s", kind_table[top->kind].title, where,
		 interval, top->all ? "  all" : "", top->has_names ? "  names" : "");
	at = frame_put(frame, 0, 0, frame->columns, LOOK_TITLE, text);
	snprintf(text, sizeof(text), "weir cpu %.1f%%  lost %llu ", top->rates.cpu_percent,
		 (unsigned long long)now->lost);
	if (at + strlen(text) + 2 <= frame->columns)
		frame_put_right(frame, 0, at, frame->columns - at,
				now->lost ? LOOK_BAD : LOOK_TITLE, text);
}

/* A label and its value, and a gap. */
static unsigned put_pair(struct frame *frame, unsigned row, unsigned column, const char *label,
			 const char *value, enum look look)
{
	column = frame_put(frame, row, column, frame->columns, LOOK_DIM, label);
	column = frame_put(frame, row, column + 1, frame->columns, look, value);
	return column + 2;
}

static void draw_sums(struct top *top)
{
	const struct snapshot *now = &top->snapshot;
	const struct top_rates *rates = &top->rates;
	const struct show show = draw_show(top);
	struct frame *frame = &top->frame;
	uint64_t minute[HISTORY_SECONDS];
	char text[MINUTE_COLUMNS * SPARKLINE_CHARACTER_SIZE + 1], flows[64];
	const unsigned end = frame->columns;
	unsigned at = 1;

	show_rate(text, &show, now->rate_bps[0]);
	at = put_pair(frame, 1, at, "out/s", text, LOOK_BOLD);
	show_rate(text, &show, now->rate_bps[1]);
	at = put_pair(frame, 1, at, "in/s", text, LOOK_BOLD);
	snprintf(flows, sizeof(flows), now->flows == now->live ? "%llu" : "%llu of %llu",
		 (unsigned long long)now->flows, (unsigned long long)now->live);
	at = put_pair(frame, 1, at, "flows", flows, LOOK_BOLD);
	snprintf(text, sizeof(text), "%.0f", rates->connects);
	at = put_pair(frame, 1, at, "connects/s", text, LOOK_BOLD);
	snprintf(text, sizeof(text), "%.0f", rates->failures);
	at = put_pair(frame, 1, at, "failed/s", text, rates->failures > 0 ? LOOK_BAD : LOOK_BOLD);
	snprintf(text, sizeof(text), "%.1f", rates->retransmit_percent);
	at = put_pair(frame, 1, at, "retr%", text,
		      rates->retransmit_percent >= 1 ? LOOK_WARN : LOOK_BOLD);
	if (at + 10 > end)
		return;
	history_read(top->history, HISTORY_SUM, now->at_ms, minute);
	at = end - at > MINUTE_COLUMNS ? end - MINUTE_COLUMNS : at;
	sparkline(text, end - at, minute, HISTORY_SECONDS, 0, show.utf8);
	frame_put(frame, 1, at, end - at, LOOK_KEY, text);
}

/* A sentence, its end in the next line where that is free: the remedy stands there. */
static void put_sentence(struct top *top, enum look look, const char *text)
{
	struct frame *frame = &top->frame;
	const unsigned width = frame->columns > 2 ? frame->columns - 2 : 1;
	const bool is_free = top->mode == TOP_GUIDE ||
			     (top->mode == TOP_ROWS && !top->typed[0] && !top->conf.chosen);
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

	if (top->trouble[0]) {
		snprintf(text, sizeof(text), "%s; asked again every second", top->trouble);
		put_sentence(top, LOOK_BAD, text);
	} else if (top->conf.advice) {
		put_sentence(top, LOOK_WARN, top->conf.advice);
	} else if (top->snapshot.notice) {
		put_sentence(top, LOOK_WARN, top->snapshot.notice);
	} else if (top->standing[0]) {
		snprintf(text, sizeof(text), "seen: %s%s", top->standing,
			 strstr(top->standing, "not seen") ?
				 "; weir doctor tells why" : "");
		put_sentence(top, LOOK_DIM, text);
	}
}

/* The part of a line that is typed which shows its cursor: bytes to leave out. */
static size_t scrolled(const struct prompt *prompt, unsigned width)
{
	size_t at = 0;

	while (at < prompt->cursor && prompt->cursor - at >= width)
		at++;
	while (((unsigned char)prompt->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void draw_prompt(struct top *top)
{
	const struct prompt *prompt = &top->prompt;
	struct frame *frame = &top->frame;
	const unsigned left = 9, room = frame->columns > left + 1 ? frame->columns - left - 1 : 1;
	const size_t hidden = scrolled(prompt, room);
	char before[PROMPT_SIZE], text[320];
	unsigned caret;

	frame_put(frame, 3, 1, left, LOOK_BOLD, "filter:");
	frame_put(frame, 3, left, room, LOOK_PLAIN, prompt->text + hidden);
	snprintf(before, sizeof(before), "%.*s", (int)(prompt->cursor - hidden),
		 prompt->text + hidden);
	frame->has_cursor = true;
	frame->cursor_row = 3;
	frame->cursor_column = left + frame_text_width(before);
	if (!top->complaint[0]) {
		frame_put(frame, 4, 1, frame->columns, LOOK_DIM,
			  "Enter: use it   Esc: leave it as it was   examples: tcp and port 443, "
			  "comm curl, rtt > 50ms");
		return;
	}
	caret = top->complaint_column && top->complaint_column - 1 >= hidden ?
			left + top->complaint_column - 1 - (unsigned)hidden : left;
	caret = caret < frame->columns ? caret : left;
	/* beside the caret where there is room, to the right or to the left */
	if (caret + 2 + frame_text_width(top->complaint) <= frame->columns)
		snprintf(text, sizeof(text), "^ %s", top->complaint);
	else
		snprintf(text, sizeof(text), "^");
	frame_put(frame, 4, caret, frame->columns, LOOK_BAD, text);
	if (!text[1])
		frame_put(frame, 5, 1, frame->columns, LOOK_BAD, top->complaint);
}

static void draw_filter(struct top *top)
{
	struct frame *frame = &top->frame;
	unsigned at = 1;

	if (!top->typed[0] && !top->conf.chosen)
		return;
	at = frame_put(frame, 3, at, frame->columns, LOOK_DIM, "filter:") + 1;
	if (top->conf.chosen) {
		at = frame_put(frame, 3, at, frame->columns, LOOK_DIM, top->conf.chosen);
		at = frame_put(frame, 3, at, frame->columns, LOOK_DIM,
			       top->typed[0] ? " and " : "");
	}
	frame_put(frame, 3, at, frame->columns, LOOK_BOLD, top->typed);
}

static bool is_sorted_by(const struct top *top, const struct column *column)
{
	return column->order && !strcmp(column->order, top->order);
}

static const char *title_of(const struct kind *kind, const struct column *column)
{
	return column->title ? column->title : kind->key_title;
}

/* Widths of the columns for what is on the screen. */
static void fit(const struct top *top, const struct show *show, unsigned width[])
{
	const struct kind *kind = &kind_table[top->kind];
	struct layout_column column[LAYOUT_COLUMNS_MAX];
	const size_t end = top->offset + draw_room(top);

	for (size_t i = 0; i < kind->count; i++) {
		const struct column *is = &kind->column[i];
		unsigned want = is->least;

		for (size_t row = top->offset; row < end && row < top->snapshot.count; row++) {
			struct cell cell = { .look = LOOK_PLAIN };
			unsigned wide;

			is->put(&cell, &top->snapshot.row[row], show, is->most);
			wide = frame_text_width(cell.text);
			want = wide > want ? wide : want;
		}
		column[i] = (struct layout_column){ is->rank, is->least,
						    want < is->most ? want : is->most };
		if (is_sorted_by(top, is)) {
			const unsigned title = frame_text_width(title_of(kind, is)) + 1;

			/* it is always there, with its sign */
			column[i].rank = 0;
			column[i].least = title > is->least ? title : is->least;
		}
	}
	layout_fit(width, column, kind->count, top->frame.columns);
}

static void draw_titles(struct top *top, const unsigned width[])
{
	const struct kind *kind = &kind_table[top->kind];
	struct frame *frame = &top->frame;
	unsigned at = 0;

	for (size_t i = 0; i < kind->count; i++) {
		const struct column *column = &kind->column[i];
		const bool sorted = is_sorted_by(top, column);
		char text[48];

		if (!width[i])
			continue;
		snprintf(text, sizeof(text), "%s%s", title_of(kind, column),
			 !sorted ? "" : top->is_descending ? "-" : "+");
		if (column->is_right)
			frame_put_right(frame, 4, at, width[i], LOOK_BOLD, text);
		else
			frame_put(frame, 4, at, width[i], LOOK_BOLD, text);
		if (sorted)
			frame_look(frame, 4, at, width[i], LOOK_KEY);
		at += width[i] + LAYOUT_GAP;
	}
}

static void draw_row(struct top *top, unsigned at_row, const struct snapshot_row *row,
		     const struct show *show, const unsigned width[])
{
	const struct kind *kind = &kind_table[top->kind];
	struct frame *frame = &top->frame;
	unsigned at = 0;

	for (size_t i = 0; i < kind->count; i++) {
		const struct column *column = &kind->column[i];
		struct cell cell = { .look = LOOK_PLAIN };
		char text[CELL_SIZE];

		if (!width[i])
			continue;
		column->put(&cell, row, show, width[i]);
		layout_elide(text, sizeof(text), cell.text, width[i], show->utf8 ? "\u2026" : "~",
			     column->has_port);
		if (column->is_right)
			frame_put_right(frame, at_row, at, width[i], cell.look, text);
		else
			frame_put(frame, at_row, at, width[i], cell.look, text);
		at += width[i] + LAYOUT_GAP;
	}
}

/* Nothing to show deserves its reason. */
static void draw_nothing(struct top *top)
{
	const char *text = "nothing yet";

	if (!top->answered_boot_ns)
		text = top->trouble[0] ? "" : "asking the collector";
	else if (top->request && !top->snapshot.rows)
		text = "";
	else if (top->typed[0])
		text = "no flow matches the filter: / changes it";
	else if (!top->all)
		text = "no flow is alive but what is hidden: a shows loopback and closed ones, too";
	frame_put(&top->frame, HEADER_ROWS + 1, 2, top->frame.columns, LOOK_DIM, text);
}

static void draw_rows(struct top *top)
{
	const struct show show = draw_show(top);
	const unsigned room = draw_room(top);
	unsigned width[LAYOUT_COLUMNS_MAX];

	if (top->selected < top->offset)
		top->offset = top->selected;
	if (top->selected >= top->offset + room)
		top->offset = top->selected - room + 1;
	fit(top, &show, width);
	if (top->mode != TOP_PROMPT)
		draw_titles(top, width);
	for (unsigned i = 0; i < room && top->offset + i < top->snapshot.count; i++) {
		draw_row(top, HEADER_ROWS + i, &top->snapshot.row[top->offset + i], &show, width);
		if (top->offset + i == top->selected)
			frame_look(&top->frame, HEADER_ROWS + i, 0, top->frame.columns,
				   LOOK_SELECTED);
	}
	if (!top->snapshot.count)
		draw_nothing(top);
}

static void draw_footer(struct top *top)
{
	static const char rows[] = "1-8 group  s sort  r reverse  / filter  Enter detail  "
				   "Space freeze ? help q end";
	static const char *const keys[] = {
		[TOP_ROWS] = rows,
		[TOP_PROMPT] = "",
		[TOP_GUIDE] = "any key: back   q end",
		[TOP_DETAIL] = "Esc back  Up Down scroll  Space freeze  n names  ? help  q end",
	};
	struct frame *frame = &top->frame;
	const unsigned row = frame->rows - 1;

	frame_put(frame, row, 0, frame->columns, LOOK_DIM, keys[top->mode]);
}

void draw(struct top *top)
{
	frame_clear(&top->frame);
	if (top->frame.rows < 3)
		return;
	draw_title(top);
	draw_sums(top);
	draw_seen(top);
	if (top->mode == TOP_GUIDE) {
		draw_guide(top, 4);
	} else if (top->mode == TOP_DETAIL) {
		draw_detail(top, 4);
	} else {
		draw_rows(top);
		if (top->mode == TOP_PROMPT)
			draw_prompt(top);
		else
			draw_filter(top);
	}
	draw_footer(top);
}
