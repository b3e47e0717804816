// SPDX-License-Identifier: Apache-2.0
/* Addresses: RFC 5952 text, IPv4-mapped ones, prefixes of every length. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"

#define LONGEST "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"

static struct addr addr_of(const char *text)
{
	struct addr ret;

	if (addr_parse(&ret, text, strlen(text)) < 0)
		fail_msg("\"%s\" is no address", text);
	return ret;
}

static struct addr_net net_of(const char *text)
{
	struct addr_net ret;

	if (addr_net_parse(&ret, text, strlen(text)) < 0)
		fail_msg("\"%s\" is no prefix", text);
	return ret;
}

/* Never writes past the text and its NUL. */
static void prints(const struct addr *addr, const char *wanted)
{
	char text[ADDR_TEXT_SIZE + 1];

	memset(text, '#', sizeof(text));
	assert_ptr_equal(addr_print(text, addr), text);
	assert_string_equal(text, wanted);
	assert_int_equal(text[strlen(wanted) + 1], '#');
}

static void text_is_the_shortest_of_rfc_5952(void **state)
{
	static const char *const pairs[][2] = {
		{ "::", "::" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "0::1", "::1" },
		{ "1::", "1::" },
		{ "0001:0:0:0:0:0:0:0", "1::" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "1:0:0:2:0:0:0:0", "1:0:0:2::" },
		{ "0:0:0:1:0:0:0:0", "0:0:0:1::" },
		{ "1:02:003:0004:f:f0:f00:f000", "1:2:3:4:f:f0:f00:f000" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ LONGEST, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "192.0.2.1", "192.0.2.1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct addr addr = addr_of(pairs[i][0]);

		prints(&addr, pairs[i][1]);
	}
}

static void text_agrees_with_the_c_library_for_every_run_of_zeros(void **state)
{
	static const uint16_t widths[] = { 0x1, 0x10, 0xabc, 0xf00d };
	char text[INET6_ADDRSTRLEN];

	for (unsigned zeros = 0; zeros < 256; zeros++) {
		struct addr addr, again;

		for (unsigned i = 0; i < 8; i++) {
			const uint16_t group = zeros >> i & 1 ? 0 : widths[(i + zeros) % 4];

			addr.byte[2 * i] = (uint8_t)(group >> 8);
			addr.byte[2 * i + 1] = (uint8_t)group;
		}
		/* the library writes the last four bytes of ::/96 as IPv4 */
		if ((zeros & 0x7f) == 0x3f)
			continue;
		assert_non_null(inet_ntop(AF_INET6, addr.byte, text, sizeof(text)));
		prints(&addr, text);
		again = addr_of(text);
		assert_true(addr_is_equal(&addr, &again));
	}
}

static void every_octet_is_printed_and_read(void **state)
{
	for (unsigned octet = 0; octet < 256; octet++) {
		const uint8_t bytes[] = { (uint8_t)octet, (uint8_t)(255 - octet), 0,
					  (uint8_t)octet };
		char text[ADDR_TEXT_SIZE];
		struct addr addr, again;

		addr_from_v4(&addr, bytes);
		snprintf(text, sizeof(text), "%u.%u.0.%u", octet, 255 - octet, octet);
		prints(&addr, text);
		again = addr_of(text);
		assert_true(addr_is_equal(&addr, &again));
	}
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
	static const uint8_t bytes[] = { 10, 0, 0, 1 };
	const struct addr mapped = addr_of("::ffff:10.0.0.1"), hex = addr_of("::ffff:a00:1");
	const struct addr near = addr_of("::fffe:10.0.0.1"), compatible = addr_of("::10.0.0.1");
	struct addr v4, v6;

	addr_from_v4(&v4, bytes);
	addr_from_v6(&v6, mapped.byte);
	assert_true(addr_is_v4(&v4));
	assert_true(addr_is_equal(&v4, &mapped));
	assert_true(addr_is_equal(&v4, &hex));
	assert_true(addr_is_equal(&v4, &v6));
	assert_false(addr_is_v4(&near));
	assert_false(addr_is_v4(&compatible));
	prints(&mapped, "10.0.0.1");
	prints(&compatible, "::a00:1");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04",
		"0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.4/24", "1::2::3",
		"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "::g",
		"::1.2.3", "fe80::1%lo", "[::1]", "localhost", LONGEST "0",
	};
	struct addr addr;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (addr_parse(&addr, texts[i], strlen(texts[i])) != -EINVAL)
			fail_msg("\"%s\" is taken for an address", texts[i]);
	}
	assert_int_equal(addr_parse(&addr, "1.2.3.4\0", 8), -EINVAL);
	assert_int_equal(addr_parse(&addr, "1.2.3.45", 7), 0);
	prints(&addr, "1.2.3.4");
}

static void loopback_and_unspecified_are_told_in_both_families(void **state)
{
	static const struct {
		const char *text;
		bool loopback, unspecified;
	} rows[] = {
		{ "127.0.0.0", true, false },
		{ "127.255.255.255", true, false },
		{ "126.255.255.255", false, false },
		{ "128.0.0.0", false, false },
		{ "::1", true, false },
		{ "::2", false, false },
		{ "1::1", false, false },
		{ "::127.0.0.1", false, false },
		{ "0.0.0.0", false, true },
		{ "0.0.0.1", false, false },
		{ "1.0.0.0", false, false },
		{ "::", false, true },
		{ "8000::", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct addr addr = addr_of(rows[i].text);

		assert_int_equal(addr_is_loopback(&addr), rows[i].loopback);
		assert_int_equal(addr_is_unspecified(&addr), rows[i].unspecified);
	}
}

static void order_is_that_of_the_bytes(void **state)
{
	static const char *const rising[] = {
		"::", "::1", "0.0.0.0", "9.255.255.255", "10.0.0.1", "192.0.2.1", "1::", "8000::",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};

	for (size_t i = 0; i < ARRAY_LEN(rising); i++) {
		for (size_t j = 0; j < ARRAY_LEN(rising); j++) {
			const struct addr x = addr_of(rising[i]), y = addr_of(rising[j]);
			const int order = addr_compare(&x, &y);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(addr_is_equal(&x, &y), i == j);
		}
	}
}

static void a_prefix_of_any_length_ends_at_its_bit(void **state)
{
	const struct addr addr = addr_of("a5c3:1234:8001:7ffe:a5c3:1234:8001:7ffe");

	for (unsigned bits = 0; bits <= 128; bits++) {
		char text[ADDR_TEXT_SIZE + 4];
		struct addr_net net;

		snprintf(text, sizeof(text), "a5c3:1234:8001:7ffe:a5c3:1234:8001:7ffe/%u", bits);
		net = net_of(text);
		assert_int_equal(net.bits, bits);
		assert_true(addr_net_has(&net, &addr));
		for (unsigned i = 0; i < 128; i++) {
			struct addr other = addr;

			other.byte[i / 8] ^= (uint8_t)(0x80 >> i % 8);
			assert_int_equal(addr_net_has(&net, &other), i >= bits);
			if (i >= bits)
				assert_false(net.addr.byte[i / 8] & 0x80 >> i % 8);
		}
	}
}

static void a_prefix_counts_its_bits_as_it_was_written(void **state)
{
	static const struct {
		const char *text, *addr;
		unsigned bits;
	} rows[] = {
		{ "10.1.2.3", "10.1.2.3", 128 },
		{ "10.1.2.3/32", "10.1.2.3", 128 },
		{ "10.1.2.3/31", "10.1.2.2", 127 },
		{ "10.1.2.3/8", "10.0.0.0", 104 },
		{ "10.1.2.3/0", "0.0.0.0", 96 },
		{ "::ffff:10.1.2.3/104", "10.0.0.0", 104 },
		{ "::ffff:10.1.2.3/96", "0.0.0.0", 96 },
		{ "::ffff:10.1.2.3/95", "::fffe:0:0", 95 },
		{ "2001:db8::1", "2001:db8::1", 128 },
		{ "2001:db8::1/32", "2001:db8::", 32 },
		{ "2001:db8::1/0", "::", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct addr_net net = net_of(rows[i].text);

		assert_int_equal(net.bits, rows[i].bits);
		prints(&net.addr, rows[i].addr);
	}
}

static void all_of_ipv6_holds_ipv4_but_not_the_reverse(void **state)
{
	const struct addr_net all = net_of("::/0"), all4 = net_of("0.0.0.0/0");
	const struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");

	assert_true(addr_net_has(&all, &v4));
	assert_true(addr_net_has(&all, &v6));
	assert_true(addr_net_has(&all4, &v4));
	assert_false(addr_net_has(&all4, &v6));
}

static void what_is_no_prefix_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ",
		"10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0.0/18446744073709551624", "10/8",
		"::/129", "::/256", "::ffff:10.0.0.0/129", "10.0.0.256/8",
	};
	const struct addr_net before = net_of("192.0.2.0/24");

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct addr_net net = before;

		if (addr_net_parse(&net, texts[i], strlen(texts[i])) != -EINVAL)
			fail_msg("\"%s\" is taken for a prefix", texts[i]);
		assert_memory_equal(&net, &before, sizeof(net));
	}
}

static void an_address_is_appended_without_an_end(void **state)
{
	const struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");
	struct buf buf = { 0 };

	buf_putc(&buf, '<');
	addr_append(&buf, &v4);
	addr_append(&buf, &v6);
	buf_putc(&buf, '>');
	assert_int_equal(buf.len, 22);
	assert_memory_equal(buf.data, "<192.0.2.12001:db8::1>", 22);
	buf.error = -ENOMEM;
	addr_append(&buf, &v4);
	assert_int_equal(buf.len, 22);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_the_shortest_of_rfc_5952),
		cmocka_unit_test(text_agrees_with_the_c_library_for_every_run_of_zeros),
		cmocka_unit_test(every_octet_is_printed_and_read),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(loopback_and_unspecified_are_told_in_both_families),
		cmocka_unit_test(order_is_that_of_the_bytes),
		cmocka_unit_test(a_prefix_of_any_length_ends_at_its_bit),
		cmocka_unit_test(a_prefix_counts_its_bits_as_it_was_written),
		cmocka_unit_test(all_of_ipv6_holds_ipv4_but_not_the_reverse),
		cmocka_unit_test(what_is_no_prefix_is_refused_and_changes_nothing),
		cmocka_unit_test(an_address_is_appended_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
