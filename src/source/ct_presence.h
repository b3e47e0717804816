/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_PRESENCE_H
#define WEIR_SOURCE_CT_PRESENCE_H

#include <stdbool.h>

/* Whether conntrack is in the kernel, and still the one of the last look: it can be a
 * module, which comes with the first rule that wants it and can be taken out. */
struct ct_presence {
	int fd; /* owned; -1: it is not there */
};

enum ct_news { CT_NEWS_NONE, CT_NEWS_CAME, CT_NEWS_WENT };

/* Looks a first time, in the calling thread's namespace. */
void ct_presence_init(struct ct_presence *presence);
void ct_presence_fini(struct ct_presence *presence);
bool ct_presence_is(const struct ct_presence *presence);
/* What has happened since. One that went and came again meanwhile is told by two looks.
 * Takes a system call. */
enum ct_news ct_presence_look(struct ct_presence *presence);

#endif
