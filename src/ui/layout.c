// SPDX-License-Identifier: Apache-2.0
/* Columns are given their least width in the order of their rank, then, in the same
 * order, what they want of the room that is left. */
#include "ui/layout.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ui/frame.h"

/* The next by rank after (rank, index); count: none. */
static size_t next_by_rank(const struct layout_column *column, size_t count, size_t last)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		const unsigned rank = column[i].rank;

		if (last < count && (rank < column[last].rank ||
				     (rank == column[last].rank && i <= last)))
			continue;
		if (best == count || rank < column[best].rank)
			best = i;
	}
	return best;
}

void layout_fit(unsigned width[LAYOUT_COLUMNS_MAX], const struct layout_column *column,
		size_t count, unsigned total)
{
	unsigned used = 0, more;
	size_t i;

	for (i = 0; i < LAYOUT_COLUMNS_MAX; i++)
		width[i] = 0;
	for (i = next_by_rank(column, count, count); i < count;
	     i = next_by_rank(column, count, i)) {
		const unsigned needs = column[i].least + (used ? LAYOUT_GAP : 0);

		if (used + needs > total)
			break; /* a less important one must not take its place */
		width[i] = column[i].least;
		used += needs;
	}
	for (i = next_by_rank(column, count, count); i < count;
	     i = next_by_rank(column, count, i)) {
		if (!width[i] || column[i].want <= width[i])
			continue;
		more = column[i].want - width[i];
		if (more > total - used)
			more = total - used;
		width[i] += more;
		used += more;
	}
}

/* The bytes of the first `width` columns. */
static size_t head_of(const char *text, unsigned width)
{
	char one[5] = "";
	size_t n = strlen(text), at = 0, length;

	while (at < n) {
		unsigned wide;

		length = utf8_length(text + at, n - at);
		length = length ? length : 1;
		snprintf(one, sizeof(one), "%.*s", (int)length, text + at);
		wide = frame_text_width(one);
		if (wide > width)
			break;
		width -= wide;
		at += length;
	}
	return at;
}

void layout_elide(char *ret, size_t size, const char *text, unsigned width, const char *mark,
		  int keep_tail)
{
	const char *tail = keep_tail ? strrchr(text, ':') : NULL;
	unsigned tail_width = tail ? frame_text_width(tail) : 0, room;

	if (frame_text_width(text) <= width) {
		snprintf(ret, size, "%s", text);
		return;
	}
	/* the bracket belongs to the port; a tail that leaves no head is none */
	if (tail && tail > text && tail[-1] == ']') {
		tail--;
		tail_width++;
	}
	if (!tail || tail_width + 2 > width) {
		tail = "";
		tail_width = 0;
	}
	room = width > tail_width ? width - tail_width - 1 : 0;
	snprintf(ret, size, "%.*s%s%s", (int)head_of(text, room), text, width ? mark : "", tail);
}
