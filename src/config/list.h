/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_LIST_H
#define WEIR_CONFIG_LIST_H

struct why;
struct buf;
struct schema_row;

/* Settings that are lists of words: events, urls, ports. By commas, or JSON. As
 * schema_decode and schema_print. */
int list_decode(const struct schema_row *row, void *settings, const char *text, struct why *why);
void list_print(const struct schema_row *row, const void *settings, struct buf *buf);

#endif
