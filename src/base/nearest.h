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

/* Damerau-Levenshtein distance (case folded); only up to a third of the
 * word's length, at least one, counts as near. A candidate that the word is a
 * prefix of is near too. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
