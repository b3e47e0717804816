// SPDX-License-Identifier: Apache-2.0
/* Numbers with units: what is read, what does not fit, what is written. */
#include "base/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

#define DAY_NS (86400 * NUM_NS_PER_S)
#define TEBI (1ULL << 40)

struct reading {
	const char *text;
	int r;
	uint64_t value;
};

static void reads(int (*parse)(uint64_t *, const char *, size_t), const struct reading *row,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0;
		const int r = parse(&value, row[i].text, strlen(row[i].text));

		if (r != row[i].r)
			fail_msg("\"%s\": %d, not %d", row[i].text, r, row[i].r);
		if (!r && value != row[i].value)
			fail_msg("\"%s\": %llu", row[i].text, (unsigned long long)value);
	}
}

static void whole_numbers_are_decimal_or_hexadecimal(void **state)
{
	static const struct reading rows[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "0x0", 0, 0 },
		{ "0xfF", 0, 255 },
		{ "0X10", 0, 16 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "0x0000000000000000001", 0, 1 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551620", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "0x10000000000000000", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0xg", -EINVAL, 0 },
		{ "x1", -EINVAL, 0 },
		{ "1f", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1/", -EINVAL, 0 },
		{ "1:", -EINVAL, 0 },
		{ "\xd9\xa3", -EINVAL, 0 },
	};

	reads(num_parse_u64, rows, ARRAY_LEN(rows));
}

static void durations_have_a_unit_and_are_exact(void **state)
{
	static const struct reading rows[] = {
		{ "0", 0, 0 },
		{ "0s", 0, 0 },
		{ "1ns", 0, 1 },
		{ "10us", 0, 10 * NUM_NS_PER_US },
		{ "500ms", 0, 500 * NUM_NS_PER_MS },
		{ "1.5s", 0, 1500 * NUM_NS_PER_MS },
		{ "5m", 0, 300 * NUM_NS_PER_S },
		{ "0.1m", 0, 6 * NUM_NS_PER_S },
		{ "1h", 0, 3600 * NUM_NS_PER_S },
		{ "2d", 0, 2 * DAY_NS },
		{ "1.000000001d", 0, DAY_NS + 86400 },
		{ "0.123456789s", 0, 123456789 },
		{ "0.1234567899d", 0, 10666666569600 },
		{ "1.999ns", 0, 1 },
		{ "00000000000000000000000000001s", 0, NUM_NS_PER_S },
		{ "18446744073709551615ns", 0, UINT64_MAX },
		{ "18446744073.709551615s", 0, UINT64_MAX },
		{ "213503d", 0, 213503 * DAY_NS },
		{ "18446744073709551616ns", -ERANGE, 0 },
		{ "18446744073.709551616s", -ERANGE, 0 },
		{ "18446744074s", -ERANGE, 0 },
		{ "213504d", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "1", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "1.5.5s", -EINVAL, 0 },
		{ "1,5s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1S", -EINVAL, 0 },
		{ "1sec", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "0x1s", -EINVAL, 0 },
		{ "1h30m", -EINVAL, 0 },
	};

	reads(num_parse_duration_ns, rows, ARRAY_LEN(rows));
}

static void sizes_are_powers_of_1024(void **state)
{
	static const struct reading rows[] = {
		{ "0", 0, 0 },
		{ "17", 0, 17 },
		{ "64k", 0, 65536 },
		{ "64K", 0, 65536 },
		{ "10M", 0, 10485760 },
		{ "1m", 0, 1048576 },
		{ "1.5G", 0, 1610612736 },
		{ "1.5T", 0, TEBI + TEBI / 2 },
		{ "1.123456789t", 0, 1235253802809 },
		{ "0.000000001T", 0, TEBI / 1000000000 },
		{ "16777215.999999999T", 0, 18446744073709550516ULL },
		{ "16777216T", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "1kB", -EINVAL, 0 },
		{ "1P", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
	};

	reads(num_parse_size, rows, ARRAY_LEN(rows));
}

static void rates_are_powers_of_1000(void **state)
{
	static const struct reading rows[] = {
		{ "10k", 0, 10000 },
		{ "1M", 0, 1000000 },
		{ "1m", 0, 1000000 },
		{ "2.5g", 0, 2500000000 },
		{ "0.000000001T", 0, 1000 },
		{ "18446744.073709551T", 0, 18446744073709551000ULL },
		{ "18446745T", -ERANGE, 0 },
		{ "1ms", -EINVAL, 0 },
	};

	reads(num_parse_rate, rows, ARRAY_LEN(rows));
}

static void only_the_bytes_named_are_read(void **state)
{
	uint64_t value;

	assert_int_equal(num_parse_u64(&value, "123", 2), 0);
	assert_int_equal(value, 12);
	assert_int_equal(num_parse_u64(&value, "0x1", 2), -EINVAL);
	assert_int_equal(num_parse_u64(&value, "1\0", 2), -EINVAL);
	assert_int_equal(num_parse_duration_ns(&value, "5ms", 2), 0);
	assert_int_equal(value, 300 * NUM_NS_PER_S);
	assert_int_equal(num_parse_duration_ns(&value, "05", 1), 0);
	assert_int_equal(value, 0);
	assert_int_equal(num_parse_size(&value, "64k", 2), 0);
	assert_int_equal(value, 64);
}

static void puts_value(uint64_t value)
{
	char text[NUM_U64_SIZE + 2], wanted[NUM_U64_SIZE + 2];
	char *end;

	memset(text, '#', sizeof(text));
	end = num_put_u64(text, value);
	assert_int_equal(*end, '#');
	*end = '\0';
	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)value);
	assert_string_equal(text, wanted);
}

static void digits_are_those_of_printf_at_every_length(void **state)
{
	uint64_t power = 1;

	for (unsigned digits = 1; digits <= NUM_U64_SIZE; digits++, power *= 10) {
		puts_value(power - 1);
		puts_value(power);
		puts_value(power + 1);
		puts_value(power + power / 7 * 5);
	}
	for (uint64_t value = 0; value < 20000; value++)
		puts_value(value);
	puts_value(UINT64_MAX);
}

struct printing {
	uint64_t value;
	const char *text;
};

static void prints(char *(*print)(char *, size_t, uint64_t), const struct printing *row,
		   size_t count)
{
	char text[24];

	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(print(text, sizeof(text), row[i].value), text);
		assert_string_equal(text, row[i].text);
	}
}

static void printed_sizes_and_rates_never_reach_the_next_unit(void **state)
{
	static const struct printing sizes[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1.0K" },
		{ 12595, "12.3K" },
		{ 102348, "99.9K" },
		{ 102349, "100K" },
		{ 1048063, "1023K" },
		{ 1048064, "1.0M" },
		{ 1048576, "1.0M" },
		{ TEBI - 1, "1.0T" },
		{ UINT64_MAX, "16.0E" },
	};
	static const struct printing rates[] = {
		{ 999, "999" },
		{ 1000, "1.0k" },
		{ 99949, "99.9k" },
		{ 99950, "100k" },
		{ 999499, "999k" },
		{ 999500, "1.0M" },
		{ 999949, "1.0M" },
		{ 999950, "1.0M" },
		{ UINT64_MAX, "18.4E" },
	};

	prints(num_print_size, sizes, ARRAY_LEN(sizes));
	prints(num_print_rate, rates, ARRAY_LEN(rates));
}

static void printed_durations_name_two_units_at_most(void **state)
{
	static const struct printing rows[] = {
		{ 0, "0us" },
		{ 999, "0us" },
		{ 1000, "1us" },
		{ NUM_NS_PER_MS - 1, "999us" },
		{ NUM_NS_PER_MS, "1.0ms" },
		{ 1250000, "1.2ms" },
		{ NUM_NS_PER_S - 1, "999.9ms" },
		{ NUM_NS_PER_S, "1.0s" },
		{ 60 * NUM_NS_PER_S - 1, "59.9s" },
		{ 60 * NUM_NS_PER_S, "1m00s" },
		{ 312 * NUM_NS_PER_S, "5m12s" },
		{ 3600 * NUM_NS_PER_S - 1, "59m59s" },
		{ 3600 * NUM_NS_PER_S, "1h00m" },
		{ DAY_NS - 1, "23h59m" },
		{ DAY_NS, "1d00h" },
		{ UINT64_MAX, "213503d23h" },
	};

	prints(num_print_duration, rows, ARRAY_LEN(rows));
}

static void a_short_buffer_is_filled_and_terminated(void **state)
{
	char text[4] = "###";

	assert_string_equal(num_print_size(text, 3, 1023), "10");
	assert_int_equal(text[3], '\0');
	assert_string_equal(num_print_rate(text, 1, 1023), "");
	assert_string_equal(num_print_duration(text, sizeof(text), UINT64_MAX), "213");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_are_decimal_or_hexadecimal),
		cmocka_unit_test(durations_have_a_unit_and_are_exact),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(rates_are_powers_of_1000),
		cmocka_unit_test(only_the_bytes_named_are_read),
		cmocka_unit_test(digits_are_those_of_printf_at_every_length),
		cmocka_unit_test(printed_sizes_and_rates_never_reach_the_next_unit),
		cmocka_unit_test(printed_durations_name_two_units_at_most),
		cmocka_unit_test(a_short_buffer_is_filled_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
