// SPDX-License-Identifier: Apache-2.0
/* Recordings that no collector wrote: they are refused by their line, and none is read for
 * ever. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/why.h"
#include "flow/replay.h"
#include "lab.h"

#define CLOCK "clock wall_minus_boot=1000 started=2000\n"
#define FLOW "orig=10.0.0.1,1,10.0.0.2,2,17,0,0 netns=1 has=1 bytes0=9 packets0=1"
#define LINE_BYTES_MAX 65536

static struct replay replay;
static struct why why;
static size_t ends;

static void on_record(void *context, const struct record *record)
{
	ends += record->event == EVENT_END;
}

/* What came of it; the table is there until `forget`. */
static int read_text(const char *text)
{
	struct table_conf conf = lab_conf();
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int r;

	assert_non_null(file);
	conf.out.emit = on_record;
	ends = 0;
	replay = (struct replay){ 0 };
	why.text[0] = '\0';
	r = replay_file(&replay, &conf, file, &why);
	fclose(file);
	return r;
}

static void forget(void)
{
	table_free(replay.table);
	replay.table = NULL;
}

static void a_time_that_no_clock_shows_is_refused_by_its_line(void **state)
{
	static const char *const lines[] = {
		"open conntrack at=18446744073709551615 " FLOW,
		"open conntrack at=9223372036854775808 " FLOW,
		"open conntrack at=18446744073709551616 " FLOW,
		"open conntrack at=-1 " FLOW,
		"open conntrack at=5 start=9223372036854775808 " FLOW,
		"close conntrack at=5 stop=9223372036854775808 " FLOW,
		"sweep conntrack at=5 netns=1 began=9223372036854775808",
		"sweep socket at=5 netns=1 owners=9223372036854775808",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char text[300];

		snprintf(text, sizeof(text), CLOCK "# a comment\n%s\n", lines[i]);
		assert_int_equal(read_text(text), -EINVAL);
		assert_ptr_equal(strstr(why.text, "line 3: column "), why.text);
		assert_non_null(strstr(why.text, ": no time from 0 to 2^63-1 ns: \""));
		forget();
	}
	assert_int_equal(read_text("clock wall_minus_boot=0 started=9223372036854775808\n"),
			 -EINVAL);
	assert_ptr_equal(strstr(why.text, "line 1: "), why.text);
	forget();
}

/* All that was ever due is then over, and what is never due is not waited for. */
static void the_last_time_there_is_is_reached(void **state)
{
	assert_int_equal(read_text(CLOCK "open conntrack at=1000 " FLOW "\n"
				   "close conntrack at=9223372036854775807 " FLOW "\n"), 0);
	assert_true(replay.now_boot_ns == INT64_MAX);
	replay_advance(&replay, (uint64_t)INT64_MAX + 300 * S);
	assert_int_equal(ends, 1);
	replay_advance(&replay, UINT64_MAX);
	assert_true(replay.now_boot_ns == UINT64_MAX);
	forget();
}

/* with_comment N: a recording whose second line has that many bytes, newline included */
static char *with_comment(size_t n)
{
	char *text;
	FILE *file;
	size_t size;

	file = open_memstream(&text, &size);
	assert_non_null(file);
	fputs(CLOCK, file);
	for (size_t i = 1; i < n; i++)
		fputc('#', file);
	fputs("\nopen conntrack at=1000 " FLOW "\n", file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void a_line_that_does_not_end_is_refused_and_not_kept(void **state)
{
	struct table_stats stats;
	char *text = with_comment(LINE_BYTES_MAX);

	assert_int_equal(read_text(text), 0);
	table_stats(replay.table, &stats);
	assert_int_equal(stats.live, 1);
	forget();
	free(text);
	text = with_comment(LINE_BYTES_MAX + 1);
	assert_int_equal(read_text(text), -EINVAL);
	assert_string_equal(why.text,
			    "line 2: it has more than 65536 bytes: this is no recording");
	forget();
	free(text);
}

static void what_cannot_be_read_is_said_so(void **state)
{
	const struct table_conf conf = lab_conf();
	FILE *folder = fopen("/", "r");

	assert_non_null(folder);
	replay = (struct replay){ 0 };
	assert_int_equal(replay_file(&replay, &conf, folder, &why), -EISDIR);
	assert_string_equal(why.text, "line 1: Is a directory");
	fclose(folder);
	assert_int_equal(read_text("# nothing\n"), -EINVAL);
	assert_string_equal(why.text, "no clock, no observation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_that_no_clock_shows_is_refused_by_its_line),
		cmocka_unit_test(the_last_time_there_is_is_reached),
		cmocka_unit_test(a_line_that_does_not_end_is_refused_and_not_kept),
		cmocka_unit_test(what_cannot_be_read_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
