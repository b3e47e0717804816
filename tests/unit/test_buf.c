// SPDX-License-Identifier: Apache-2.0
/* The buffer: what goes in comes out, at every size, and a failure sticks. */
#include "base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

#define INT_TEXT_SIZE 24

static void holds(const struct buf *buf, const char *wanted)
{
	assert_int_equal(buf->error, 0);
	assert_int_equal(buf->len, strlen(wanted));
	assert_true(buf->len <= buf->capacity);
	assert_memory_equal(buf->data, wanted, buf->len);
}

static void nothing_is_kept_where_nothing_was_written(void **state)
{
	struct buf buf = { 0 };

	buf_consume(&buf, 0);
	buf_append(&buf, NULL, 0);
	buf_append(&buf, "x", 0);
	buf_puts(&buf, "");
	buf_printf(&buf, "%s", "");
	buf_hex64(&buf, 1, 0);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.error, 0);
	buf_fini(&buf);
	buf_fini(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.capacity, 0);
}

static void only_a_failed_reserve_returns_null(void **state)
{
	struct buf buf = { 0 };

	assert_non_null(buf_reserve(&buf, 0));
	assert_int_equal(buf.error, 0);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void bytes_stay_as_they_are_while_it_grows(void **state)
{
	static const size_t pieces[] = { 1, 255, 256, 257, 4095, 100000, 3 };
	unsigned char piece[100000];
	struct buf buf = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		memset(piece, (int)i, sizeof(piece));
		buf_append(&buf, piece, pieces[i]);
		buf_putc(&buf, '\0');
	}
	assert_int_equal(buf.error, 0);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (size_t k = 0; k < pieces[i]; k++)
			assert_int_equal(buf.data[at++], i);
		assert_int_equal(buf.data[at++], 0);
	}
	assert_int_equal(buf.len, at);
	buf_fini(&buf);
}

static void reserved_room_can_be_written_to_its_last_byte(void **state)
{
	for (size_t n = 1; n < 1100; n += 3) {
		struct buf buf = { 0 };
		char *at;

		buf_puts(&buf, "abc");
		at = buf_reserve(&buf, n);
		assert_ptr_equal(at, buf.data + 3);
		assert_int_equal(buf.len, 3);
		assert_true(buf.capacity >= n + 3);
		memset(at, 'x', n);
		buf.len += n;
		assert_memory_equal(buf.data, "abcx", 4);
		buf_fini(&buf);
	}
}

static void printf_writes_whole_what_ends_at_any_byte(void **state)
{
	char text[600], wanted[601];

	memset(text, 'y', sizeof(text));
	for (int before = 0; before < 300; before += 23) {
		for (int n = 0; n < (int)sizeof(text); n++) {
			struct buf buf = { 0 };

			buf_append(&buf, text, (size_t)before);
			buf_printf(&buf, "%.*s%d", n, text, 7);
			assert_int_equal(buf.error, 0);
			assert_int_equal(buf.len, before + n + 1);
			memset(wanted, 'y', sizeof(wanted));
			assert_memory_equal(buf.data + before, wanted, (size_t)n);
			assert_int_equal(buf.data[buf.len - 1], '7');
			buf_fini(&buf);
		}
	}
}

static void integers_are_written_to_their_last_digit(void **state)
{
	static const int64_t signed_values[] = { 0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN };
	static const uint64_t values[] = { 0, 9, 10, 99, 100, INT64_MAX, UINT64_MAX };
	char wanted[INT_TEXT_SIZE];
	struct buf buf = { 0 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_clear(&buf);
		buf_u64(&buf, values[i]);
		snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)values[i]);
		holds(&buf, wanted);
	}
	for (size_t i = 0; i < sizeof(signed_values) / sizeof(signed_values[0]); i++) {
		buf_clear(&buf);
		buf_i64(&buf, signed_values[i]);
		snprintf(wanted, sizeof(wanted), "%lld", (long long)signed_values[i]);
		holds(&buf, wanted);
	}
	buf_fini(&buf);
}

static void hex_has_as_many_digits_as_asked_for(void **state)
{
	struct buf buf = { 0 };

	buf_hex64(&buf, 0xfedcba9876543210, 16);
	buf_putc(&buf, ' ');
	buf_hex64(&buf, 0, 16);
	buf_putc(&buf, ' ');
	buf_hex64(&buf, 0x1a2b, 2);
	buf_putc(&buf, ' ');
	buf_hex64(&buf, UINT64_MAX, 18);
	holds(&buf, "fedcba9876543210 0000000000000000 2b 00ffffffffffffffff");
	buf_fini(&buf);
}

static void a_failed_growth_sticks_and_keeps_what_was_there(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 4 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf buf = { 0 };
		char *data;

		buf_puts(&buf, "kept");
		data = buf.data;
		assert_null(buf_reserve(&buf, sizes[i]));
		assert_int_equal(buf.error, -ENOMEM);
		buf_puts(&buf, "x");
		buf_putc(&buf, 'x');
		buf_printf(&buf, "%d", 1);
		buf_u64(&buf, 1);
		buf_i64(&buf, -1);
		buf_hex64(&buf, 1, 1);
		assert_null(buf_reserve(&buf, 1));
		assert_null(buf_reserve(&buf, 0));
		assert_int_equal(buf.error, -ENOMEM);
		assert_int_equal(buf.len, 4);
		assert_memory_equal(buf.data, "kept", 4);
		buf_clear(&buf);
		assert_ptr_equal(buf.data, data);
		buf_puts(&buf, "anew");
		holds(&buf, "anew");
		buf_fini(&buf);
	}
}

static void clearing_keeps_the_memory(void **state)
{
	struct buf buf = { 0 };
	size_t capacity;

	buf_reserve(&buf, 5000);
	capacity = buf.capacity;
	buf_puts(&buf, "text");
	buf_clear(&buf);
	holds(&buf, "");
	assert_int_equal(buf.capacity, capacity);
	buf_fini(&buf);
}

static void a_delivered_prefix_is_dropped(void **state)
{
	struct buf buf = { 0 };

	buf_puts(&buf, "0123456789");
	buf_consume(&buf, 0);
	holds(&buf, "0123456789");
	buf_consume(&buf, 1);
	holds(&buf, "123456789");
	buf_consume(&buf, 6);
	holds(&buf, "789");
	buf_puts(&buf, "a");
	holds(&buf, "789a");
	buf_consume(&buf, 4);
	holds(&buf, "");
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_kept_where_nothing_was_written),
		cmocka_unit_test(only_a_failed_reserve_returns_null),
		cmocka_unit_test(bytes_stay_as_they_are_while_it_grows),
		cmocka_unit_test(reserved_room_can_be_written_to_its_last_byte),
		cmocka_unit_test(printf_writes_whole_what_ends_at_any_byte),
		cmocka_unit_test(integers_are_written_to_their_last_digit),
		cmocka_unit_test(hex_has_as_many_digits_as_asked_for),
		cmocka_unit_test(a_failed_growth_sticks_and_keeps_what_was_there),
		cmocka_unit_test(clearing_keeps_the_memory),
		cmocka_unit_test(a_delivered_prefix_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
