// SPDX-License-Identifier: Apache-2.0
/* What is seen, by which rungs of the ladder: one line of the header. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/why.h"
#include "ui/top_impl.h"

static size_t on_standing_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;

	return fetch_take(&top->standing_answer, bytes, n);
}

/* What a person calls a feature of the ladder. */
static const char *feature_title(const char *name)
{
	static const char *const titles[][2] = {
		{ "begin", "begins" }, { "live", "counters" }, { "end", "ends" },
		{ "tcp_life", "connects" }, { "tcp_live", "TCP health" }, { "owner", "processes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (!strcmp(titles[i][0], name))
			return titles[i][1];
	}
	return name;
}

#define FEATURES_MAX 16

struct standing {
	char feature[24], rung[24];
	bool ok, told;
};

static size_t read_standings(struct standing standing[FEATURES_MAX], const char *at,
			     const char *end)
{
	size_t count = 0;

	while (at < end && count < FEATURES_MAX) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		json_t *row = json_loadb(at, (size_t)(stop - at), 0, NULL);
		const char *feature = json_string_value(json_object_get(row, "feature"));
		const char *rung = json_string_value(json_object_get(row, "rung"));
		struct standing *one = &standing[count];

		if (feature && rung) {
			snprintf(one->feature, sizeof(one->feature), "%s", feature_title(feature));
			snprintf(one->rung, sizeof(one->rung), "%s", rung);
			one->ok = json_is_true(json_object_get(row, "ok"));
			one->told = false;
			count++;
		}
		json_decref(row);
		at = stop + 1;
	}
	return count;
}

static void add_word(struct top *top, const char *before, const char *word)
{
	const size_t n = strlen(top->standing);

	snprintf(top->standing + n, sizeof(top->standing) - n, "%s%s", n ? before : "", word);
}

/* What is not seen first; then "ends, counters by bpf_walk; processes by proc". */
static void tell_standings(struct top *top, struct standing *standing, size_t count)
{
	top->standing[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (standing[i].ok)
			continue;
		add_word(top, ", ", standing[i].feature);
		standing[i].told = true;
	}
	if (top->standing[0])
		add_word(top, "", " not seen");
	for (size_t i = 0; i < count; i++) {
		const char *before = "; ";

		if (standing[i].told)
			continue;
		for (size_t k = i; k < count; k++) {
			if (standing[k].told || strcmp(standing[k].rung, standing[i].rung))
				continue;
			add_word(top, before, standing[k].feature);
			standing[k].told = true;
			before = ", ";
		}
		add_word(top, "", " by ");
		add_word(top, "", standing[i].rung);
	}
}

static void on_standing_done(void *context, int r, const struct why *why)
{
	struct standing standing[FEATURES_MAX];
	struct top *top = context;
	const char *text = top->standing_answer.data;

	top->asking = NULL;
	if (r < 0 || !text)
		return;
	tell_standings(top, standing,
		       read_standings(standing, text, text + top->standing_answer.len));
	top->is_dirty = true;
}

void standing_ask(struct top *top)
{
	const struct client_outlet outlet = { on_standing_body, top };
	struct why why;

	request_cancel(top->asking);
	top->asking = NULL;
	buf_clear(&top->standing_answer);
	request_start(&top->asking, top->requests, "/api/v1/doctor", NULL, &outlet,
		      on_standing_done, top, &why);
}
