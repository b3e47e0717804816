/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_LABELS_H
#define WEIR_UI_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Texts by number, read from a file of the system once. Zeroed is empty. */
struct labels {
	struct label *label; /* owned: by key, then by place in the file */
	size_t count, capacity;
	struct buf text;     /* owned: the texts, each with its NUL */
};

void labels_fini(struct labels *labels);

/* Of services(5) and passwd(5). What is no entry is passed over, control characters become
 * '?'; of more than 65536 entries the rest is. 0, or -errno of opening, or -ENOMEM. */
int labels_read_services(struct labels *labels, const char *path);
int labels_read_users(struct labels *labels, const char *path);

/* The first one in the file; NULL: there is none. */
const char *labels_find(const struct labels *labels, uint64_t key);
/* The key of a service; UINT64_MAX: the protocol has no services here. */
uint64_t labels_service_key(const char *proto, size_t n, uint16_t port);

#endif
