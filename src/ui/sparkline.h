/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_SPARKLINE_H
#define WEIR_UI_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that one character of a sparkline takes. */
#define SPARKLINE_CHARACTER_SIZE 3

/* `count` values, oldest first, as `width` characters (NUL-terminated; ret has room for
 * width * SPARKLINE_CHARACTER_SIZE + 1): each stands for its share of the values by the
 * greatest of them, as a part of `full` (0: the greatest of all). Zero is a blank, and
 * whatever is more than zero shows. */
void sparkline(char *ret, unsigned width, const uint64_t *value, size_t count, uint64_t full,
	       bool utf8);

#endif
