// SPDX-License-Identifier: Apache-2.0
/* UTF-8: every character that there is, and nothing else. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"

/* RFC 3629 section 3, without its prohibitions. */
static size_t encode(char ret[4], unsigned character)
{
	if (character < 0x80) {
		ret[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		ret[0] = (char)(0xc0 | character >> 6);
		ret[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		ret[0] = (char)(0xe0 | character >> 12);
		ret[1] = (char)(0x80 | (character >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | character >> 18);
	ret[1] = (char)(0x80 | (character >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (character >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

static void every_character_is_whole_or_nothing(void **state)
{
	for (unsigned character = 0; character < 0x110000; character++) {
		const bool surrogate = character >= 0xd800 && character < 0xe000;
		char text[4];
		const size_t n = encode(text, character);

		assert_int_equal(utf8_length(text, n), surrogate ? 0 : n);
		for (size_t cut = 1; cut < n; cut++)
			assert_int_equal(utf8_length(text, cut), 0);
	}
}

/* All there are: with the characters above found, nothing else can be one. */
static void no_other_sequence_is_a_character(void **state)
{
	unsigned two = 0, three = 0, four = 0;
	char text[4];

	for (unsigned i = 0; i < 0x1000000; i++) {
		text[0] = (char)(i >> 16);
		text[1] = (char)(i >> 8);
		text[2] = (char)i;
		if ((unsigned char)text[0] < 0x80)
			continue;
		two += !text[2] && utf8_length(text, 2) == 2;
		three += utf8_length(text, 3) == 3;
		if ((unsigned char)text[0] < 0xf0)
			continue;
		for (unsigned last = 0; last < 4; last++) {
			text[3] = "\x7f\x80\xbf\xc0"[last];
			four += utf8_length(text, 4) == 4;
		}
	}
	assert_int_equal(two, 0x800 - 0x80);
	assert_int_equal(three, 0x10000 - 0x800 - 0x800);
	assert_int_equal(four, 0x100000 / 64 * 2);
}

static void what_begins_no_character_has_no_length(void **state)
{
	for (unsigned first = 0x80; first < 0x100; first++) {
		const char text[] = { (char)first, '\x90', '\x90', '\x90', '\x90' };
		const size_t n = utf8_length(text, sizeof(text));

		if (first < 0xc2 || first > 0xf4)
			assert_int_equal(n, 0);
		assert_int_equal(utf8_length(text, 1), 0);
	}
}

static void printable_is(const char *text, size_t n, const char *wanted)
{
	char copy[64];

	assert_true(n < sizeof(copy));
	memset(copy, '\x01', sizeof(copy));
	memcpy(copy, text, n);
	utf8_make_printable(copy, n);
	assert_memory_equal(copy, wanted, n);
	assert_int_equal(copy[n], '\x01');
}

static void controls_and_broken_bytes_become_question_marks(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "a\tb\nc\rd", "a?b?c?d" },
		{ "\x1b[31m", "?[31m" },
		{ "\x1f \x7f", "? ?" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "??????\xc2\xa0" },
		{ "\xc3\x80\xc3\x9f", "\xc3\x80\xc3\x9f" },
		{ "\x9b" "31m", "?31m" },
		{ "\xe2\x82\xac\xe2\x82", "\xe2\x82\xac??" },
		{ "\xf0\x9f\x98\x80\xf0\x9f\x98", "\xf0\x9f\x98\x80???" },
		{ "\xed\xa0\x80\xc0\x80\xff", "??????" },
		{ "\xe2\xc3\xbc", "?\xc3\xbc" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		printable_is(pairs[i][0], strlen(pairs[i][0]), pairs[i][1]);
	printable_is("a\0b", 3, "a?b");
	printable_is("\xe2\x82\xac", 2, "??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_whole_or_nothing),
		cmocka_unit_test(no_other_sequence_is_a_character),
		cmocka_unit_test(what_begins_no_character_has_no_length),
		cmocka_unit_test(controls_and_broken_bytes_become_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
