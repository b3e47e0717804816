// SPDX-License-Identifier: Apache-2.0
/* What keys do while a filter is typed. */
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "flow/filter.h"
#include "ui/top_impl.h"

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

/* With all that is put around it, as the collector will read it. */
static bool check_whole(struct top *top)
{
	char whole[TOP_FILTER_SIZE];
	struct filter *filter = NULL;
	struct why why = { "with the flags it is too long" };

	if (fetch_filter(top, top->prompt.text, whole) &&
	    filter_new(&filter, whole, NULL, &why) == 0) {
		filter_free(filter);
		return true;
	}
	snprintf(top->complaint, sizeof(top->complaint), "%s", sentence_of(&why));
	return false;
}

void keys_prompt_open(struct top *top)
{
	prompt_set(&top->prompt, top->typed);
	top->complaint[0] = '\0';
	top->complaint_column = 0;
	top->mode = TOP_PROMPT;
}

void keys_prompt_press(struct top *top, int key)
{
	struct prompt *prompt = &top->prompt;

	switch (key) {
	case KEY_IS_ESCAPE:
	case 'G' - '@':
		top->mode = TOP_ROWS;
		return;
	case KEY_IS_ENTER:
		if (!check_prompt(top) || !check_whole(top))
			return; /* it says what is wrong, and where */
		top->mode = TOP_ROWS;
		top_set_typed(top, prompt->text);
		keys_ask_anew(top);
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
