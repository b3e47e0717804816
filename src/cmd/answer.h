/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_ANSWER_H
#define WEIR_CMD_ANSWER_H

struct buf;
struct collector;
struct why;

/* The whole body of GET path. 0 or -errno with the sentence. */
int answer_get(struct collector *collector, const char *path, struct buf *ret, struct why *why);

#endif
