/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_WORDS_H
#define WEIR_CMD_WORDS_H

#include <stdbool.h>
#include <stdint.h>

struct options;

/* All words with a blank between them; the caller frees it. NULL: no memory. */
char *words_join(char **words, int count);
/* Seconds, or a duration with its unit; above 0. */
bool words_read_interval(uint64_t *ret, const char *word);
/* Takes a trailing [INTERVAL [COUNT]] off the words, as vmstat has it; returns
 * how many are left. But the number of "port 443" is a value: only from what is
 * no filter is a number taken away, and only when that leaves one. */
int words_take_interval(struct options *options, char **words, int count);

#endif
