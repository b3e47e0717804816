/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_NOTIFY_H
#define WEIR_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* What a service tells its manager: the protocol of sd_notify(3), a datagram of lines
 * NAME=value to the socket in $NOTIFY_SOCKET (a path, or abstract: "@name"). */

/* Whether somebody wants to be told. */
bool notify_is_wanted(void);
/* Tells it. Does not block. 1; 0: nobody wants to know; -errno. */
int notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How long the manager lets us be silent before it takes us for hung (WATCHDOG_USEC,
 * unless WATCHDOG_PID is another process); 0: for ever. */
uint64_t notify_watchdog_ns(void);

#endif
