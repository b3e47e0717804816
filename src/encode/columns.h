/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_COLUMNS_H
#define WEIR_ENCODE_COLUMNS_H

#include "encode/encode.h"

/* "a,b,c" of field names into conf->column. -EINVAL with the nearest name. */
int columns_parse_fields(struct encode_conf *conf, const char *list, struct why *why);
/* The fields wanted, as bits of record->has[word]. */
uint64_t columns_mask(const struct encode_conf *conf, unsigned word);

/* Splits off the next name of a comma-separated list: its length, *list moves
 * past the comma; *list is NULL after the last. */
size_t columns_next(const char **list, const char **name);

#endif
