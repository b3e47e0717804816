// SPDX-License-Identifier: Apache-2.0
/* Configuration files: three formats of one tree, the old tool's keys, and
 * everything that is wrong told at once, with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/num.h"
#include "base/why.h"
#include "config/config.h"
#include "config/schema.h"
#include "config/tree.h"

static char folder[] = "config-XXXXXX";
static struct settings settings; /* large for a stack */
static struct config_origin origin;
static char told[8192]; /* what was wrong, without the path */

static int no_word_abc(const char *text, unsigned *column, struct why *why)
{
	return strstr(text, "abc") ? why_set(why, -EINVAL, "abc is no filter") : 0;
}

/* The text as the file NAME: 0 or -EBADMSG. */
static int load_as(const char *name, const char *text, size_t n, char *const *environment)
{
	static char *const nothing[] = { NULL };
	const struct config_conf conf = { .path = name,
					  .environment = environment ? environment : nothing,
					  .check_filter = no_word_abc };
	struct config_errors errors = { 0 };
	FILE *file = fopen(name, "w");
	const char *line, *end;
	int r;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, 0600), 0);
	r = config_load(&settings, &origin, &conf, &errors);
	told[0] = '\0';
	buf_putc(&errors.text, '\0');
	for (line = errors.text.data; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!strncmp(line, name, strlen(name)))
			line += strlen(name) + 1;
		assert_true(strlen(told) + (size_t)(end - line) + 2 < sizeof(told));
		strncat(told, line, (size_t)(end - line) + 1);
	}
	config_errors_fini(&errors);
	unlink(name);
	return r;
}

static int load(const char *name, const char *text)
{
	return load_as(name, text, strlen(text), NULL);
}

static void is_refused(const char *name, const char *text, const char *wanted)
{
	assert_int_equal(load(name, text), -EBADMSG);
	assert_string_equal(told, wanted);
}

static void is_taken(const char *name, const char *text)
{
	if (load(name, text) < 0)
		fail_msg("%s", told);
}

/* --- formats ---------------------------------------------------------------------- */

static void three_formats_give_the_same_settings(void **state)
{
	static struct settings yaml, json;

	is_taken("weir.yml", "refresh: 2s\nconntrack:\n  track: yes\nsinks:\n  a:\n"
			     "    type: influxdb\n    url: http://h:1\n    database: \"0x1\"\n"
			     "    events: [update, end]\n    batch_age: 1m\n");
	yaml = settings;
	is_taken("weir.json", "{\"refresh\": \"2s\", \"conntrack\": {\"track\": true}, \"sinks\":"
			      "{\"a\": {\"type\": \"influxdb\", \"url\": [\"http://h:1\"],"
			      "\"database\": \"0x1\", \"events\": [\"update\", \"end\"],"
			      "\"batch_age\": \"1m\"}}}");
	json = settings;
	is_taken("weir.toml", "refresh = \"2s\"\nconntrack.track = true\n[sinks.a]\n"
			      "type = 'influxdb'\nurl = 'http://h:1'\ndatabase = '0x1'\n"
			      "events = ['update', 'end']\nbatch_age = '1m'\n");
	assert_memory_equal(&yaml, &json, sizeof(yaml));
	assert_memory_equal(&yaml, &settings, sizeof(yaml));
	assert_int_equal(yaml.refresh_ns, 2 * NUM_NS_PER_S);
	assert_int_equal(yaml.sink_count, 1);
	assert_string_equal(yaml.sink[0].database, "0x1");
	assert_int_equal(yaml.sink[0].events, 6);
	assert_int_equal(yaml.sink[0].batch_age_ns, 60 * NUM_NS_PER_S);
}

static void an_empty_file_is_the_defaults(void **state)
{
	static const char *const names[] = { "weir.yml", "weir.toml", "weir.yaml" };
	static const char *const empty[] = { "", "\n\n", "# nothing\n", "  # here\r\n" };
	static struct settings usual;

	settings_init(&usual);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t j = 0; j < ARRAY_LEN(empty); j++) {
			is_taken(names[i], empty[j]);
			assert_memory_equal(&settings, &usual, sizeof(usual));
		}
	}
	is_taken("weir.json", "{}");
	assert_memory_equal(&settings, &usual, sizeof(usual));
	is_taken("weir.yml", "refresh:\nconntrack:\nsinks:\n");
	assert_memory_equal(&settings, &usual, sizeof(usual));
}

static void what_is_shown_can_be_read_again(void **state)
{
	static struct settings before;
	struct buf buf = { 0 };

	is_taken("weir.yml", "report: [{age: 0s, every: 90s}]\nconntrack: {ring: 3M}\nsinks:\n"
			     "  a: {type: influxdb, url: [\"http://h\", \"https://i/p\"], api: v2,"
			     " bucket: 'b \"c', give_up: 0s, filter: \"tcp # \\\" x\"}\n"
			     "  b: {type: file, path: /x, format: csv, events: [close]}\n");
	before = settings;
	config_show(&settings, &buf);
	assert_int_equal(load_as("weir.yml", buf.data, buf.len, NULL), 0);
	assert_memory_equal(&settings, &before, sizeof(before));
	buf_clear(&buf);
	config_example(&buf);
	settings_init(&before);
	assert_int_equal(load_as("weir.yml", buf.data, buf.len, NULL), 0);
	assert_memory_equal(&settings, &before, sizeof(before));
	buf_fini(&buf);
}

static void secrets_are_not_shown(void **state)
{
	struct buf buf = { 0 };

	is_taken("weir.yml", "sinks: {a: {type: influxdb, url: \"http://u:hunter2@h/?x\","
			     " database: d, username: u, password: hunter2, token: hunter2}}");
	assert_string_equal(settings.sink[0].password, "hunter2");
	config_show(&settings, &buf);
	buf_putc(&buf, '\0');
	assert_null(strstr(buf.data, "hunter2"));
	assert_non_null(strstr(buf.data, "http://***@h/?***"));
	buf_fini(&buf);
}

static void variables_and_files_give_what_must_not_stand_in_the_file(void **state)
{
	char *environment[] = { (char[]){ "NAME=w" }, (char[]){ "WEIR_SINKS__A__BATCH_AGE=3s" },
				(char[]){ "WEIR_SINKS__B__PATH=x" },
				(char[]){ "WEIR_SINKS__B__TYPE=file" }, NULL };
	static const char text[] = "sinks: {a: {type: influxdb, url: \"http://h\","
				   " database: \"${NAME}-$${x}\", password_file: secret}}";
	FILE *file = fopen("secret", "w");

	assert_non_null(file);
	fputs("pass word\n", file);
	fclose(file);
	assert_int_equal(load_as("weir.yml", text, strlen(text), environment), 0);
	assert_string_equal(settings.sink[0].database, "w-${x}");
	assert_string_equal(settings.sink[0].password, "pass word");
	assert_int_equal(settings.sink[0].batch_age_ns, 3 * NUM_NS_PER_S);
	assert_int_equal(settings.sink_count, 2);
	assert_string_equal(settings.sink[1].path, "x");
	unlink("secret");
	is_refused("weir.yml", "log: {level: \"${NAME}\"}",
		   "1:7: the variable NAME is not set\n");
}

/* --- what is wrong ------------------------------------------------------------------ */

static void everything_that_is_wrong_is_told_at_once(void **state)
{
	is_refused("weir.yml", "refesh: 1s\n"
			       "table: {max_flows: -3}\n"
			       "listen: 5\n"
			       "sinks:\n"
			       "  a: {type: influx}\n"
			       "  b:\n"
			       "    type: influxdb\n"
			       "    databse: w\n"
			       "    filter: abc\n"
			       "  c: {type: file, password: x}\n",
		   "1:1: unknown setting \"refesh\"; did you mean refresh?\n"
		   "2:9: table.max_flows: \"-3\" is not a whole number\n"
		   "3:1: listen: a map is wanted\n"
		   "5:7: unknown sink type \"influx\"; did you mean influxdb?\n"
		   "8:5: unknown setting \"databse\"; did you mean database?\n"
		   "9:5: abc is no filter\n"
		   "10:19: password means nothing to a sink of this type\n"
		   "6:3: sinks.b: a url is missing\n");
}

static void a_syntax_error_has_its_place_in_every_format(void **state)
{
	is_refused("weir.json", "{\n \"a\": }", "2:7: JSON does not allow empty values in a "
						"mapping\n");
	is_refused("weir.yml", "a: 1\na: 2\n", "2:1: duplicate key\n");
	is_refused("weir.toml", "x = 1\ny = [1,",
		   "2:8: Error while parsing array: encountered end-of-file\n");
	is_refused("weir.yml", "[a, b]", "1:1: wanted are settings (\"refresh: 1s\"), not a "
					 "list\n");
	assert_int_equal(load_as("weir.yml", "a: \"\\0b\"", 9, NULL), -EBADMSG);
}

static void bombs_and_depths_are_refused_at_once(void **state)
{
	struct buf buf = { 0 };

	buf_puts(&buf, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 30; i++) {
		buf_printf(&buf, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			buf_printf(&buf, "*a%d,", i - 1);
		buf_puts(&buf, "]\n");
	}
	assert_int_equal(load_as("weir.yml", buf.data, buf.len, NULL), -EBADMSG);
	assert_non_null(strstr(told, "more than 10000 values"));
	for (int i = 0; i < 2; i++) {
		buf_clear(&buf);
		buf_puts(&buf, i ? "a = " : "a: ");
		for (int j = 0; j < 60; j++)
			buf_putc(&buf, '[');
		for (int j = 0; j < 60; j++)
			buf_putc(&buf, ']');
		assert_int_equal(load_as(i ? "weir.toml" : "weir.yml", buf.data, buf.len, NULL),
				 -EBADMSG);
		assert_non_null(strstr(told, "more than 32 levels"));
	}
	buf_clear(&buf);
	memset(buf_reserve(&buf, TREE_BYTES_MAX + 2), '#', TREE_BYTES_MAX + 2);
	buf.len = TREE_BYTES_MAX + 2;
	assert_int_equal(load_as("weir.yml", buf.data, buf.len, NULL), -EBADMSG);
	assert_non_null(strstr(told, "larger than 10 MiB"));
	buf_fini(&buf);
}

/* libfyaml 0.7.12 dies of these bytes, found by fuzzing; another may not. */
static void a_file_that_kills_its_reader_is_an_error(void **state)
{
	static const char bytes[] =
		"\x3f\x20\x3a\x3a\x20\x3a\x20\x3a\x20\x3a\x20\x3a\x20\x3a\x20\x3f\x3a\x20\x3a\x20"
		"\x3a\x20\x3f\x3a\x3a\x09\x09\x09\x20\x3a\x20\x61\x02\x2b\x00\xe0\x60\x00\x00\x3f"
		"\x3a\x3a\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20\x3a"
		"\x20\x3a\x20\x3a\x20\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20"
		"\x3a\x20\x3f\x3a\x3a\x20\x0a\x20\x3f\x3a\x20\x3a\x20\x3a\x20\x20\x3a\x20\x3f\x3a"
		"\x3a\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20\x3a\x20\x3f\x3a\x20\x3a\x20\x3a\x20\x3f"
		"\x3a\x3a\x20\x3a\x20\x3a\x20\x3a\x3a\x20\x20\x3a\x20\x3f\x3a\x3a\x20\x3a\x20\x3f"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x20\x3a\x3a\x0a";

	assert_int_equal(load_as("weir.yml", bytes, sizeof(bytes) - 1, NULL), -EBADMSG);
	assert_true(strlen(told) > 0);
	is_taken("weir.yml", "refresh: 1s\n");
}

static void what_the_libraries_cannot_read_is_kept_from_them(void **state)
{
	is_refused("weir.yml", "a: 1\n%YAML", "2:1: directives are not read here\n");
	is_refused("weir.toml", "a = 1 # \xc3\xa9\nb = \xc3\xa9\n",
		   "2:1: text that is not ASCII belongs into quotes\n");
	is_refused("weir.toml", "a = \"\xc3\xa9\" # \xc3\xa9\n", "1:1: unknown setting \"a\"\n");
}

static void merge_keys_give_what_is_not_there(void **state)
{
	is_taken("weir.yml", "sinks:\n  a: &a {type: file, path: /a, format: csv}\n"
			     "  b: {<<: *a, path: /b}\n");
	assert_string_equal(settings.sink[1].path, "/b");
	assert_string_equal(settings.sink[1].format, "csv");
}

static void two_files_in_one_place_are_an_error(void **state)
{
	char home[64];
	char *environment[] = { home, NULL };
	struct why why = { "" };
	char path[CONFIG_PATH_SIZE];

	snprintf(home, sizeof(home), "XDG_CONFIG_HOME=.");
	assert_int_equal(mkdir("weir", 0700), 0);
	fclose(fopen("weir/weir.yml", "w"));
	assert_int_equal(config_find(path, NULL, environment, &why), 0);
	assert_string_equal(path, "./weir/weir.yml");
	fclose(fopen("weir/weir.toml", "w"));
	assert_int_equal(config_find(path, NULL, environment, &why), -EBADMSG);
	assert_string_equal(why.text, "there are ./weir/weir.yml and ./weir/weir.toml: which one "
				      "is meant? Name it with -c");
	unlink("weir/weir.yml");
	unlink("weir/weir.toml");
	rmdir("weir");
}

/* --- the old tool's ------------------------------------------------------------------ */

static void a_configuration_of_conntracct_runs_unchanged(void **state)
{
	is_taken("conntracct.yml", "api_enabled: true\n"
				   "api_endpoint: localhost:8000\n"
				   "sysctl_manage: false\n"
				   "pprof_enabled: false\n"
				   "probe:\n  rate_curve:\n    1: {age: 30s, rate: 1m30s}\n"
				   "sinks:\n"
				   "  out: {type: stdout}\n"
				   "  udp: {type: influxdb-udp, address: \"h:8089\","
				   " batchSize: 100, udpPayloadSize: 1400}\n"
				   "  http: {type: influxdb-http, address: \"http://h:8086\","
				   " database: ct, sourcePorts: true, timeout: 5000000000}\n");
	assert_true(origin.is_old);
	assert_false(settings.conntrack_manage_sysctl);
	assert_int_equal(settings.report_count, 3);
	assert_int_equal(settings.report[0].every_ns, 20 * NUM_NS_PER_S);
	assert_int_equal(settings.report[1].age_ns, 30 * NUM_NS_PER_S);
	assert_int_equal(settings.report[1].every_ns, 90 * NUM_NS_PER_S);
	assert_int_equal(settings.report[2].age_ns, 300 * NUM_NS_PER_S);
	assert_string_equal(settings.sink[0].format, "conntracct");
	assert_int_equal(settings.sink[1].api, SINK_API_UDP);
	assert_int_equal(settings.sink[1].batch_records, 100);
	assert_int_equal(settings.sink[1].udp_payload_bytes, 1400);
	assert_int_equal(settings.sink[2].schema, SINK_SCHEMA_CONNTRACCT);
	assert_true(settings.sink[2].source_ports);
	assert_int_equal(settings.sink[2].batch_records, 128);
	assert_int_equal(settings.sink[2].timeout_ns, 5 * NUM_NS_PER_S);
}

static void an_elastic_sink_of_conntracct_runs_unchanged(void **state)
{
	const struct settings_sink *sink = settings.sink;

	is_taken("conntracct.yml", "sinks:\n"
				   "  a: {type: elastic, address: \"http://h:9200,http://i:9200\","
				   " Database: ct, username: u, password: p, batchSize: 100,"
				   " shards: 5, replicas: 2}\n"
				   "  b: {type: elasticsearch, address: \"h:9200\"}\n");
	assert_true(origin.is_old);
	assert_int_equal(sink[0].type, SINK_ELASTICSEARCH);
	assert_int_equal(sink[0].schema, SINK_SCHEMA_CONNTRACCT);
	assert_string_equal(sink[0].url[1], "http://i:9200");
	assert_string_equal(sink[0].index, "ct");
	assert_string_equal(sink[0].username, "u");
	assert_int_equal(sink[0].batch_records, 100);
	assert_int_equal(sink[0].batch_age_ns, 5 * NUM_NS_PER_S);
	assert_int_equal(sink[0].shards, 5);
	assert_int_equal(sink[0].replicas, 2);
	assert_string_equal(sink[1].url[0], "http://h:9200");
	assert_int_equal(sink[1].batch_records, 2048);
	assert_int_equal(strncmp(sink[1].index, "conntracct-", 11), 0);
	/* one key of weir's, and it is weir's own */
	is_taken("weir.yml", "sinks: {a: {type: opensearch, url: \"http://h\"}}");
	assert_false(origin.is_old);
	assert_int_equal(sink[0].schema, SINK_SCHEMA_WEIR);
	assert_string_equal(sink[0].index, "logs-weir.flow-default");
	assert_int_equal(sink[0].batch_records, 1000);
}

static void an_index_has_a_name_that_a_server_takes(void **state)
{
	static const char *const bad[] = { "", "Logs", "-x", "_x", "a b", "a/b", "a*", "a,b", "..",
					   "a#b", "a:b", "\\\\" };
	char text[128];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "sinks: {a: {type: elasticsearch, url: \"http://h\","
			 " index: \"%s\"}}", bad[i]);
		assert_int_equal(load("weir.yml", text), -EBADMSG);
		assert_non_null(strstr(told, "the name of an index begins with"));
	}
	is_refused("weir.yml", "sinks: {a: {type: elasticsearch, url: \"http://h\", username: u,"
			       " token: t}}", "1:9: sinks.a: username or token, not both\n");
}

static void an_old_file_without_sinks_writes_lines(void **state)
{
	is_taken("conntracct.toml", "sysctl_manage = true\n");
	assert_int_equal(settings.sink_count, 1);
	assert_string_equal(settings.sink[0].path, "-");
	assert_string_equal(settings.sink[0].format, "conntracct");
}

static void its_api_listens_where_the_old_one_did(void **state)
{
	char *environment[] = { (char[]){ "CT_API_ENABLED=false" },
				(char[]){ "CT_SYSCTL_MANAGE=false" }, NULL };
	static const char old[] = "api_endpoint: localhost:9000\n";

	is_taken("conntracct.yml", "sysctl_manage: true\n");
	assert_string_equal(settings.listen_http, "localhost:8000");
	is_taken("conntracct.yml", "api_endpoint: :9000\n");
	assert_string_equal(settings.listen_http, ":9000");
	is_taken("conntracct.yml", "api_enabled: false\napi_endpoint: localhost:9000\n");
	assert_string_equal(settings.listen_http, "off");
	is_taken("weir.yml", "api_enabled: true\nlisten: {http: '[::1]:1'}\n");
	assert_string_equal(settings.listen_http, "[::1]:1");
	is_taken("weir.yml", "refresh: 2s\n");
	assert_string_equal(settings.listen_http, "off");
	is_refused("conntracct.yml", "api_endpoint: somewhere\n",
		   "1:1: api_endpoint: \"somewhere\" has no port: 127.0.0.1:9477 would be one\n");
	assert_int_equal(load_as("conntracct.yml", old, strlen(old), environment), 0);
	assert_string_equal(settings.listen_http, "off");
	assert_false(settings.conntrack_manage_sysctl);
}

static void an_old_curve_must_rise(void **state)
{
	is_refused("conntracct.yml", "probe: {rate_curve: {0: {age: 2m}}}",
		   "1:9: curve point 0's age needs to be lower than point 1's and point 2's\n");
	is_refused("conntracct.yml", "probe: {rate_curve: {1: {age: 9m}}}",
		   "1:9: curve point 1's age needs to be lower than point 2's\n");
}

static void every_key_of_a_sink_has_help_and_a_default_that_can_be_set(void **state)
{
	const struct schema_row *row;
	struct settings_sink sink, before;

	for (row = schema_sink_table; row->key; row++) {
		for (int type = SINK_FILE; type <= SINK_DUMMY; type++) {
			settings_sink_init(&sink, "x", (enum sink_type)type);
			before = sink;
			assert_int_equal(schema_decode(row, &sink, schema_sink_default(row, type),
						       NULL), 0);
			assert_memory_equal(&sink, &before, sizeof(sink));
		}
		assert_true(strlen(row->help) > 0);
	}
}

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	if (chdir(where ? where : P_tmpdir) < 0 || !mkdtemp(folder))
		return -1;
	return chdir(folder);
}

static int remove_folder(void **state)
{
	return chdir("..") < 0 ? -1 : rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_formats_give_the_same_settings),
		cmocka_unit_test(an_empty_file_is_the_defaults),
		cmocka_unit_test(what_is_shown_can_be_read_again),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(variables_and_files_give_what_must_not_stand_in_the_file),
		cmocka_unit_test(everything_that_is_wrong_is_told_at_once),
		cmocka_unit_test(a_syntax_error_has_its_place_in_every_format),
		cmocka_unit_test(bombs_and_depths_are_refused_at_once),
		cmocka_unit_test(a_file_that_kills_its_reader_is_an_error),
		cmocka_unit_test(what_the_libraries_cannot_read_is_kept_from_them),
		cmocka_unit_test(merge_keys_give_what_is_not_there),
		cmocka_unit_test(two_files_in_one_place_are_an_error),
		cmocka_unit_test(a_configuration_of_conntracct_runs_unchanged),
		cmocka_unit_test(an_elastic_sink_of_conntracct_runs_unchanged),
		cmocka_unit_test(an_index_has_a_name_that_a_server_takes),
		cmocka_unit_test(an_old_file_without_sinks_writes_lines),
		cmocka_unit_test(its_api_listens_where_the_old_one_did),
		cmocka_unit_test(an_old_curve_must_rise),
		cmocka_unit_test(every_key_of_a_sink_has_help_and_a_default_that_can_be_set),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
