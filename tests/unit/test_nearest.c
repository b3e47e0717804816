// SPDX-License-Identifier: Apache-2.0
/* Which word a person meant, and when none. */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORD_MAX 40

/* The nearest of one candidate: its distance, or -1 when it is not near. */
static int apart(const char *word, size_t n, const char *candidate)
{
	struct nearest nearest = { .word = word, .n = n };

	nearest_offer(&nearest, candidate);
	if (!nearest.best)
		return -1;
	assert_ptr_equal(nearest.best, candidate);
	return (int)nearest.distance;
}

static void is_apart(const char *word, const char *candidate, int wanted)
{
	const int is = apart(word, strlen(word), candidate);

	if (is != wanted)
		fail_msg("%s and %s: %d, not %d", word, candidate, is, wanted);
}

static void each_slip_of_the_fingers_counts_once(void **state)
{
	is_apart("output", "output", 0);
	is_apart("OUTPUT", "output", 0);
	is_apart("outpt", "output", 1);   /* left out */
	is_apart("ouutput", "output", 1); /* too many */
	is_apart("outpur", "output", 1);  /* wrong */
	is_apart("uotput", "output", 1);  /* swapped */
	is_apart("outptu", "output", 1);
	is_apart("OUTPTU", "output", 1);
	is_apart("uotptu", "output", 2);
	is_apart("xutpux", "output", 2);
	is_apart("bzutput", "ybutput", 2); /* half a swap is none */
	is_apart("zbutput", "bqutput", 2);
}

static void near_is_a_third_of_the_word(void **state)
{
	is_apart("trace", "xxace", 2);
	is_apart("trace", "xxxce", -1);
	is_apart("listen", "xxsten", 2);
	is_apart("listen", "xxxten", -1);
	is_apart("timeouts", "xxmeouts", 2);
	is_apart("timeouts", "xxxeouts", -1);
	is_apart("direction", "xxxection", 3);
	is_apart("direction", "xxxxction", -1);
}

static void a_short_word_shares_a_letter_at_least(void **state)
{
	is_apart("x", "y", -1);
	is_apart("x", "x", 0);
	is_apart("ab", "ba", 1);
	is_apart("ab", "xb", 1);
	is_apart("ab", "xy", -1);
	is_apart("abc", "xyc", 2);
	is_apart("abc", "xyz", -1);
	is_apart("abcd", "xycd", 2);
}

static void a_word_cut_short_is_near(void **state)
{
	is_apart("ret", "retransmits", 1);
	is_apart("r", "retransmits", 1);
	is_apart("RET", "retransmits", 1);
	is_apart("retransmits_and", "retransmits", 4);
	is_apart("retransmits_and_more", "retransmits", -1);
	is_apart("transmits", "retransmits", 2);
}

static const char *best_of(const char *word, const char *const *candidates)
{
	struct nearest nearest = { .word = word, .n = strlen(word) };

	for (size_t i = 0; candidates[i]; i++)
		nearest_offer(&nearest, candidates[i]);
	return nearest.best;
}

static void the_nearest_wins_and_of_equals_the_first(void **state)
{
	static const char *const words[] = { "post", "port", "sort", "portrange", NULL };
	static const char *const reversed[] = { "portrange", "sort", "port", "post", NULL };

	assert_string_equal(best_of("prot", words), "port");
	assert_string_equal(best_of("prot", reversed), "port");
	assert_string_equal(best_of("pot", words), "post");
	assert_string_equal(best_of("pot", reversed), "port");
	assert_string_equal(best_of("port", reversed), "port");
	assert_null(best_of("zone", words));
}

static void only_the_bytes_of_the_word_count(void **state)
{
	assert_int_equal(apart("output=json", 6, "output"), 0);
	assert_int_equal(apart("outputs", 7, "output"), 1);
	assert_int_equal(apart("", 0, "output"), -1);
	assert_int_equal(apart("output", 6, ""), -1);
}

static void longer_words_than_there_is_room_for_have_no_nearest(void **state)
{
	char word[WORD_MAX + 2], other[WORD_MAX + 2];

	memset(word, 'a', sizeof(word));
	memset(other, 'a', sizeof(other));
	word[WORD_MAX] = other[WORD_MAX] = '\0';
	other[0] = 'b';
	is_apart(word, other, 1);
	word[WORD_MAX] = 'a';
	word[WORD_MAX + 1] = '\0';
	is_apart(word, other, -1);
	is_apart(other, word, -1);
	is_apart("aaaa", word, -1);
}

static void bytes_above_ascii_are_letters_like_others(void **state)
{
	is_apart("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 0);
	is_apart("s\xc3\xa4tate", "state", 2);
	is_apart("\xff\xfe\xfd", "\xff\xfe\xfc", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slip_of_the_fingers_counts_once),
		cmocka_unit_test(near_is_a_third_of_the_word),
		cmocka_unit_test(a_short_word_shares_a_letter_at_least),
		cmocka_unit_test(a_word_cut_short_is_near),
		cmocka_unit_test(the_nearest_wins_and_of_equals_the_first),
		cmocka_unit_test(only_the_bytes_of_the_word_count),
		cmocka_unit_test(longer_words_than_there_is_room_for_have_no_nearest),
		cmocka_unit_test(bytes_above_ascii_are_letters_like_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
