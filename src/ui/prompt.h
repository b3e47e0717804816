/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_PROMPT_H
#define WEIR_UI_PROMPT_H

#include <stddef.h>

#include "ui/top.h"

/* A line that is typed. Zeroed is an empty one. */

#define PROMPT_SIZE TOP_TYPED_SIZE

struct prompt {
	char text[PROMPT_SIZE]; /* UTF-8 */
	size_t cursor;          /* bytes before it */
};

void prompt_set(struct prompt *prompt, const char *text);
/* A character (Unicode) at the cursor; what does not fit is ignored. */
void prompt_insert(struct prompt *prompt, unsigned character);
void prompt_backspace(struct prompt *prompt);
void prompt_delete(struct prompt *prompt);
/* By characters; below 0 to the left. */
void prompt_move(struct prompt *prompt, int by);
void prompt_home(struct prompt *prompt);
void prompt_end(struct prompt *prompt);
/* The word before the cursor goes; all before it goes. */
void prompt_kill_word(struct prompt *prompt);
void prompt_kill_line(struct prompt *prompt);

#endif
