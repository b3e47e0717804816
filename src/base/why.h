/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_WHY_H
#define WEIR_BASE_WHY_H

#include <stdbool.h>

/* The sentence that explains a failed set-up call to a person. Lives on the
 * caller's stack; the code that goes with it is the function's return value. */
struct why {
	char text[320];
};

/* Writes the sentence (truncated to fit; why may be NULL) and returns err, so
 * that a failing function ends in `return why_set(why, -EINVAL, "…")`. */
int why_set(struct why *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* True of an -errno that may be another one a moment later: no descriptor, no
 * memory. */
bool why_is_shortage(int err);

#endif
