/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SD_EVENTS_H
#define WEIR_SOURCE_SD_EVENTS_H

#include <stdint.h>

struct why;

/* What the kernel tells of TCP sockets as they are destroyed: their last tcp_info. */

/* A socket that hears of those of the calling thread's namespace, non-blocking,
 * with room for so much that waits; or -errno. */
int sd_events_open(uint64_t buffer_bytes);
/* Destroys a socket of its own to see whether that is heard. 0, or -errno and
 * the sentence; takes a moment, and up to 200 ms where it is not. */
int sd_events_probe(struct why *why);

#endif
