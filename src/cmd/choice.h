/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_CHOICE_H
#define WEIR_CMD_CHOICE_H

#include <stdbool.h>

#include "base/buf.h"

struct why;

/* Flags that choose flows, as terms of a filter, so that there is one language
 * underneath. Zeroed is ready. */
struct choice {
	struct buf terms; /* "(…) and (…)", not terminated; an error sticks there */
	bool v4, v6, tcp, udp;
};

void choice_fini(struct choice *choice);
/* The flag of that letter or OPTION_, which is one that chooses. -EINVAL, -ENOENT
 * (no such namespace), -EACCES (it may not be looked at) or -ENOMEM with the
 * sentence: an argument is wrong in itself. */
int choice_take(struct choice *choice, int letter, const char *argument, struct why *why);
/* A term of one's own; it is put into brackets. */
void choice_add(struct choice *choice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* -4 -6 -t -u, which mean something together: once, after all flags. */
void choice_add_protocols(struct choice *choice);

#endif
