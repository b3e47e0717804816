// SPDX-License-Identifier: Apache-2.0
/*
 * The setting `report`: the one list among the settings. Refuses what it does
 * not know, because a misspelt member of a pacing curve would otherwise show
 * as records that come too often or not at all. Points are counted from 1 in
 * what it says.
 */
#include "config/report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "config/settings.h"

static int decode_duration(uint64_t *ret, uint64_t max_ns, const json_t *value, size_t at,
			   const char *name, struct why *why)
{
	const char *text;
	char most[24];
	int r;

	/* a number has no unit; only nought needs none */
	if (json_is_integer(value) && json_integer_value(value) == 0) {
		*ret = 0;
		return 0;
	}
	text = json_string_value(value);
	if (!text)
		return why_set(why, -EINVAL,
			       "point %zu: \"%s\" is wanted, a duration in quotes such as \"20s\"",
			       at, name);
	r = num_parse_duration_ns(ret, text, strlen(text));
	if (r == -EINVAL)
		return why_set(why, r, "point %zu: %s: \"%.60s\" is not a duration", at, name,
			       text);
	if (r < 0 || *ret > max_ns)
		return why_set(why, -ERANGE, "point %zu: %s: %.60s is above %s", at, name, text,
			       num_print_duration(most, sizeof(most), max_ns));
	return 0;
}

static int check_members(json_t *object, size_t at, struct why *why)
{
	struct nearest nearest;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		if (!strcmp(key, "age") || !strcmp(key, "every"))
			continue;
		nearest = (struct nearest){ .word = key, .n = strlen(key) };
		nearest_offer(&nearest, "age");
		nearest_offer(&nearest, "every");
		if (nearest.best)
			return why_set(why, -EINVAL,
				       "point %zu: unknown \"%.60s\"; did you mean %s?", at, key,
				       nearest.best);
		return why_set(why, -EINVAL,
			       "point %zu: unknown \"%.60s\"; there are age and every", at, key);
	}
	return 0;
}

static int decode_point(struct settings_report_point *ret, uint64_t max_ns, json_t *object,
			size_t at, struct why *why)
{
	int r;

	if (!json_is_object(object))
		return why_set(why, -EINVAL,
			       "point %zu is not {\"age\": DURATION, \"every\": DURATION}", at);
	r = check_members(object, at, why);
	if (r == 0)
		r = decode_duration(&ret->age_ns, max_ns, json_object_get(object, "age"), at,
				    "age", why);
	if (r == 0)
		r = decode_duration(&ret->every_ns, max_ns, json_object_get(object, "every"), at,
				    "every", why);
	return r;
}

static int decode_points(struct settings_report_point *ret, uint64_t max_ns, const json_t *list,
			 struct why *why)
{
	const size_t n = json_array_size(list);
	int r;

	if (!json_is_array(list) || n < 1)
		return why_set(why, -EINVAL,
			       "wanted is a list [{\"age\": \"0s\", \"every\": \"20s\"}, ...]");
	if (n > SETTINGS_REPORT_MAX)
		return why_set(why, -ERANGE, "%zu points, there may be %d", n, SETTINGS_REPORT_MAX);
	for (size_t i = 0; i < n; i++) {
		r = decode_point(&ret[i], max_ns, json_array_get(list, i), i + 1, why);
		if (r < 0)
			return r;
		if (i > 0 && ret[i].age_ns <= ret[i - 1].age_ns)
			return why_set(why, -EINVAL,
				       "point %zu: its age is not above that of the point before",
				       i + 1);
	}
	return (int)n;
}

int report_decode(struct settings *settings, uint64_t max_ns, const char *text, struct why *why)
{
	struct settings_report_point point[SETTINGS_REPORT_MAX];
	json_error_t error;
	json_t *list;
	int n;

	list = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!list)
		return why_set(why, -EINVAL, "not a JSON list, column %d: %.100s", error.column,
			       error.text);
	n = decode_points(point, max_ns, list, why);
	json_decref(list);
	if (n < 0)
		return n;
	memcpy(settings->report, point, (size_t)n * sizeof(point[0]));
	settings->report_count = (size_t)n;
	return 0;
}

void report_print(const struct settings *settings, struct buf *buf)
{
	char age[24], every[24];

	buf_putc(buf, '[');
	for (size_t i = 0; i < settings->report_count; i++)
		buf_printf(buf, "%s{\"age\": \"%s\", \"every\": \"%s\"}", i ? ", " : "",
			   num_exact_duration(age, sizeof(age), settings->report[i].age_ns),
			   num_exact_duration(every, sizeof(every), settings->report[i].every_ns));
	buf_putc(buf, ']');
}
