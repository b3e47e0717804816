/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_FILTER_H
#define WEIR_FLOW_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/record.h"

struct buf;
struct why;

/* The filter language of docs/interface.md section 1, compiled once, evaluated
 * on records. A comparison with an absent field is false. Evaluation neither
 * allocates nor fails. */
struct filter;

/* There is nothing in it but what separates words; NULL too. */
bool filter_is_blank(const char *text);
/* Compiles `text` (NULL or blank: everything passes). On -EINVAL the sentence
 * names the nearest valid word and *column (1-based, may be NULL) where it went
 * wrong; -ENOMEM. `now_wall_ns` is not asked: `age` is end or time minus start. */
int filter_new(struct filter **ret, const char *text, unsigned *column, struct why *why);
void filter_free(struct filter *filter); /* NULL is a no-op */
/* filter may be NULL: everything passes. */
bool filter_match(const struct filter *filter, const struct record *record);
/* The parsed tree, one node a line, indented by depth (--explain). */
void filter_explain(const struct filter *filter, struct buf *buf);

#endif
