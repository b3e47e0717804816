// SPDX-License-Identifier: Apache-2.0
/* What keys do: those that people have in their fingers from htop, top, less and vi. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "ui/top_impl.h"

static const struct kind *kind_of(const struct top *top)
{
	return &kind_table[top->kind];
}

/* Another question: its answer begins at the first row. */
static void ask_anew(struct top *top)
{
	top->selected = top->offset = 0;
	top->has_moved = false;
	top->frozen = false;
	fetch_rows(top);
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
	top->snapshot.count = 0;
	ask_anew(top);
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
	ask_anew(top);
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
	top->snapshot.count = 0;
	ask_anew(top);
}

/* The flows of the selected group. */
static void enter_group(struct top *top)
{
	struct top_place *place = &top->place[top->depth];
	char chosen[256], typed[PROMPT_SIZE];
	int n;

	if (top->depth == TOP_DEPTH ||
	    !kind_filter(chosen, sizeof(chosen), kind_of(top),
			 top->snapshot.row[top->selected].key))
		return;
	n = snprintf(typed, sizeof(typed), top->typed[0] ? "(%s) and (%s)" : "%s%s", top->typed,
		     chosen);
	if (n < 0 || (size_t)n >= sizeof(typed))
		return;
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
		return true;
	default:
		return false;
	}
}

static void change_interval(struct top *top, int by)
{
	if (by < 0 && top->interval)
		top->interval--;
	if (by > 0 && top->interval + 1 < top_intervals)
		top->interval++;
	top->first_interval_ns = 0;
	fetch_rows(top);
}

static const char *sentence_of(const struct why *why)
{
	const char *at = strncmp(why->text, "filter:", 7) ? NULL : strstr(why->text, ": ");

	return at ? at + 2 : why->text;
}

/* What the text is, as a filter; while it is typed and when it is done. */
static bool check_prompt(struct top *top)
{
	struct filter *filter = NULL;
	struct why why = { "" };
	const int r = filter_new(&filter, top->prompt.text, &top->complaint_column, &why);

	filter_free(filter);
	/* "filter:COLUMN: ": the caret shows where */
	snprintf(top->complaint, sizeof(top->complaint), "%s", r < 0 ? sentence_of(&why) : "");
	if (r == 0)
		top->complaint_column = 0;
	return r == 0;
}

static void open_prompt(struct top *top)
{
	prompt_set(&top->prompt, top->typed);
	top->complaint[0] = '\0';
	top->complaint_column = 0;
	top->mode = TOP_PROMPT;
}

static void press_in_prompt(struct top *top, int key)
{
	struct prompt *prompt = &top->prompt;

	switch (key) {
	case KEY_IS_ESCAPE:
	case 'G' - '@':
		top->mode = TOP_ROWS;
		return;
	case KEY_IS_ENTER:
		if (!check_prompt(top))
			return; /* it says what is wrong, and where */
		top->mode = TOP_ROWS;
		memcpy(top->typed, prompt->text, sizeof(top->typed));
		ask_anew(top);
		return;
	case KEY_IS_BACKSPACE:
		prompt_backspace(prompt);
		break;
	case KEY_IS_DELETE:
	case 'D' - '@':
		prompt_delete(prompt);
		break;
	case KEY_IS_LEFT:
	case KEY_IS_RIGHT:
		prompt_move(prompt, key == KEY_IS_LEFT ? -1 : 1);
		break;
	case KEY_IS_HOME:
	case 'A' - '@':
		prompt_home(prompt);
		break;
	case KEY_IS_END:
	case 'E' - '@':
		prompt_end(prompt);
		break;
	case 'W' - '@':
		prompt_kill_word(prompt);
		break;
	case 'U' - '@':
		prompt_kill_line(prompt);
		break;
	default:
		if (key < KEY_OTHER)
			prompt_insert(prompt, (unsigned)key);
		break;
	}
	/* half a word is no mistake: it is only told of one that Enter found, until it goes */
	if (top->complaint[0])
		check_prompt(top);
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
		ask_anew(top);
		break;
	case '/':
	case '\\':
		open_prompt(top);
		break;
	case 'a':
		top->all = !top->all;
		ask_anew(top);
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
	switch (key) {
	case KEY_IS_ESCAPE:
	case KEY_IS_BACKSPACE:
	case KEY_IS_LEFT:
	case KEY_IS_ENTER:
		detail_close(top);
		break;
	case KEY_IS_DOWN:
	case 'j':
		top->detail.scroll++;
		break;
	case KEY_IS_UP:
	case 'k':
		top->detail.scroll -= top->detail.scroll > 0;
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
		top->frozen = !top->frozen;
		if (!top->frozen) {
			fetch_rows(top);
		} else { /* what is on its way would move it once more */
			request_cancel(top->request);
			top->request = NULL;
		}
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
	if (top->mode == TOP_PROMPT) {
		press_in_prompt(top, key);
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
