// SPDX-License-Identifier: Apache-2.0
/* Numbers as a line of bars. */
#include "ui/sparkline.h"

#include <string.h>

#define LEVELS 8

static const char *const bars_utf8[LEVELS + 1] = {
	" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588",
};
static const char *const bars_ascii[LEVELS + 1] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };

static uint64_t greatest(const uint64_t *value, size_t from, size_t to)
{
	uint64_t most = 0;

	for (size_t i = from; i < to; i++)
		most = value[i] > most ? value[i] : most;
	return most;
}

static unsigned level(uint64_t value, uint64_t full)
{
	const double part = full ? (double)value / (double)full : 0;

	if (!value)
		return 0;
	return part >= 1 ? LEVELS : 1 + (unsigned)(part * LEVELS * 0.999);
}

void sparkline(char *ret, unsigned width, const uint64_t *value, size_t count, uint64_t full,
	       bool utf8)
{
	const char *const *bars = utf8 ? bars_utf8 : bars_ascii;
	char *at = ret;

	if (!full)
		full = greatest(value, 0, count);
	for (unsigned i = 0; i < width; i++) {
		const size_t from = count * i / width, to = count * (i + 1) / width;
		const uint64_t most = greatest(value, from, to > from ? to : from + !!count);
		const char *bar = bars[level(most, full)];
		const size_t n = strlen(bar);

		memcpy(at, bar, n);
		at += n;
	}
	*at = '\0';
}
