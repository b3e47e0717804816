/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_HELD_H
#define WEIR_CMD_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HELD_LINES 4096
#define HELD_BYTES (1U << 20)

/* Lines that wait for names, in their order: none goes before one that came before it, none
 * is lost, and each goes at its time at the latest. Zeroed is empty. */
struct held {
	struct buf text; /* owned: the lines, each with its newline */
	size_t first;    /* bytes of it that have gone */
	unsigned begin, count;
	uint64_t until_boot_ns[HELD_LINES]; /* a ring */
};

void held_fini(struct held *held);
/* Whether a line more would be too many: let the first go. */
bool held_is_full(const struct held *held);
/* One line, with its newline. 0 or -ENOMEM. */
int held_push(struct held *held, const char *line, size_t n, uint64_t until_boot_ns);
/* The first line, valid until held_push; false: there is none. */
bool held_first(const struct held *held, const char **line, size_t *n, uint64_t *until_boot_ns);
void held_pop(struct held *held);

#endif
