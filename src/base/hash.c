// SPDX-License-Identifier: Apache-2.0
/* Hashes: XXH3 of libxxhash, header only, for indexes and identifiers. */
#include "base/hash.h"

#include <sys/random.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, n, seed);
}

uint64_t hash_seed_random(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_wall_ns() * 0x9e3779b97f4a7c15ULL;
	return seed;
}
