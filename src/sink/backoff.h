/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_BACKOFF_H
#define WEIR_SINK_BACKOFF_H

#include <stdint.h>

/* How long to wait before a delivery is tried again: exponential with full jitter,
 * so that a server that comes back is not met by everybody at once. */

#define BACKOFF_BASE_NS 500000000ULL
#define BACKOFF_MAX_NS 30000000000ULL
#define BACKOFF_PARKED_NS 60000000000ULL
/* What a server may ask for is not waited for longer than this. */
#define BACKOFF_ASKED_MAX_NS 3600000000000ULL

/* tries: failures in a row, from 1; random: any 64 bits. 1 ms at least; BASE x 2^(tries - 1)
 * at most, and MAX. */
uint64_t backoff_ns(unsigned tries, uint64_t random);

#endif
