/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_CAPS_H
#define WEIR_BASE_CAPS_H

#include <stdbool.h>
#include <stddef.h>

struct why;

/* Whether the calling thread has this capability (CAP_NET_ADMIN, …) in effect. */
bool caps_has(int capability);
/* Gives up every capability but these, for good (effective, permitted,
 * bounding where allowed). 0 or -errno. */
int caps_keep(const int *capabilities, size_t n, struct why *why);

#endif
