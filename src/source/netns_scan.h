/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_NETNS_SCAN_H
#define WEIR_SOURCE_NETNS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

struct why;

/* Where network namespaces can be found. Keeps /proc and the mount table open,
 * neither of which belongs to a network namespace. */
struct netns_scan;

/* path leads to the namespace at the moment of the call; the same namespace is
 * shown many times. */
typedef void (*netns_found_fn)(void *context, uint32_t netns, const char *path);

int netns_scan_new(struct netns_scan **ret, struct why *why);
void netns_scan_free(struct netns_scan *scan); /* NULL is a no-op */
/* Shows all. *blind: some processes could not be looked at (CAP_SYS_PTRACE). 0, or
 * -errno: the mount table has changed and could not be read, until another run. */
int netns_scan_run(struct netns_scan *scan, netns_found_fn found, void *context, bool *blind);

#endif
