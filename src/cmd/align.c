// SPDX-License-Identifier: Apache-2.0
/* Tab-separated cells into columns. Widths count characters, not bytes. */
#include "cmd/align.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#define COLUMNS_MAX 128
#define GAP 2

struct layout {
	size_t width[COLUMNS_MAX];
	bool text[COLUMNS_MAX]; /* some cell is not a number */
	bool state[COLUMNS_MAX]; /* its title says that it is a state */
	size_t count;
};

/* Where a state stands in a line, in bytes. */
struct place {
	size_t from, to;
};

/* No text is cut shorter than this to make room for others. */
#define TEXT_LEAST 12

/* The bytes of the first character; a byte that is none counts as one. */
static size_t character(const char *text, size_t n)
{
	const size_t length = utf8_length(text, n);

	return length ? length : 1;
}

static size_t characters(const char *text, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i += character(text + i, n - i))
		count++;
	return count;
}

static bool is_number(const char *cell, size_t n)
{
	if (n == 1 && *cell == '-')
		return true; /* absent: as its neighbours */
	if (!n || *cell < '0' || *cell > '9')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (cell[i] == ':' || cell[i] == '/')
			return false;
	}
	/* an IPv4 address is no number */
	return memchr(cell, '.', n) == NULL ||
	       memchr((const char *)memchr(cell, '.', n) + 1, '.',
		      (size_t)(cell + n - (const char *)memchr(cell, '.', n) - 1)) == NULL;
}

static const char *cell_end(const char *at, const char *line_end)
{
	const char *tab = memchr(at, '\t', (size_t)(line_end - at));

	return tab ? tab : line_end;
}

static const char *line_end_of(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

static void measure(struct layout *layout, const char *at, const char *line_end, bool header)
{
	for (size_t i = 0; i < COLUMNS_MAX; i++) {
		const char *end = cell_end(at, line_end);
		const size_t n = characters(at, (size_t)(end - at));

		if (n > layout->width[i])
			layout->width[i] = n;
		if (!header && !is_number(at, (size_t)(end - at)))
			layout->text[i] = true;
		if (i >= layout->count)
			layout->count = i + 1;
		if (end == line_end)
			return;
		at = end + 1;
	}
}

static bool is_state(const char *title, size_t n)
{
	static const char name[] = "STATE";
	const size_t length = sizeof(name) - 1;

	return n >= length && !memcmp(title + n - length, name, length);
}

static void find_states(struct layout *layout, const char *at, const char *line_end)
{
	for (size_t i = 0; i < layout->count; i++) {
		const char *end = cell_end(at, line_end);

		layout->state[i] = is_state(at, (size_t)(end - at));
		if (end == line_end)
			return;
		at = end + 1;
	}
}

/* What is too wide is taken from the widest texts: numbers say nothing when they are cut. */
static void shrink(struct layout *layout, size_t width)
{
	size_t total = layout->count ? (layout->count - 1) * GAP : 0;

	for (size_t i = 0; i < layout->count; i++)
		total += layout->width[i];
	while (width && total > width) {
		size_t widest = layout->count;

		for (size_t i = 0; i < layout->count; i++) {
			if (layout->text[i] && layout->width[i] > TEXT_LEAST &&
			    (widest == layout->count || layout->width[i] >= layout->width[widest]))
				widest = i;
		}
		if (widest == layout->count)
			return;
		layout->width[widest]--;
		total--;
	}
}

static const char *color_of(const char *state, size_t n)
{
	if (n >= 3 && !memcmp(state, "syn", 3))
		return "\x1b[33m";
	if (n == 11 && !memcmp(state, "established", n))
		return "\x1b[32m";
	return "\x1b[2m";
}

static void pad(struct buf *out, size_t n)
{
	while (n--)
		buf_putc(out, ' ');
}

/* What does not fit is cut and ends with a ~. */
static void put_cell(struct buf *line, const char *cell, size_t n, size_t width)
{
	size_t at = 0;

	if (characters(cell, n) <= width) {
		buf_append(line, cell, n);
		return;
	}
	for (size_t i = 0; i + 1 < width; i++)
		at += character(cell + at, n - at);
	buf_append(line, cell, at);
	buf_putc(line, '~');
}

static void put_line(struct buf *line, const struct layout *layout, const char *at,
		     const char *line_end, struct place *state)
{
	for (size_t i = 0; i < layout->count; i++) {
		const char *end = cell_end(at, line_end);
		const size_t n = (size_t)(end - at), wide = characters(at, n);
		const size_t room = layout->width[i] > wide ? layout->width[i] - wide : 0;
		const bool last = i + 1 == layout->count || end == line_end;

		if (!layout->text[i])
			pad(line, room);
		if (layout->state[i])
			state->from = line->len;
		put_cell(line, at, n, layout->width[i]);
		if (layout->state[i])
			state->to = line->len;
		if (last)
			return;
		pad(line, (layout->text[i] ? room : 0) + GAP);
		at = end + 1;
	}
}

/* The bytes of the first `width` characters. */
static size_t cut(const struct buf *line, size_t width)
{
	size_t i = 0;

	while (width-- && i < line->len)
		i += character(line->data + i, line->len - i);
	return i;
}

/* The first n bytes of the line, a state that is whole in its colour. */
static void put_colored(struct buf *out, const struct buf *line, size_t n,
			const struct place *state)
{
	if (!state->to || state->to > n) {
		buf_append(out, line->data, n);
		return;
	}
	buf_append(out, line->data, state->from);
	buf_puts(out, color_of(line->data + state->from, state->to - state->from));
	buf_append(out, line->data + state->from, state->to - state->from);
	buf_puts(out, "\x1b[0m");
	buf_append(out, line->data + state->to, n - state->to);
}

void align_columns(struct buf *out, const char *text, size_t n, const struct align_conf *conf)
{
	struct layout layout = { .count = 0 };
	const char *end, *at, *line_end;
	struct buf line = { 0 };
	bool header = conf->header;

	if (!n)
		return;
	end = text + n;
	for (at = text; at < end; at = line_end + 1, header = false) {
		line_end = line_end_of(at, end);
		measure(&layout, at, line_end, header);
	}
	shrink(&layout, conf->width);
	header = conf->header;
	if (header && conf->color)
		find_states(&layout, text, line_end_of(text, end));
	for (at = text; at < end; at = line_end + 1, header = false) {
		struct place state = { 0, 0 };
		size_t shown;

		line_end = line_end_of(at, end);
		buf_clear(&line);
		put_line(&line, &layout, at, line_end, &state);
		shown = conf->width ? cut(&line, conf->width) : line.len;
		if (conf->color && header)
			buf_puts(out, "\x1b[1m");
		if (header)
			buf_append(out, line.data, shown);
		else
			put_colored(out, &line, shown, &state);
		if (conf->color && header)
			buf_puts(out, "\x1b[0m");
		buf_putc(out, '\n');
	}
	buf_fini(&line);
}
