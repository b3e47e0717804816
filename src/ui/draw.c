// SPDX-License-Identifier: Apache-2.0
/*
 * The frame:
 *   header (header.c):
 *     what is watched, how often            the collector's own cost and losses
 *     rates, flows, connects, failures, retransmits              the last minute
 *     what is seen, or what is missing and the command that helps
 *     the filter, or the line in which it is typed
 *   titles
 *   rows
 *   keys
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ui/layout.h"
#include "ui/top_impl.h"

#define HEADER_ROWS 5
#define FOOTER_ROWS 1

unsigned draw_room(const struct top *top)
{
	const unsigned taken = HEADER_ROWS + FOOTER_ROWS;

	return top->frame.rows > taken ? top->frame.rows - taken : 1;
}

const char *draw_mark(const struct top *top)
{
	return top->screen.is_utf8 ? "\u2026" : "~";
}

struct show draw_show(const struct top *top)
{
	return (struct show){
		.bits = top->bits,
		.utf8 = top->screen.is_utf8,
		.history = top->history,
		.names = top->has_names ? top->names : NULL,
		.by = kind_table[top->kind].by,
		.now_ms = top->sums.at_ms,
		.now_boot_ns = clock_boot_ns(),
	};
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
	char before[PROMPT_SIZE], text[330];
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
		layout_elide(text, sizeof(text), cell.text, width[i], draw_mark(top),
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

	if (!top->snapshot.document)
		text = top->trouble[0] ? "" : "asking the collector";
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
	const size_t count = top->snapshot.count;
	unsigned width[LAYOUT_COLUMNS_MAX];

	/* no room is left empty below while rows are hidden above */
	if (top->offset + room > count)
		top->offset = count > room ? count - room : 0;
	if (top->selected < top->offset)
		top->offset = top->selected;
	if (top->selected >= top->offset + room)
		top->offset = top->selected - room + 1;
	fit(top, &show, width);
	if (top->mode != TOP_PROMPT)
		draw_titles(top, width);
	for (unsigned i = 0; i < room && top->offset + i < count; i++) {
		draw_row(top, HEADER_ROWS + i, &top->snapshot.row[top->offset + i], &show, width);
		if (top->offset + i == top->selected)
			frame_look(&top->frame, HEADER_ROWS + i, 0, top->frame.columns,
				   LOOK_SELECTED);
	}
	if (!count)
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
	draw_header(top);
	if (top->mode == TOP_GUIDE) {
		draw_guide(top, 4);
	} else if (top->mode == TOP_DETAIL) {
		draw_detail(top, 4);
	} else {
		draw_rows(top);
		if (top->mode == TOP_PROMPT)
			draw_prompt(top);
	}
	draw_footer(top);
}
