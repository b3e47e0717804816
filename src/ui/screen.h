/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_SCREEN_H
#define WEIR_UI_SCREEN_H

#include <stdbool.h>

#include "ui/frame.h"

struct why;

/* The terminal, by ncurses. One per process. It is put back by screen_close, when the
 * process exits, and when a fault kills it. */

struct screen {
	bool is_open, is_utf8, has_color;
};

/* Standard input and output are a terminal. -ENOTTY or -ENOTSUP with the sentence. */
int screen_open(struct screen *screen, bool color, struct why *why);
void screen_close(struct screen *screen);

/* The terminal's size now, to which the library is set. */
void screen_size(unsigned *rows, unsigned *columns);
/* Shows the frame: what has changed is written. */
void screen_paint(const struct screen *screen, const struct frame *frame);
/* Whatever another program wrote over it is written over. */
void screen_repaint(void);

/* What a key is, beyond characters (above Unicode). */
enum screen_key {
	KEY_NONE_YET = -1, /* no more is there */
	KEY_OTHER = 0x200000,
	KEY_IS_UP, KEY_IS_DOWN, KEY_IS_LEFT, KEY_IS_RIGHT, KEY_IS_PAGE_UP, KEY_IS_PAGE_DOWN,
	KEY_IS_HOME, KEY_IS_END, KEY_IS_ENTER, KEY_IS_BACKSPACE, KEY_IS_DELETE, KEY_IS_ESCAPE,
	KEY_IS_F1, KEY_IS_F10,
};

/* The next key that was pressed, a character or enum screen_key; does not wait. */
int screen_key(void);

#endif
