// SPDX-License-Identifier: Apache-2.0
/* Numbers with units, read and written for people. */
#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int num_parse_u64(uint64_t *ret, const char *text, size_t n)
{
	unsigned base = 10, digit;
	uint64_t value = 0;

	if (n > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
		n -= 2;
	}
	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char c = text[i], lower = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (base == 16 && lower >= 'a' && lower <= 'f')
			digit = (unsigned)(lower - 'a') + 10;
		else
			return -EINVAL;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* DIGITS[.DIGITS]UNIT, exact in integers: at most nine decimals count. */
static int parse_with_unit(uint64_t *ret, const char *text, size_t n, const struct unit *unit)
{
	size_t digits = 0, point = n, i;
	uint64_t whole = 0, fraction = 0, scale = 1;
	int r;

	while (digits < n && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	r = num_parse_u64(&whole, text, digits);
	if (r < 0)
		return r;
	i = digits;
	if (i < n && text[i] == '.') {
		point = ++i;
		for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
			if (scale >= 1000000000)
				continue;
			fraction = fraction * 10 + (uint64_t)(text[i] - '0');
			scale *= 10;
		}
		if (i == point)
			return -EINVAL;
	}
	for (; unit->name; unit++) {
		if (strlen(unit->name) != n - i || memcmp(unit->name, text + i, n - i))
			continue;
		if (__builtin_mul_overflow(whole, unit->factor, &whole))
			return -ERANGE;
		/* in two steps, as 2^40 times nine decimals is above 2^64 */
		fraction = unit->factor / scale * fraction +
			   unit->factor % scale * fraction / scale;
		if (__builtin_add_overflow(whole, fraction, ret))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int num_parse_duration_ns(uint64_t *ret, const char *text, size_t n)
{
	static const struct unit units[] = {
		{ "ns", 1 },
		{ "us", NUM_NS_PER_US },
		{ "ms", NUM_NS_PER_MS },
		{ "s", NUM_NS_PER_S },
		{ "m", 60 * NUM_NS_PER_S },
		{ "h", 3600 * NUM_NS_PER_S },
		{ "d", 86400 * NUM_NS_PER_S },
		{ NULL, 0 },
	};

	if (n == 1 && *text == '0') {
		*ret = 0;
		return 0;
	}
	return parse_with_unit(ret, text, n, units);
}

int num_parse_size(uint64_t *ret, const char *text, size_t n)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "k", 1ULL << 10 }, { "K", 1ULL << 10 },
		{ "m", 1ULL << 20 }, { "M", 1ULL << 20 },
		{ "g", 1ULL << 30 }, { "G", 1ULL << 30 },
		{ "t", 1ULL << 40 }, { "T", 1ULL << 40 },
		{ NULL, 0 },
	};

	return parse_with_unit(ret, text, n, units);
}

int num_parse_rate(uint64_t *ret, const char *text, size_t n)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "k", 1000 }, { "K", 1000 },
		{ "m", 1000000 }, { "M", 1000000 },
		{ "g", 1000000000 }, { "G", 1000000000 },
		{ "t", 1000000000000 }, { "T", 1000000000000 },
		{ NULL, 0 },
	};

	return parse_with_unit(ret, text, n, units);
}

static const char digit_pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* Digits are written backwards into their final place: the length is counted
 * first, which is cheaper than a copy. */
static unsigned digits_of(uint64_t value)
{
	unsigned digits = 1;

	for (;;) {
		if (value < 10)
			return digits;
		if (value < 100)
			return digits + 1;
		if (value < 1000)
			return digits + 2;
		if (value < 10000)
			return digits + 3;
		value /= 10000;
		digits += 4;
	}
}

char *num_put_u64(char *at, uint64_t value)
{
	char *const end = at + digits_of(value);
	char *from = end;

	while (value >= 100) {
		from -= 2;
		memcpy(from, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(from - 2, digit_pairs + value * 2, 2);
	else
		from[-1] = (char)('0' + value);
	return end;
}

static char *print_scaled(char *ret, size_t size, uint64_t value, unsigned base,
			  const char *letters)
{
	double scaled = (double)value;
	int letter = -1;

	/* 999.5 would print as 1000 */
	while (scaled >= (letter < 0 ? base : base - 0.5) && letters[letter + 1]) {
		scaled /= base;
		letter++;
	}
	if (letter < 0)
		snprintf(ret, size, "%llu", (unsigned long long)value);
	else
		snprintf(ret, size, scaled < 99.95 ? "%.1f%c" : "%.0f%c", scaled,
			 letters[letter]);
	return ret;
}

char *num_print_size(char *ret, size_t size, uint64_t bytes)
{
	return print_scaled(ret, size, bytes, 1024, "KMGTPE");
}

char *num_print_rate(char *ret, size_t size, uint64_t bits_per_second)
{
	return print_scaled(ret, size, bits_per_second, 1000, "kMGTPE");
}

char *num_print_duration(char *ret, size_t size, uint64_t ns)
{
	const uint64_t s = ns / NUM_NS_PER_S;

	if (ns < NUM_NS_PER_MS)
		snprintf(ret, size, "%lluus", (unsigned long long)(ns / NUM_NS_PER_US));
	else if (ns < NUM_NS_PER_S)
		snprintf(ret, size, "%.1fms", (double)(ns / 100000) / 10);
	else if (s < 60)
		snprintf(ret, size, "%.1fs", (double)(ns / 100000000) / 10);
	else if (s < 3600)
		snprintf(ret, size, "%llum%02llus", (unsigned long long)(s / 60),
			 (unsigned long long)(s % 60));
	else if (s < 86400)
		snprintf(ret, size, "%lluh%02llum", (unsigned long long)(s / 3600),
			 (unsigned long long)(s / 60 % 60));
	else
		snprintf(ret, size, "%llud%02lluh", (unsigned long long)(s / 86400),
			 (unsigned long long)(s / 3600 % 24));
	return ret;
}

char *num_exact_duration(char *ret, size_t size, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = {
		{ 86400 * NUM_NS_PER_S, "d" }, { 3600 * NUM_NS_PER_S, "h" },
		{ 60 * NUM_NS_PER_S, "m" },    { NUM_NS_PER_S, "s" },
		{ NUM_NS_PER_MS, "ms" },       { 1000, "us" },
		{ 1, "ns" },
	};
	size_t i = 0;

	if (!ns)
		i = 3;
	while (ns % units[i].ns)
		i++;
	snprintf(ret, size, "%" PRIu64 "%s", ns / units[i].ns, units[i].unit);
	return ret;
}

char *num_exact_size(char *ret, size_t size, uint64_t bytes)
{
	static const char units[] = "TGMk";
	unsigned shift = 40, i = 0;

	while (shift && (!bytes || bytes & ((1ULL << shift) - 1))) {
		shift -= 10;
		i++;
	}
	snprintf(ret, size, "%" PRIu64 "%.*s", bytes >> shift, shift ? 1 : 0, &units[i]);
	return ret;
}
