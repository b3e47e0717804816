/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3, 64 bits. With a random seed it is safe as a table index against
 * chosen keys; with a fixed one it is a stable identifier. */
uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);
/* A seed no peer can guess (getrandom(2), else the clock). */
uint64_t hash_seed_random(void);

#endif
