/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_OUTPUT_H
#define WEIR_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Writes all of it to standard output at once; false when nobody reads any more
 * (the command then ends quietly with 0). */
bool output_write(const char *bytes, size_t n);
/* The terminal's width, or 0 when standard output is none. */
size_t output_width(void);

#endif
