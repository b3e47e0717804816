// SPDX-License-Identifier: Apache-2.0
/* Wishes for rungs, and what the table of rungs must be like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "source/ladder.h"

static void reads_a_list_of_rungs(void **state)
{
	struct why why = { "" };
	rung_set set = 99;

	assert_int_equal(ladder_parse(&set, "", &why), 0);
	assert_int_equal(set, 0);
	assert_int_equal(ladder_parse(&set, "ctnetlink", &why), 0);
	assert_int_equal(set, 1U << RUNG_CTNETLINK);
	assert_int_equal(ladder_parse(&set, "bpf_walk,ctnetlink", &why), 0);
	assert_int_equal(set, 1U << RUNG_CTNETLINK | 1U << RUNG_BPF_WALK);
	(void)state;
}

static void names_the_rung_that_was_meant(void **state)
{
	struct why why = { "" };
	rung_set set = 99;

	assert_int_equal(ladder_parse(&set, "ctnetlink,bpf_wlak", &why), -EINVAL);
	assert_non_null(strstr(why.text, "\"bpf_wlak\", did you mean bpf_walk?"));
	assert_int_equal(set, 99);
	assert_int_equal(ladder_parse(&set, "xyzzyxyzzy", &why), -EINVAL);
	assert_non_null(strstr(why.text, "weir doctor names them"));
	(void)state;
}

static void every_feature_has_a_last_rung_that_always_holds(void **state)
{
	for (int feature = 0; feature < FEATURES; feature++) {
		const struct ladder_row *row, *last = NULL;

		for (row = ladder_table; row->feature != FEATURES; row++)
			if ((int)row->feature == feature)
				last = row;
		assert_non_null(last);
		assert_null(last->probe);
		assert_non_null(feature_names[feature]);
	}
	for (int rung = 0; rung < RUNGS; rung++)
		assert_non_null(rung_names[rung]);
	(void)state;
}

static void says_which_wish_is_not_met(void **state)
{
	struct ladder_standing standing[FEATURES];
	const struct ladder_row *row;
	struct why why = { "" };

	memset(standing, 0, sizeof(standing));
	for (row = ladder_table; row->feature != FEATURES; row++)
		standing[row->feature].row = row; /* the last of each */
	assert_int_equal(ladder_check(standing, 0, &why), 0);
	assert_int_equal(ladder_check(standing, 1U << RUNG_BPF_WALK, &why), -ENOTSUP);
	assert_non_null(strstr(why.text, "live is not possible as wished"));
	(void)state;
}

static void falls_off_to_none_with_the_reason(void **state)
{
	const struct ladder_row *row;
	struct ladder_standing standing;
	struct why why;

	why_set(&why, 0, "it has gone");
	for (row = ladder_table; row->feature != FEATURE_END || row->rung != RUNG_BPF_KPROBE; row++)
		;
	standing = (struct ladder_standing){ .row = row, .why = { "bpf_fentry: refused" } };
	ladder_fall_off(&standing, &why);
	assert_int_equal(standing.row->feature, FEATURE_END);
	assert_int_equal(standing.row->rung, RUNG_NONE);
	assert_string_equal(standing.why.text, "it has gone");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_list_of_rungs),
		cmocka_unit_test(names_the_rung_that_was_meant),
		cmocka_unit_test(every_feature_has_a_last_rung_that_always_holds),
		cmocka_unit_test(says_which_wish_is_not_met),
		cmocka_unit_test(falls_off_to_none_with_the_reason),
	};

	return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
