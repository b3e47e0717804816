/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_ALIGN_H
#define WEIR_CMD_ALIGN_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct align_conf {
	bool header;    /* the first line is one */
	bool color;     /* header and states */
	size_t width;   /* cut lines there; 0: do not */
};

/* Lines of tab-separated cells, n bytes, as columns: numbers to the right, the
 * rest to the left. Of a line's cells the first 128 are shown. */
void align_columns(struct buf *out, const char *text, size_t n, const struct align_conf *conf);

#endif
