/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_LAYOUT_H
#define WEIR_UI_LAYOUT_H

#include <stddef.h>

/* Which columns of a table fit, and how wide each is. */

#define LAYOUT_COLUMNS_MAX 24
#define LAYOUT_GAP 1

struct layout_column {
	unsigned rank;  /* who comes first when there is not room for all; 0 first */
	unsigned least; /* narrower it is left out */
	unsigned want;  /* what would show all of it */
};

/* Widths for `total` columns of a screen with LAYOUT_GAP between two; 0: left out. At
 * least one column is there if one of them fits at all. */
void layout_fit(unsigned width[LAYOUT_COLUMNS_MAX], const struct layout_column *column,
		size_t count, unsigned total);

/* Text in at most `width` columns of a screen, into ret of `size` bytes: what is too long
 * loses its middle (`keep_tail`: a port at its end stays) or its end to `mark`. */
void layout_elide(char *ret, size_t size, const char *text, unsigned width, const char *mark,
		  int keep_tail);

#endif
