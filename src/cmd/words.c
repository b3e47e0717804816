// SPDX-License-Identifier: Apache-2.0
/* The words after the flags: a filter, and perhaps how often. */
#include "cmd/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "cmd/options.h"
#include "flow/filter.h"

char *words_join(char **words, int count)
{
	struct buf text = { 0 };

	for (int i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", words[i]);
	buf_putc(&text, '\0');
	if (!text.error)
		return text.data;
	buf_fini(&text);
	return NULL;
}

static bool is_filter(char **words, int count)
{
	struct filter *filter = NULL;
	char *text = words_join(words, count);
	const bool is = text && filter_new(&filter, text, NULL, NULL) == 0;

	filter_free(filter);
	free(text);
	return is;
}

bool words_read_interval(uint64_t *ret, const char *word)
{
	const bool bare = !word[strspn(word, "0123456789.")];
	char text[32];
	const int n = snprintf(text, sizeof(text), "%s%s", word, bare ? "s" : "");

	return (size_t)n < sizeof(text) && num_parse_duration_ns(ret, text, (size_t)n) == 0 &&
	       *ret && *ret <= INT64_MAX; /* the clock is added to it */
}

int words_take_interval(struct options *options, char **words, int count)
{
	uint64_t times = 0;

	if (is_filter(words, count))
		return count;
	for (int taken = 1; taken <= 2 && taken <= count; taken++) {
		const char *last = words[count - 1];

		if (taken == 2 && num_parse_u64(&times, last, strlen(last)) < 0)
			break;
		if (!words_read_interval(&options->interval_ns, words[count - taken]) ||
		    !is_filter(words, count - taken))
			continue;
		options->repeat = true;
		options->count = times;
		return count - taken;
	}
	return count;
}
