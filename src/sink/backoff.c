// SPDX-License-Identifier: Apache-2.0
/* When to try again: pure arithmetic. */
#include "sink/backoff.h"

#define LEAST_NS 1000000ULL

uint64_t backoff_ns(unsigned tries, uint64_t random)
{
	uint64_t most_ns = BACKOFF_MAX_NS;

	/* 0.5 s doubled six times is above 30 s */
	if (tries < 7)
		most_ns = BACKOFF_BASE_NS << (tries ? tries - 1 : 0);
	if (most_ns > BACKOFF_MAX_NS)
		most_ns = BACKOFF_MAX_NS;
	return LEAST_NS + random % (most_ns - LEAST_NS + 1);
}
