// SPDX-License-Identifier: Apache-2.0
/* Settings: defaults, bounds, the words people misspell, the environment. */
#include "config/settings.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/num.h"
#include "base/why.h"

static void refuses(const char *key, const char *value, int error, const char *sentence)
{
	struct settings settings, before;
	struct why why = { "" };

	settings_init(&settings);
	before = settings;
	assert_int_equal(settings_set(&settings, key, value, "here", &why), error);
	assert_string_equal(why.text, sentence);
	assert_memory_equal(&settings, &before, sizeof(settings));
}

static void accepts(struct settings *settings, const char *key, const char *value)
{
	struct why why = { "" };

	assert_int_equal(settings_set(settings, key, value, "here", &why), 0);
	assert_string_equal(why.text, "");
}

static void defaults_are_those_of_the_contract(void **state)
{
	struct settings settings;

	memset(&settings, 0xff, sizeof(settings));
	settings_init(&settings);
	assert_true(settings.conntrack_manage_sysctl);
	assert_false(settings.conntrack_track);
	assert_true(settings.conntrack_netns_all);
	assert_int_equal(settings.conntrack_ring_bytes, 4 << 20);
	assert_int_equal(settings.refresh_ns, NUM_NS_PER_S);
	assert_int_equal(settings.report_count, 3);
	assert_int_equal(settings.report[0].age_ns, 0);
	assert_int_equal(settings.report[0].every_ns, 20 * NUM_NS_PER_S);
	assert_int_equal(settings.report[1].age_ns, 60 * NUM_NS_PER_S);
	assert_int_equal(settings.report[1].every_ns, 60 * NUM_NS_PER_S);
	assert_int_equal(settings.report[2].age_ns, 300 * NUM_NS_PER_S);
	assert_int_equal(settings.report[2].every_ns, 300 * NUM_NS_PER_S);
	assert_int_equal(settings.table_max_flows, 1000000);
	assert_string_equal(settings.listen_socket, "/run/weir/weir.sock");
	assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
}

static void every_key_is_set_from_text(void **state)
{
	struct settings settings;

	settings_init(&settings);
	accepts(&settings, "conntrack.manage_sysctl", "false");
	assert_false(settings.conntrack_manage_sysctl);
	accepts(&settings, "conntrack.track", "on");
	assert_true(settings.conntrack_track);
	accepts(&settings, "conntrack.netns", "host");
	assert_false(settings.conntrack_netns_all);
	accepts(&settings, "conntrack.ring", "64M");
	assert_int_equal(settings.conntrack_ring_bytes, 64 << 20);
	accepts(&settings, "refresh", "20ms");
	assert_int_equal(settings.refresh_ns, 20 * NUM_NS_PER_MS);
	accepts(&settings, "table.max_flows", "16777216");
	assert_int_equal(settings.table_max_flows, 16777216);
	accepts(&settings, "listen.socket", "x.sock");
	assert_string_equal(settings.listen_socket, "x.sock");
	accepts(&settings, "log.level", "debug");
	assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
}

static void a_scalar_may_be_a_json_string(void **state)
{
	struct settings settings;

	settings_init(&settings);
	accepts(&settings, "listen.socket", "\"/run\\u002fx\"");
	assert_string_equal(settings.listen_socket, "/run/x");
	accepts(&settings, "refresh", "\"2s\"");
	assert_int_equal(settings.refresh_ns, 2 * NUM_NS_PER_S);
	refuses("refresh", "\"2s", -EINVAL,
		"here: refresh: the quotes do not hold one JSON string");
	refuses("refresh", "\"2s\" 3", -EINVAL,
		"here: refresh: the quotes do not hold one JSON string");
}

static void values_out_of_bounds_are_refused_and_change_nothing(void **state)
{
	refuses("refresh", "19ms", -ERANGE, "here: refresh: 19ms is not between 20.0ms and 1d00h");
	refuses("refresh", "0", -ERANGE, "here: refresh: 0 is not between 20.0ms and 1d00h");
	refuses("refresh", "99999999999999d", -ERANGE,
		"here: refresh: 99999999999999d is not between 20.0ms and 1d00h");
	refuses("conntrack.ring", "4095", -ERANGE,
		"here: conntrack.ring: 4095 is not between 4.0K and 1.0G");
	refuses("conntrack.ring", "2G", -ERANGE,
		"here: conntrack.ring: 2G is not between 4.0K and 1.0G");
	refuses("conntrack.ring", "4 MB", -EINVAL,
		"here: conntrack.ring: \"4 MB\" is not a size such as 64k or 4M");
	refuses("table.max_flows", "0", -ERANGE,
		"here: table.max_flows: 0 is not between 1 and 16777216");
	refuses("table.max_flows", "16777217", -ERANGE,
		"here: table.max_flows: 16777217 is not between 1 and 16777216");
	refuses("table.max_flows", "18446744073709551616", -ERANGE,
		"here: table.max_flows: 18446744073709551616 is not between 1 and 16777216");
}

static void values_of_the_wrong_type_are_refused(void **state)
{
	refuses("refresh", "5", -EINVAL,
		"here: refresh: \"5\" is not a duration such as 500ms, 20s or 5m");
	refuses("refresh", "", -EINVAL,
		"here: refresh: \"\" is not a duration such as 500ms, 20s or 5m");
	refuses("table.max_flows", "-1", -EINVAL,
		"here: table.max_flows: \"-1\" is not a whole number");
	refuses("table.max_flows", "many", -EINVAL,
		"here: table.max_flows: \"many\" is not a whole number");
	refuses("conntrack.track", "2", -EINVAL,
		"here: conntrack.track: \"2\" is not possible; there are true, false, yes, no, "
		"on, off");
	refuses("conntrack.netns", "hots", -EINVAL,
		"here: conntrack.netns: \"hots\" is not possible; did you mean host?");
	refuses("log.level", "warning", -EINVAL,
		"here: log.level: \"warning\" is not possible; there are error, warn, info, debug");
}

static void a_path_fits_into_a_socket_address_or_is_refused(void **state)
{
	char path[SETTINGS_PATH_SIZE + 1];
	struct settings settings;

	memset(path, 'a', sizeof(path));
	path[SETTINGS_PATH_SIZE] = '\0';
	refuses("listen.socket", path, -ERANGE,
		"here: listen.socket: the path is longer than 107 bytes");
	refuses("listen.socket", "", -EINVAL, "here: listen.socket: a path is wanted");

	path[SETTINGS_PATH_SIZE - 1] = '\0';
	settings_init(&settings);
	accepts(&settings, "listen.socket", path);
	assert_string_equal(settings.listen_socket, path);
}

static void an_unknown_key_names_the_nearest(void **state)
{
	refuses("table.max_flow", "1", -ENOENT,
		"here: unknown setting \"table.max_flow\"; did you mean table.max_flows?");
	refuses("completely.different", "1", -ENOENT,
		"here: unknown setting \"completely.different\"");
	refuses("", "1", -ENOENT, "here: unknown setting \"\"");
}

static void a_report_curve_is_a_list_of_points(void **state)
{
	struct settings settings;

	settings_init(&settings);
	accepts(&settings, "report", "[{\"age\": \"10s\", \"every\": 0}]");
	assert_int_equal(settings.report_count, 1);
	assert_int_equal(settings.report[0].age_ns, 10 * NUM_NS_PER_S);
	assert_int_equal(settings.report[0].every_ns, 0);

	accepts(&settings, "report",
		"[{\"every\":\"1s\",\"age\":\"0s\"},{\"age\":\"1ns\",\"every\":\"365d\"}]");
	assert_int_equal(settings.report_count, 2);
	assert_int_equal(settings.report[1].age_ns, 1);
	assert_int_equal(settings.report[1].every_ns, 365 * 86400 * NUM_NS_PER_S);
}

static void a_report_curve_takes_as_many_points_as_there_is_room_for(void **state)
{
	char text[SETTINGS_REPORT_MAX * 64] = "[";
	struct settings settings;
	char point[64];

	for (int i = 0; i <= SETTINGS_REPORT_MAX; i++) {
		snprintf(point, sizeof(point), "%s{\"age\":\"%ds\",\"every\":\"1s\"}", i ? "," : "",
			 i);
		strcat(text, point);
		if (i != SETTINGS_REPORT_MAX - 1)
			continue;
		settings_init(&settings);
		strcat(text, "]");
		accepts(&settings, "report", text);
		assert_int_equal(settings.report_count, SETTINGS_REPORT_MAX);
		text[strlen(text) - 1] = '\0';
	}
	strcat(text, "]");
	refuses("report", text, -ERANGE, "here: report: 17 points, there may be 16");
}

static void a_bad_report_curve_says_which_point(void **state)
{
	refuses("report", "[]", -EINVAL,
		"here: report: wanted is a list [{\"age\": \"0s\", \"every\": \"20s\"}, ...]");
	refuses("report", "{}", -EINVAL,
		"here: report: wanted is a list [{\"age\": \"0s\", \"every\": \"20s\"}, ...]");
	refuses("report", "[1]", -EINVAL,
		"here: report: point 1 is not {\"age\": DURATION, \"every\": DURATION}");
	refuses("report", "[{\"age\":\"1s\",\"every\":\"1s\"},{\"age\":\"1s\",\"every\":\"1s\"}]",
		-EINVAL, "here: report: point 2: its age is not above that of the point before");
	refuses("report", "[{\"age\":\"1s\"}]", -EINVAL,
		"here: report: point 1: \"every\" is wanted, a duration in quotes such as \"20s\"");
	refuses("report", "[{\"age\":1,\"every\":\"1s\"}]", -EINVAL,
		"here: report: point 1: \"age\" is wanted, a duration in quotes such as \"20s\"");
	refuses("report", "[{\"age\":\"soon\",\"every\":\"1s\"}]", -EINVAL,
		"here: report: point 1: age: \"soon\" is not a duration");
	refuses("report", "[{\"age\":\"366d\",\"every\":\"1s\"}]", -ERANGE,
		"here: report: point 1: age: 366d is above 365d00h");
	refuses("report", "[{\"age\":\"1s\",\"evry\":\"1s\"}]", -EINVAL,
		"here: report: point 1: unknown \"evry\"; did you mean every?");
}

static void a_report_curve_that_is_not_json_is_refused(void **state)
{
	struct settings settings;
	struct why why = { "" };

	settings_init(&settings);
	assert_int_equal(settings_set(&settings, "report", "[", "here", &why), -EINVAL);
	assert_ptr_equal(strstr(why.text, "here: report: not a JSON list, column 1: "), why.text);
	assert_int_equal(settings_set(&settings, "report",
				      "[{\"age\":\"0s\",\"age\":\"1s\",\"every\":\"1s\"}]", "here",
				      &why),
			 -EINVAL);
	assert_non_null(strstr(why.text, "duplicate"));
	assert_int_equal(settings_set(&settings, "report", "", "here", &why), -EINVAL);
	assert_int_equal(settings.report_count, 3);
}

/* The variables, one per line, as the environment of settings_apply_environment. */
static int apply(struct settings *settings, const char *variables, struct why *why)
{
	char *environment[16], *text, *rest;
	size_t n = 0;
	int r;

	text = rest = strdup(variables);
	assert_non_null(text);
	while (n + 1 < ARRAY_LEN(environment)) {
		environment[n] = strsep(&rest, "\n");
		if (!environment[n++])
			break;
	}
	assert_null(rest);
	settings_init(settings);
	r = settings_apply_environment(settings, environment, why);
	free(text);
	return r;
}

static void the_environment_sets_what_it_names(void **state)
{
	struct settings settings;
	struct why why = { "" };

	assert_int_equal(apply(&settings,
			       "HOME=/\nWEIR_REFRESH=2s\nWEIR_TABLE__MAX_FLOWS=7\n"
			       "WEIR_CONFIG=/nowhere\nWEIR_TEST_ANYTHING=1\nWEIRD=1\n"
			       "WEIR_WITHOUT_A_VALUE",
			       &why),
			 0);
	assert_string_equal(why.text, "");
	assert_int_equal(settings.refresh_ns, 2 * NUM_NS_PER_S);
	assert_int_equal(settings.table_max_flows, 7);
}

static void refuses_variable(const char *variable, int error, const char *sentence)
{
	struct settings settings;
	struct why why = { "" };

	assert_int_equal(apply(&settings, variable, &why), error);
	assert_string_equal(why.text, sentence);
}

static void a_variable_that_names_nothing_is_an_error(void **state)
{
	refuses_variable("WEIR_TABLE__MAXFLOWS=1", -ENOENT,
			 "WEIR_TABLE__MAXFLOWS: there is no such setting; "
			 "did you mean WEIR_TABLE__MAX_FLOWS?");
	refuses_variable("WEIR_TABLE_MAX_FLOWS=1", -ENOENT,
			 "WEIR_TABLE_MAX_FLOWS: there is no such setting; "
			 "did you mean WEIR_TABLE__MAX_FLOWS?");
	refuses_variable("WEIR_refresh=1s", -ENOENT, "WEIR_refresh: there is no such setting");
	refuses_variable("WEIR_=1", -ENOENT, "WEIR_: there is no such setting");
	refuses_variable("WEIR_CONFIGURATION=1", -ENOENT,
			 "WEIR_CONFIGURATION: there is no such setting");
	refuses_variable("WEIR_REFRESH=fast", -EINVAL,
			 "WEIR_REFRESH: refresh: \"fast\" is not a duration such as 500ms, 20s "
			 "or 5m");
}

static void a_variable_with_an_endless_name_is_an_error(void **state)
{
	char variable[4096];

	memset(variable, 'A', sizeof(variable));
	memcpy(variable, "WEIR_", 5);
	memcpy(variable + sizeof(variable) - 3, "=1", 3);
	refuses_variable(variable, -ENOENT,
			 "WEIR_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA...: unknown setting, "
			 "the name is too long");
}

static void the_number_of_further_errors_is_told(void **state)
{
	struct settings settings;
	struct why why = { "" };

	assert_int_equal(apply(&settings,
			       "WEIR_REFRESH=x\nWEIR_X=1\nWEIR_LOG__LEVEL=debug\nWEIR_Y=1",
			       &why),
			 -EINVAL);
	assert_string_equal(why.text, "WEIR_REFRESH: refresh: \"x\" is not a duration such as "
				      "500ms, 20s or 5m (and 2 more)");
	assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
}

static unsigned allocations_left;

static void *limited_malloc(size_t size)
{
	return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

static void a_failed_allocation_changes_nothing(void **state)
{
	static const char text[] = "[{\"age\":\"0s\",\"every\":\"1s\"},"
				   "{\"age\":\"1s\",\"every\":0}]";
	struct settings settings, before;
	struct why why = { "" };
	unsigned n = 0;

	settings_init(&before);
	json_set_alloc_funcs(limited_malloc, free);
	do {
		settings = before;
		allocations_left = n;
		if (settings_set(&settings, "report", text, "here", &why) == 0)
			break;
		assert_memory_equal(&settings, &before, sizeof(settings));
		n++;
	} while (n < 1000);
	json_set_alloc_funcs(malloc, free);
	assert_in_range(n, 1, 999);
	assert_int_equal(settings.report_count, 2);
}

static void count_key(void *context, const char *key, const char *default_text, const char *help)
{
	struct settings settings, before;

	assert_true(strlen(help) > 0);
	if (!strncmp(key, "sinks.", 6)) /* of a sink that is not there: test_config */
		return;
	settings_init(&settings);
	before = settings;
	accepts(&settings, key, default_text);
	assert_memory_equal(&settings, &before, sizeof(settings));
	++*(int *)context;
}

static void every_key_has_help_and_a_default_that_can_be_set(void **state)
{
	int keys = 0;

	settings_each_key(count_key, &keys);
	assert_int_equal(keys, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(every_key_is_set_from_text),
		cmocka_unit_test(a_scalar_may_be_a_json_string),
		cmocka_unit_test(values_out_of_bounds_are_refused_and_change_nothing),
		cmocka_unit_test(values_of_the_wrong_type_are_refused),
		cmocka_unit_test(a_path_fits_into_a_socket_address_or_is_refused),
		cmocka_unit_test(an_unknown_key_names_the_nearest),
		cmocka_unit_test(a_report_curve_is_a_list_of_points),
		cmocka_unit_test(a_report_curve_takes_as_many_points_as_there_is_room_for),
		cmocka_unit_test(a_bad_report_curve_says_which_point),
		cmocka_unit_test(a_report_curve_that_is_not_json_is_refused),
		cmocka_unit_test(the_environment_sets_what_it_names),
		cmocka_unit_test(a_variable_that_names_nothing_is_an_error),
		cmocka_unit_test(a_variable_with_an_endless_name_is_an_error),
		cmocka_unit_test(the_number_of_further_errors_is_told),
		cmocka_unit_test(a_failed_allocation_changes_nothing),
		cmocka_unit_test(every_key_has_help_and_a_default_that_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
