// SPDX-License-Identifier: Apache-2.0
/* The grid. Widths are the C library's (wcwidth), which needs the locale to be set. */
#include "ui/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

int frame_resize(struct frame *frame, unsigned rows, unsigned columns)
{
	struct frame_cell *cell = calloc((size_t)rows * columns + 1, sizeof(*cell));

	if (!cell)
		return -ENOMEM;
	free(frame->cell);
	frame->cell = cell;
	frame->rows = rows;
	frame->columns = columns;
	frame_clear(frame);
	return 0;
}

void frame_fini(struct frame *frame)
{
	free(frame->cell);
	frame->cell = NULL;
	frame->rows = frame->columns = 0;
}

void frame_clear(struct frame *frame)
{
	for (size_t i = 0; i < (size_t)frame->rows * frame->columns; i++)
		frame->cell[i] = (struct frame_cell){ L' ', LOOK_PLAIN };
	frame->has_cursor = false;
}

/* One character and how many bytes it was. */
static wchar_t decode(const char *text, size_t n, size_t *length)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	wchar_t character;

	*length = utf8_length(text, n);
	if (!*length) {
		*length = 1;
		return L'?';
	}
	character = (unsigned char)text[0] & mask[*length];
	for (size_t i = 1; i < *length; i++)
		character = character << 6 | ((unsigned char)text[i] & 0x3f);
	return wcwidth(character) > 0 ? character : L'?';
}

unsigned frame_text_width(const char *text)
{
	unsigned width = 0;
	size_t length;

	for (size_t n = strlen(text); n; n -= length, text += length)
		width += (unsigned)wcwidth(decode(text, n, &length));
	return width;
}

unsigned frame_put(struct frame *frame, unsigned row, unsigned column, unsigned width,
		   enum look look, const char *text)
{
	const unsigned room = column < frame->columns ? frame->columns - column : 0;
	const unsigned end = column + (width < room ? width : room);
	size_t n = strlen(text), length;

	if (row >= frame->rows)
		return column;
	for (; n; n -= length, text += length) {
		struct frame_cell *at = &frame->cell[(size_t)row * frame->columns + column];
		const wchar_t character = decode(text, n, &length);
		const unsigned wide = (unsigned)wcwidth(character);

		if (column + wide > end)
			break;
		at[0] = (struct frame_cell){ character, (uint8_t)look };
		if (wide == 2)
			at[1] = (struct frame_cell){ 0, (uint8_t)look };
		column += wide;
	}
	return column;
}

void frame_put_right(struct frame *frame, unsigned row, unsigned column, unsigned width,
		     enum look look, const char *text)
{
	const unsigned wanted = frame_text_width(text);
	const unsigned blank = wanted < width ? width - wanted : 0;

	frame_put(frame, row, column + blank, width - blank, look, text);
}

void frame_look(struct frame *frame, unsigned row, unsigned column, unsigned width,
		enum look look)
{
	if (row >= frame->rows)
		return;
	for (unsigned i = column; i < frame->columns && i - column < width; i++)
		frame->cell[(size_t)row * frame->columns + i].look = (uint8_t)look;
}

static void put_utf8(struct buf *buf, wchar_t character)
{
	const unsigned c = (unsigned)character;

	if (c < 0x80) {
		buf_putc(buf, (char)c);
		return;
	}
	if (c >= 0x10000)
		buf_putc(buf, (char)(0xf0 | c >> 18));
	if (c >= 0x800)
		buf_putc(buf, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12));
	buf_putc(buf, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
	buf_putc(buf, (char)(0x80 | (c & 0x3f)));
}

void frame_print(const struct frame *frame, struct buf *buf)
{
	for (unsigned row = 0; row < frame->rows; row++) {
		const struct frame_cell *cell = &frame->cell[(size_t)row * frame->columns];
		unsigned end = frame->columns;

		while (end && cell[end - 1].character == L' ')
			end--;
		for (unsigned i = 0; i < end; i++) {
			if (cell[i].character)
				put_utf8(buf, cell[i].character);
		}
		buf_putc(buf, '\n');
	}
}
