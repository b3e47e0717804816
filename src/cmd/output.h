/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_OUTPUT_H
#define WEIR_CMD_OUTPUT_H

#include <stddef.h>

/* Writes all of it to standard output at once. 0; -EPIPE when nobody reads any
 * more (the command then ends quietly with 0); another -errno is a failure. */
int output_write(const char *bytes, size_t n);
/* The exit code of a command whose last output_write said r, with the sentence. */
int output_exit_code(int r);
/* The terminal's width, or 0 when standard output is none. */
size_t output_width(void);

#endif
