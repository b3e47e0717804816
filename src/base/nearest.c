// SPDX-License-Identifier: Apache-2.0
/* The word a person meant. */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 40

static unsigned least(unsigned x, unsigned y, unsigned z)
{
	const unsigned xy = x < y ? x : y;

	return xy < z ? xy : z;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static unsigned distance(const char *x, size_t nx, const char *y, size_t ny)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *two = row[0], *one = row[1], *now = row[2], *spare;
	size_t i, j;

	for (j = 0; j <= ny; j++)
		one[j] = (unsigned)j;
	for (i = 1; i <= nx; i++) {
		now[0] = (unsigned)i;
		for (j = 1; j <= ny; j++) {
			const int a = tolower((unsigned char)x[i - 1]);
			const int b = tolower((unsigned char)y[j - 1]);

			now[j] = least(now[j - 1] + 1, one[j] + 1, one[j - 1] + (a != b));
			if (i > 1 && j > 1 && a == tolower((unsigned char)y[j - 2]) &&
			    b == tolower((unsigned char)x[i - 2]) && two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[ny];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	const size_t n = nearest->n, length = strlen(candidate);
	unsigned apart;

	if (!n || n > WORD_MAX || length > WORD_MAX)
		return;
	apart = distance(nearest->word, n, candidate, length);
	if (length > n && !strncasecmp(nearest->word, candidate, n))
		apart = 1; /* a word that was cut short */
	else if (apart > (n < 6 ? 2 : n / 3) || apart >= n)
		return;
	if (nearest->best && apart >= nearest->distance)
		return;
	nearest->best = candidate;
	nearest->distance = apart;
}
