// SPDX-License-Identifier: Apache-2.0
/* [INTERVAL [COUNT]] after a filter that may itself end in numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/num.h"
#include "cmd/options.h"
#include "cmd/words.h"

struct row {
	const char *word[6];
	int count, left;
	uint64_t interval_ns, times;
};

static const struct row rows[] = {
	{ { "port", "53" }, 2, 2, 0, 0 },
	{ { "port", "53", "2" }, 3, 2, 2 * NUM_NS_PER_S, 0 },
	{ { "port", "53", "2", "5" }, 4, 2, 2 * NUM_NS_PER_S, 5 },
	{ { "zone", "3", "1" }, 3, 2, NUM_NS_PER_S, 0 },
	{ { "tcp", "500ms" }, 2, 1, 500 * NUM_NS_PER_MS, 0 },
	{ { "tcp", "1m" }, 2, 1, 60 * NUM_NS_PER_S, 0 },
	{ { "tcp", "5n" }, 2, 2, 0, 0 },
	{ { "tcp", "1m30s" }, 2, 2, 0, 0 },
	{ { "tcp", ".", "1" }, 3, 3, 0, 0 },
	{ { "0.5", "3" }, 2, 0, NUM_NS_PER_S / 2, 3 },
	{ { "1" }, 1, 0, NUM_NS_PER_S, 0 },
	{ { "tcp", "0" }, 2, 2, 0, 0 },
	{ { "prot", "53", "2" }, 3, 3, 0, 0 },
	{ { "00000000000000000000000000000002" }, 1, 1, 0, 0 },
	{ { "" }, 1, 1, 0, 0 },
	{ { "" }, 0, 0, 0, 0 },
};

static void takes_only_what_is_no_filter(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct options options = { 0 };
		char *words[6];

		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			words[k] = (char *)(uintptr_t)rows[i].word[k];
		assert_int_equal(words_take_interval(&options, words, rows[i].count),
				 rows[i].left);
		assert_int_equal(options.repeat, rows[i].left < rows[i].count);
		if (!options.repeat)
			continue;
		assert_int_equal(options.interval_ns, rows[i].interval_ns);
		assert_int_equal(options.count, rows[i].times);
	}
}

static void joins(const char *first, const char *second, int count, const char *wanted)
{
	char *words[] = { (char *)(uintptr_t)first, (char *)(uintptr_t)second };
	char *text = words_join(words, count);

	assert_string_equal(text, wanted);
	free(text);
}

static void joins_words_by_one_blank(void **state)
{
	joins("tcp", "port 53", 2, "tcp port 53");
	joins("tcp", "", 2, "tcp ");
	joins("", "tcp", 1, "");
	joins("tcp", "udp", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_only_what_is_no_filter),
		cmocka_unit_test(joins_words_by_one_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
