/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_OWNER_BOOK_H
#define WEIR_SOURCE_OWNER_BOOK_H

#include <stdint.h>

#include "flow/owner.h"

/* Processes that BPF has named: what else there is to say about them, looked up once
 * for however many sockets. One that is gone by then is known by its cgroup. */
struct owner_book;

int owner_book_new(struct owner_book **ret); /* 0 or -ENOMEM */
void owner_book_free(struct owner_book *book); /* NULL is a no-op */

/* pid: as this process sees it, not 0. comm: NUL-terminated. cgroup: id of its cgroup v2,
 * or 0. */
void owner_book_look(struct owner_book *book, uint32_t pid, const char *comm, uint64_t cgroup,
		     uint64_t now_boot_ns, struct owner *ret);

#endif
