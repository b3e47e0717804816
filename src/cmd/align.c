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
	size_t count;
};

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

static void pad(struct buf *out, size_t n)
{
	while (n--)
		buf_putc(out, ' ');
}

static void put_line(struct buf *line, const struct layout *layout, const char *at,
		     const char *line_end)
{
	for (size_t i = 0; i < layout->count; i++) {
		const char *end = cell_end(at, line_end);
		const size_t n = (size_t)(end - at), wide = characters(at, n);
		const size_t room = layout->width[i] > wide ? layout->width[i] - wide : 0;
		const bool last = i + 1 == layout->count || end == line_end;

		if (!layout->text[i])
			pad(line, room);
		buf_append(line, at, n);
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
	header = conf->header;
	for (at = text; at < end; at = line_end + 1, header = false) {
		line_end = line_end_of(at, end);
		buf_clear(&line);
		put_line(&line, &layout, at, line_end);
		if (conf->color && header)
			buf_puts(out, "\x1b[1m");
		buf_append(out, line.data, conf->width ? cut(&line, conf->width) : line.len);
		if (conf->color && header)
			buf_puts(out, "\x1b[0m");
		buf_putc(out, '\n');
	}
	buf_fini(&line);
}
