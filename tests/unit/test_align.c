// SPDX-License-Identifier: Apache-2.0
/* Cells into columns: sides, widths in characters, cuts, colour. */
#include "cmd/align.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"

#define COLUMNS_MAX 128

/* The text lies in memory of its own, so that a look past it is seen. */
static void aligned_n(const char *text, size_t n, const struct align_conf *conf,
		      const char *wanted)
{
	char *copy = n ? memcpy(malloc(n), text, n) : NULL;
	struct buf out = { 0 };

	align_columns(&out, copy, n, conf);
	free(copy);
	buf_putc(&out, '\0');
	assert_int_equal(out.error, 0);
	assert_string_equal(out.data, wanted);
	buf_fini(&out);
}

static void aligned(const char *text, const struct align_conf *conf, const char *wanted)
{
	aligned_n(text, strlen(text), conf, wanted);
}

static const struct align_conf with_header = { .header = true };
static const struct align_conf without_header = { .header = false };

static void numbers_stand_right_and_texts_left(void **state)
{
	aligned("NAME\tBYTES\tSTATE\n"
		"a\t7\testablished\n"
		"longer\t1.5M\tclose\n",
		&with_header,
		"NAME    BYTES  STATE\n"
		"a           7  established\n"
		"longer   1.5M  close\n");
}

static void a_column_with_one_text_is_a_text(void **state)
{
	aligned("A\tB\n1\t1\nx\t22\n333\t3\n", &with_header,
		"A     B\n"
		"1     1\n"
		"x    22\n"
		"333   3\n");
}

static void the_header_makes_wide_but_says_not_which_side(void **state)
{
	aligned("BYTES\tNAME\n1\tx\n", &with_header,
		"BYTES  NAME\n"
		"    1  x\n");
	aligned("BYTES\tNAME\n1\tx\n", &without_header,
		"BYTES  NAME\n"
		"1      x\n");
}

/* Where the cell stands tells what it is taken for. */
static void is_taken_for(const char *cell, bool number)
{
	char text[64], wanted[64];

	snprintf(text, sizeof(text), "%s\tx\n12345678901234567890\tx\n", cell);
	snprintf(wanted, sizeof(wanted), number ? "%20s  x\n%s  x\n" : "%-20s  x\n%s  x\n", cell,
		 "12345678901234567890");
	aligned(text, &without_header, wanted);
}

static void a_number_has_digits_and_at_most_one_point(void **state)
{
	static const char *const numbers[] = {
		"0", "42", "1.5", "12.3K", "1.2ms", "5m12s", "2d03h", "-", "7.",
	};
	static const char *const texts[] = {
		"", "x", "--", "-1", ".5", "192.0.2.1", "1.2.3", "2001:db8::1", "10.0.0.0/8",
		"10/8", "1.2:80", "curl/7", "/1", ":1",
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		is_taken_for(numbers[i], true);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		is_taken_for(texts[i], false);
}

static void widths_are_those_of_characters(void **state)
{
	aligned("gr\xc3\xbc\xc3\x9f\t1\n"
		"\xe2\x82\xac\t1\n"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\t1\n"
		"four\t1\n",
		&without_header,
		"gr\xc3\xbc\xc3\x9f  1\n"
		"\xe2\x82\xac     1\n"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80    1\n"
		"four  1\n");
}

static void a_byte_that_is_no_character_is_as_wide_as_one(void **state)
{
	aligned("\x80\x80\x80\t1\n\xff\t1\n\xe2\x82\t1\nabc\t1\n", &without_header,
		"\x80\x80\x80  1\n"
		"\xff    1\n"
		"\xe2\x82   1\n"
		"abc  1\n");
}

static void the_last_column_is_not_filled_up(void **state)
{
	aligned("a\tb\nlonger\tlonger\n", &without_header,
		"a       b\n"
		"longer  longer\n");
}

static void lines_may_have_fewer_cells_or_more(void **state)
{
	aligned("a\tb\tc\n1\nx\ty\n\n", &without_header,
		"a  b  c\n"
		"1\n"
		"x  y\n"
		"\n");
	aligned("a\t", &without_header, "a  \n");
	aligned("1\t\t3\n\t22\t\n", &without_header,
		"1      3\n"
		"   22  \n");
}

static void the_last_line_may_lack_its_end(void **state)
{
	aligned("a\tb", &without_header, "a  b\n");
	aligned("a\nb", &without_header, "a\nb\n");
	aligned_n("a\tb\nc\td\n", 5, &without_header, "a  b\nc\n");
}

static void nothing_becomes_nothing(void **state)
{
	const struct align_conf all = { .header = true, .color = true, .width = 1 };

	aligned("", &without_header, "");
	aligned("", &all, "");
	aligned("\n", &without_header, "\n");
}

static void a_line_is_cut_at_the_width(void **state)
{
	static const char text[] = "gr\xc3\xbc\xc3\x9f\t1\n\xe2\x82\xac\xe2\x82\xac\t22\n";
	struct align_conf conf = { .width = 1 };

	aligned(text, &conf, "g\n\xe2\x82\xac\n");
	conf.width = 3;
	aligned(text, &conf, "gr\xc3\xbc\n\xe2\x82\xac\xe2\x82\xac \n");
	conf.width = 7;
	aligned(text, &conf, "gr\xc3\xbc\xc3\x9f   \n\xe2\x82\xac\xe2\x82\xac    2\n");
	conf.width = 8;
	aligned(text, &conf, "gr\xc3\xbc\xc3\x9f   1\n\xe2\x82\xac\xe2\x82\xac    22\n");
	conf.width = SIZE_MAX;
	aligned(text, &conf, "gr\xc3\xbc\xc3\x9f   1\n\xe2\x82\xac\xe2\x82\xac    22\n");
	conf.width = 0;
	aligned(text, &conf, "gr\xc3\xbc\xc3\x9f   1\n\xe2\x82\xac\xe2\x82\xac    22\n");
	conf.width = 2;
	aligned("\xff\x80\x80\n", &conf, "\xff\x80\n");
}

static void only_a_header_is_bold_and_colour_takes_no_width(void **state)
{
	struct align_conf conf = { .header = true, .color = true };

	aligned("A\tB\nx\ty\n", &conf, "\x1b[1mA  B\x1b[0m\nx  y\n");
	conf.width = 2;
	aligned("A\tB\nx\ty\n", &conf, "\x1b[1mA \x1b[0m\nx \n");
	conf = (struct align_conf){ .color = true };
	aligned("A\tB\nx\ty\n", &conf, "A  B\nx  y\n");
	conf = (struct align_conf){ .header = true };
	aligned("A\tB\nx\ty\n", &conf, "A  B\nx  y\n");
}

static void many_columns_are_shown_up_to_the_bound(void **state)
{
	for (size_t cells = COLUMNS_MAX - 1; cells <= COLUMNS_MAX + 2; cells++) {
		const size_t shown = cells < COLUMNS_MAX ? cells : COLUMNS_MAX;
		struct buf text = { 0 }, wanted = { 0 };

		for (size_t i = 0; i < cells; i++)
			buf_puts(&text, i ? "\tx" : "x");
		for (size_t i = 0; i < shown; i++)
			buf_puts(&wanted, i ? "  x" : "x");
		buf_puts(&wanted, "\n");
		buf_putc(&wanted, '\0');
		aligned_n(text.data, text.len, &without_header, wanted.data);
		buf_fini(&text);
		buf_fini(&wanted);
	}
}

static void what_was_in_the_buffer_stays(void **state)
{
	struct buf out = { 0 };

	buf_puts(&out, "before\n");
	align_columns(&out, "a\tb\n", 4, &without_header);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.data, "before\na  b\n", 12);
	buf_fini(&out);
}

/* Texts give way, the widest first, before a number is cut. */
static void what_is_too_wide_is_taken_from_texts(void **state)
{
	static const char text[] = "SOURCE\tSENT\tPROCESS\n"
				   "2001:db8::1\t123456\ta-process-with-a-long-name\n";
	struct align_conf conf = { .header = true, .width = 40 };

	aligned(text, &conf, "SOURCE         SENT  PROCESS\n"
			     "2001:db8::1  123456  a-process-with-a-l~\n");
	conf.width = 20; /* too little for all: then lines are cut */
	aligned(text, &conf, "SOURCE         SENT \n"
			     "2001:db8::1  123456 \n");
}

static void states_have_their_colour(void **state)
{
	static const char text[] = "PROTO\tSTATE\tAGE\ntcp\testablished\t1s\ntcp\tsyn_sent\t2s\n"
				   "tcp\ttime_wait\t3s\nudp\t-\t4s\n";
	struct align_conf conf = { .header = true, .color = true };

	aligned(text, &conf,
		"\x1b[1mPROTO  STATE        AGE\x1b[0m\n"
		"tcp    \x1b[32mestablished\x1b[0m   1s\n"
		"tcp    \x1b[33msyn_sent\x1b[0m      2s\n"
		"tcp    \x1b[2mtime_wait\x1b[0m     3s\n"
		"udp    \x1b[2m-\x1b[0m             4s\n");
	conf.width = 12; /* a state that is cut has none */
	aligned(text, &conf,
		"\x1b[1mPROTO  STATE\x1b[0m\ntcp    estab\ntcp    syn_s\ntcp    time_\n"
		"udp    \x1b[2m-\x1b[0m    \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stand_right_and_texts_left),
		cmocka_unit_test(a_column_with_one_text_is_a_text),
		cmocka_unit_test(the_header_makes_wide_but_says_not_which_side),
		cmocka_unit_test(a_number_has_digits_and_at_most_one_point),
		cmocka_unit_test(widths_are_those_of_characters),
		cmocka_unit_test(a_byte_that_is_no_character_is_as_wide_as_one),
		cmocka_unit_test(the_last_column_is_not_filled_up),
		cmocka_unit_test(lines_may_have_fewer_cells_or_more),
		cmocka_unit_test(the_last_line_may_lack_its_end),
		cmocka_unit_test(nothing_becomes_nothing),
		cmocka_unit_test(a_line_is_cut_at_the_width),
		cmocka_unit_test(only_a_header_is_bold_and_colour_takes_no_width),
		cmocka_unit_test(many_columns_are_shown_up_to_the_bound),
		cmocka_unit_test(what_is_too_wide_is_taken_from_texts),
		cmocka_unit_test(states_have_their_colour),
		cmocka_unit_test(what_was_in_the_buffer_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
