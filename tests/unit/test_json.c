// SPDX-License-Identifier: Apache-2.0
/* JSON as another library reads it; and byte for byte, where that forgives. */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"

#define REPLACEMENT "\xef\xbf\xbd"

static void holds(const struct buf *buf, const char *wanted)
{
	assert_int_equal(buf->error, 0);
	assert_int_equal(buf->len, strlen(wanted));
	assert_memory_equal(buf->data, wanted, buf->len);
}

/* What a reader makes of the string; the caller gives it back. */
static json_t *read_back(const char *text, size_t n)
{
	struct buf buf = { 0 };
	json_error_t error;
	json_t *ret;

	json_append_string(&buf, text, n);
	ret = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!ret)
		fail_msg("%.*s: %s", (int)buf.len, buf.data, error.text);
	buf_fini(&buf);
	return ret;
}

static void reads_back(const char *text, size_t n, const char *wanted, size_t wanted_n)
{
	json_t *string = read_back(text, n);

	assert_int_equal(json_string_length(string), wanted_n);
	assert_memory_equal(json_string_value(string), wanted, wanted_n);
	json_decref(string);
}

static void every_byte_is_read_back_or_replaced(void **state)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		const char text[] = { 'a', (char)byte, 'z' };

		if (byte < 0x80)
			reads_back(text, 3, text, 3);
		else
			reads_back(text, 3, "a" REPLACEMENT "z", 5);
	}
}

static void what_is_utf8_stays_as_it_is(void **state)
{
	static const char *const texts[] = {
		"", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f dich",
	};
	struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		reads_back(texts[i], strlen(texts[i]), texts[i], strlen(texts[i]));
		buf_clear(&buf);
		json_append_string(&buf, texts[i], strlen(texts[i]));
		assert_int_equal(buf.len, strlen(texts[i]) + 2);
	}
	buf_fini(&buf);
}

static void each_byte_that_is_not_utf8_is_replaced_alone(void **state)
{
	static const char *const pairs[][2] = {
		{ "\xc3", REPLACEMENT },
		{ "\xc3(", REPLACEMENT "(" },
		{ "\xe2\x82", REPLACEMENT REPLACEMENT },
		{ "\xe2\x82\xac\xe2\x82", "\xe2\x82\xac" REPLACEMENT REPLACEMENT },
		{ "\xc0\x80", REPLACEMENT REPLACEMENT },
		{ "\xed\xa0\x80", REPLACEMENT REPLACEMENT REPLACEMENT },
		{ "\xf5\x80\x80\x80", REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT },
		{ "\xff\"\xfe", REPLACEMENT "\"" REPLACEMENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		reads_back(pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1]));
}

static void a_sequence_that_goes_on_past_the_end_is_cut(void **state)
{
	reads_back("\xe2\x82\xac", 2, REPLACEMENT REPLACEMENT, 6);
	reads_back("ab\xc3\xbc", 3, "ab" REPLACEMENT, 5);
}

static void escapes_are_the_short_ones(void **state)
{
	struct buf buf = { 0 };

	json_append_string(&buf, "\"\\/\n\r\t\b\f\x1f\x7f\0", 11);
	holds(&buf, "\"\\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u001f\\u007f\\u0000\"");
	buf_fini(&buf);
}

static void the_longest_string_has_six_bytes_for_one(void **state)
{
	const size_t n = 1000;
	struct buf buf = { 0 };
	char *text = calloc(1, n), *room = malloc(6 * n + 2);

	assert_non_null(text);
	assert_non_null(room);
	assert_ptr_equal(json_put_string(room, text, n), room + 6 * n + 2);
	json_append_string(&buf, text, n);
	assert_int_equal(buf.len, 6 * n + 2);
	assert_memory_equal(buf.data, room, buf.len);
	free(room);
	free(text);
	buf_fini(&buf);
}

static void commas_stand_between_and_nowhere_else(void **state)
{
	struct buf buf = { 0 };

	json_object_begin(&buf);
	json_object_end(&buf);
	buf_putc(&buf, '\n');
	json_object_begin(&buf);
	json_key(&buf, "empty");
	json_array_begin(&buf);
	json_array_end(&buf);
	json_key(&buf, "list");
	json_array_begin(&buf);
	json_element_text(&buf, "[");
	json_element_text(&buf, "{");
	json_array_begin(&buf);
	json_array_end(&buf);
	json_object_begin(&buf);
	json_member_text(&buf, "a:", ":");
	json_member_bool(&buf, "", true);
	json_object_end(&buf);
	json_object_begin(&buf);
	json_object_end(&buf);
	json_element_text(&buf, "\n");
	json_array_end(&buf);
	json_member_bool(&buf, "no", false);
	json_object_end(&buf);
	holds(&buf, "{}\n{\"empty\":[],\"list\":[\"[\",\"{\",[],{\"a:\":\":\",\"\":true},{},"
		    "\"\\n\"],\"no\":false}");
	buf_fini(&buf);
}

static void integers_of_64_bits_are_exact(void **state)
{
	struct buf buf = { 0 };

	json_object_begin(&buf);
	json_member_u64(&buf, "u", UINT64_MAX);
	json_member_u64(&buf, "z", 0);
	json_member_i64(&buf, "i", INT64_MIN);
	json_member_i64(&buf, "j", INT64_MAX);
	json_object_end(&buf);
	holds(&buf, "{\"u\":18446744073709551615,\"z\":0,\"i\":-9223372036854775808,"
		    "\"j\":9223372036854775807}");
	buf_fini(&buf);
}

static void what_is_no_finite_number_is_null(void **state)
{
	static const double values[] = { NAN, INFINITY, -INFINITY, 2e300, -2e300 };
	struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		buf_clear(&buf);
		json_member_double(&buf, "x", values[i]);
		holds(&buf, "\"x\":null");
	}
	buf_fini(&buf);
}

static void numbers_have_six_decimals(void **state)
{
	struct buf buf = { 0 };
	json_t *root;

	json_object_begin(&buf);
	json_member_double(&buf, "x", 1.5);
	json_member_double(&buf, "y", -0.0000004);
	json_object_end(&buf);
	holds(&buf, "{\"x\":1.500000,\"y\":-0.000000}");
	buf_clear(&buf);
	json_object_begin(&buf);
	json_member_double(&buf, "max", 1e300);
	json_member_double(&buf, "min", -1e300);
	json_object_end(&buf);
	root = json_loadb(buf.data, buf.len, 0, NULL);
	assert_true(json_real_value(json_object_get(root, "max")) == 1e300);
	assert_true(json_real_value(json_object_get(root, "min")) == -1e300);
	json_decref(root);
	buf_fini(&buf);
}

static void without_memory_nothing_is_written(void **state)
{
	struct buf buf = { 0 };

	json_object_begin(&buf);
	buf.error = -ENOMEM;
	json_member_text(&buf, "a", "b");
	json_member_double(&buf, "a", 1);
	json_array_begin(&buf);
	json_element_text(&buf, "b");
	json_object_end(&buf);
	assert_int_equal(buf.error, -ENOMEM);
	assert_int_equal(buf.len, 1);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_read_back_or_replaced),
		cmocka_unit_test(what_is_utf8_stays_as_it_is),
		cmocka_unit_test(each_byte_that_is_not_utf8_is_replaced_alone),
		cmocka_unit_test(a_sequence_that_goes_on_past_the_end_is_cut),
		cmocka_unit_test(escapes_are_the_short_ones),
		cmocka_unit_test(the_longest_string_has_six_bytes_for_one),
		cmocka_unit_test(commas_stand_between_and_nowhere_else),
		cmocka_unit_test(integers_of_64_bits_are_exact),
		cmocka_unit_test(what_is_no_finite_number_is_null),
		cmocka_unit_test(numbers_have_six_decimals),
		cmocka_unit_test(without_memory_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
