/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_FRAME_H
#define WEIR_UI_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

struct buf;

/* What is to be on the screen: a grid of characters, made by pure functions and painted
 * by screen.c, or printed as text by a test. */

enum look {
	LOOK_PLAIN, LOOK_BOLD, LOOK_DIM, LOOK_TITLE, LOOK_SELECTED, LOOK_GOOD, LOOK_WARN,
	LOOK_BAD, LOOK_KEY, LOOKS,
};

struct frame_cell {
	wchar_t character; /* 0: the right half of a wide one to its left */
	uint8_t look;      /* enum look */
};

struct frame {
	unsigned rows, columns;
	struct frame_cell *cell; /* owned: rows * columns */
	unsigned cursor_row, cursor_column;
	bool has_cursor;
};

/* Another size, blank. 0 or -ENOMEM (the old one is kept). */
int frame_resize(struct frame *frame, unsigned rows, unsigned columns);
void frame_fini(struct frame *frame);
void frame_clear(struct frame *frame);

/* UTF-8 text at a place, in at most `width` columns and never beyond the frame; what is
 * outside is ignored. What could command a terminal and what is no UTF-8 becomes '?'.
 * Returns the column behind it. */
unsigned frame_put(struct frame *frame, unsigned row, unsigned column, unsigned width,
		   enum look look, const char *text);
/* The same to the right end of `width` columns. */
void frame_put_right(struct frame *frame, unsigned row, unsigned column, unsigned width,
		     enum look look, const char *text);
/* Looks of cells that are there already. */
void frame_look(struct frame *frame, unsigned row, unsigned column, unsigned width,
		enum look look);
/* Columns that the text takes. */
unsigned frame_text_width(const char *text);
/* As lines of text, blanks at their ends cut off. */
void frame_print(const struct frame *frame, struct buf *buf);

#endif
