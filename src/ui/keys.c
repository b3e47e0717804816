// SPDX-License-Identifier: Apache-2.0
/* What keys do: those that people have in their fingers from htop, top, less and vi. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ui/top_impl.h"

static const struct kind *kind_of(const struct top *top)
{
	return &kind_table[top->kind];
}

/* Another question: its answer begins at the first row. */
void keys_ask_anew(struct top *top)
{
	top->selected = top->offset = 0;
	top->has_moved = top->at_end = false;
	fetch_anew(top);
}

static void set_order(struct top *top, const char *order, bool is_descending)
{
	snprintf(top->order, sizeof(top->order), "%s", order);
	top->is_descending = is_descending;
}

static void set_kind(struct top *top, unsigned kind)
{
	if (kind >= KINDS)
		return;
	if ((kind == 0) != (top->kind == 0))
		set_order(top, "rate", true); /* they have few orders in common */
	top->kind = kind;
	/* rows of another kind stand under this one's titles no longer */
	snapshot_fini(&top->snapshot);
	keys_ask_anew(top);
}

static void next_order(struct top *top)
{
	const struct kind *kind = kind_of(top);
	const int now = kind_column(kind, top->order);
	size_t i = now < 0 ? 0 : (size_t)now + 1;

	while (!kind->column[i % kind->count].order)
		i++;
	set_order(top, kind->column[i % kind->count].order,
		  kind->column[i % kind->count].is_descending);
	keys_ask_anew(top);
}

static void leave_group(struct top *top)
{
	const struct top_place *place;

	if (!top->depth)
		return;
	place = &top->place[--top->depth];
	top->kind = place->kind;
	memcpy(top->typed, place->typed, sizeof(top->typed));
	set_order(top, place->order, place->is_descending);
	snapshot_fini(&top->snapshot);
	keys_ask_anew(top);
}

static void say(struct top *top, const char *sentence)
{
	snprintf(top->said, sizeof(top->said), "%s", sentence);
}

/* The flows of the selected group. */
static void enter_group(struct top *top)
{
	struct top_place *place = &top->place[top->depth];
	char chosen[256], typed[TOP_TYPED_SIZE];
	const char *why_not;
	int n;

	if (top->depth == TOP_DEPTH) {
		say(top, "no deeper than this: Esc goes back");
		return;
	}
	why_not = kind_filter(chosen, sizeof(chosen), kind_of(top),
			      top->snapshot.row[top->selected].key);
	if (why_not) {
		say(top, why_not);
		return;
	}
	n = snprintf(typed, sizeof(typed), top->typed[0] ? "(%s) and (%s)" : "%s%s", top->typed,
		     chosen);
	if (n < 0 || (size_t)n >= sizeof(typed)) {
		say(top, "with this group the filter would be too long");
		return;
	}
	place->kind = top->kind;
	memcpy(place->typed, top->typed, sizeof(place->typed));
	memcpy(place->order, top->order, sizeof(place->order));
	place->is_descending = top->is_descending;
	top->depth++;
	memcpy(top->typed, typed, sizeof(top->typed));
	set_kind(top, 0);
}

static void enter(struct top *top)
{
	if (top->selected >= top->snapshot.count)
		return;
	if (top->kind)
		enter_group(top);
	else
		detail_open(top);
}

static void move_to(struct top *top, long row)
{
	const long last = (long)top->snapshot.count - 1;

	row = row > last ? last : row;
	row = row < 0 ? 0 : row;
	top->selected = (size_t)row;
	top->has_moved = row > 0;
	top->at_end = false;
	if (top->snapshot.count)
		top->selected_id = top->snapshot.row[row].id;
}

static bool move(struct top *top, int key)
{
	const long page = draw_room(top), now = (long)top->selected;

	switch (key) {
	case KEY_IS_UP:
	case 'k':
		move_to(top, now - 1);
		return true;
	case KEY_IS_DOWN:
	case 'j':
		move_to(top, now + 1);
		return true;
	case KEY_IS_PAGE_UP:
		move_to(top, now - page);
		return true;
	case KEY_IS_PAGE_DOWN:
		move_to(top, now + page);
		return true;
	case KEY_IS_HOME:
		move_to(top, 0);
		return true;
	case KEY_IS_END:
		move_to(top, (long)top->snapshot.count);
		top->at_end = true;
		if (!top->frozen && top->snapshot.count < top->snapshot.sums.rows)
			fetch_rows(top); /* it has the others */
		return true;
	default:
		return false;
	}
}

/* To the next step, also from what is none. */
static void change_interval(struct top *top, int by)
{
	const uint64_t now_ms = top_interval_now_ms(top);
	unsigned step = by > 0 ? 0 : top_intervals - 1;

	while (by > 0 && step < top_intervals && top_interval_ms[step] <= now_ms)
		step++;
	while (by < 0 && step && top_interval_ms[step] >= now_ms)
		step--;
	if (step == top_intervals || (by < 0 && top_interval_ms[step] >= now_ms)) {
		say(top, by > 0 ? "not less often than this" : "not more often than this");
		return;
	}
	top->interval = step;
	top->first_interval_ns = 0;
	if (!top->frozen)
		fetch_rows(top);
}

static void press_in_rows(struct top *top, int key)
{
	if (move(top, key))
		return;
	if (key >= '1' && key < '1' + KINDS) {
		set_kind(top, (unsigned)(key - '1'));
		return;
	}
	switch (key) {
	case 'g':
	case 'G':
		set_kind(top, (top->kind + (key == 'g' ? 1 : KINDS - 1)) % KINDS);
		break;
	case 's':
	case '>':
		next_order(top);
		break;
	case 'r':
	case 'R':
		top->is_descending = !top->is_descending;
		keys_ask_anew(top);
		break;
	case '/':
	case '\\':
		keys_prompt_open(top);
		break;
	case 'a':
		top->all = !top->all;
		keys_ask_anew(top);
		break;
	case KEY_IS_ENTER:
	case KEY_IS_RIGHT:
		enter(top);
		break;
	case KEY_IS_BACKSPACE:
	case KEY_IS_LEFT:
	case KEY_IS_ESCAPE:
		leave_group(top);
		break;
	default:
		break;
	}
}

static void press_in_detail(struct top *top, int key)
{
	const unsigned page = draw_room(top);
	unsigned *scroll = &top->detail.scroll; /* draw_detail knows how far it goes */

	switch (key) {
	case KEY_IS_ESCAPE:
	case KEY_IS_BACKSPACE:
	case KEY_IS_LEFT:
	case KEY_IS_ENTER:
		detail_close(top);
		break;
	case KEY_IS_DOWN:
	case 'j':
		++*scroll;
		break;
	case KEY_IS_UP:
	case 'k':
		*scroll -= *scroll > 0;
		break;
	case KEY_IS_PAGE_DOWN:
		*scroll += page;
		break;
	case KEY_IS_PAGE_UP:
		*scroll -= *scroll < page ? *scroll : page;
		break;
	case KEY_IS_HOME:
		*scroll = 0;
		break;
	case KEY_IS_END:
		*scroll = UINT_MAX / 2;
		break;
	default:
		break;
	}
}

/* What holds wherever one is. */
static bool press_anywhere(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case KEY_IS_F10:
		top->quit = true;
		return true;
	case '?':
	case 'h':
	case KEY_IS_F1:
		top->before_guide = top->mode;
		top->mode = TOP_GUIDE;
		return true;
	case ' ':
		top->frozen = !top->frozen; /* what is on its way changes nothing any more */
		if (!top->frozen)
			fetch_rows(top);
		return true;
	case 'n':
		top->has_names = !top->has_names && top_have_names(top);
		return true;
	case 'b':
		top->bits = !top->bits;
		return true;
	case '+':
	case '=':
	case '-':
		change_interval(top, key == '-' ? -1 : 1);
		return true;
	case 'L' - '@':
		screen_repaint();
		return true;
	default:
		return false;
	}
}

void keys_press(struct top *top, int key)
{
	top->is_dirty = true;
	top->said[0] = '\0';
	if (top->mode == TOP_PROMPT) {
		keys_prompt_press(top, key);
	} else if (top->mode == TOP_GUIDE) {
		top->mode = top->before_guide; /* any key */
		top->quit = key == 'q' || key == 'Q' || key == KEY_IS_F10;
	} else if (!press_anywhere(top, key)) {
		if (top->mode == TOP_DETAIL)
			press_in_detail(top, key);
		else
			press_in_rows(top, key);
	}
}
