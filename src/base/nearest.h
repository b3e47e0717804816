/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include <stddef.h>

/* Finds the word a person meant: offer every candidate, then look at best.
 * Zeroed but for word and n is ready. */
struct nearest {
	const char *word; /* borrowed: what was typed, n bytes */
	size_t n;
	const char *best; /* borrowed: a candidate, or NULL when none is near */
	unsigned distance;
};

/* Optimal string alignment distance (case folded); up to a third of the word's
 * length, or two, counts as near, but never all of the word. A candidate that
 * the word is a prefix of is near too. Of equally near ones the first is kept.
 * Words and candidates above 40 bytes are not looked at. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
