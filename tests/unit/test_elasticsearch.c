// SPDX-License-Identifier: Apache-2.0
/* What a server says to a bulk request, and what it might say if it were ill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/array.h"
#include "base/num.h"
#include "base/why.h"
#include "sink/elasticsearch_impl.h"
#include "sink/http.h"

#define COUNT 4

static uint8_t fate[COUNT];
static struct batch batch;
static struct why why;
static bool is_missing;

/* What becomes of COUNT records, of which the body of the request has lines. */
static enum delivery read_of(const char *lines, const char *body, size_t n)
{
	const struct http_answer answer = { .status = 200, .body = body, .body_n = n };
	enum delivery verdict;

	batch = (struct batch){ .count = COUNT, .fate = fate };
	memset(fate, DELIVERED, sizeof(fate));
	why = (struct why){ "" };
	buf_puts(&batch.bytes, lines);
	verdict = elasticsearch_read(&batch, &answer, &is_missing, &why);
	buf_fini(&batch.bytes);
	return verdict;
}

static enum delivery read(const char *body)
{
	return read_of("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", body, strlen(body));
}

static void fates_are(enum delivery a, enum delivery b, enum delivery c, enum delivery d)
{
	const enum delivery wanted[COUNT] = { a, b, c, d };

	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(fate[i], wanted[i]);
}

#define ITEM(status) "{\"create\":{\"status\":" #status "}}"
#define ITEMS(a, b, c, d) "{\"items\":[" ITEM(a) "," ITEM(b) "," ITEM(c) "," ITEM(d) "]}"

static void what_is_there_or_was_there_is_delivered(void **state)
{
	assert_int_equal(read(ITEMS(201, 200, 409, 201)), DELIVERED);
	fates_are(DELIVERED, DELIVERED, DELIVERED, DELIVERED);
}

static void each_item_has_its_own_fate(void **state)
{
	assert_int_equal(read("{\"errors\":true,\"items\":[" ITEM(201) ",{\"create\":{\"status\":"
			      "429,\"error\":{\"type\":\"es_rejected_execution_exception\"}}},"
			      "{\"create\":{\"status\":400,\"error\":{\"type\":"
			      "\"document_parsing_exception\",\"reason\":\"failed\\u001b[m\"}}},"
			      ITEM(503) "]}"),
			 PARTIAL);
	fates_are(DELIVERED, RETRY, REJECTED, RETRY);
	assert_string_equal(why.text, "HTTP 400 document_parsing_exception: failed?[m");
	assert_false(is_missing);
	assert_int_equal(read(ITEMS(429, 500, 408, 502)), PARTIAL);
	fates_are(RETRY, RETRY, RETRY, RETRY);
}

static void an_index_that_is_missing_or_not_ours_is_asked_again(void **state)
{
	assert_int_equal(read(ITEMS(201, 404, 201, 201)), PARTIAL);
	fates_are(DELIVERED, RETRY, DELIVERED, DELIVERED);
	assert_true(is_missing);
	assert_int_equal(read(ITEMS(403, 403, 403, 403)), PARKED);
	assert_int_equal(read(ITEMS(403, 201, 403, 403)), PARTIAL);
	fates_are(RETRY, DELIVERED, RETRY, RETRY);
}

static void an_item_that_is_not_told_is_not_delivered(void **state)
{
	static const char *const bodies[] = {
		"{\"items\":[]}",
		"{\"errors\":false,\"items\":[7,null,\"x\",[201]]}",
		"{\"items\":[{\"create\":201},{},{\"create\":{\"status\":\"201\"}}]}",
		"{\"items\":[{\"create\":{\"status\":2e2}},{\"create\":[]},{\"create\":null}]}",
		ITEMS(-1, 0, 99, 301),
		ITEMS(600, 1099511627776, 9223372036854775807, -9223372036854775807),
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		assert_int_equal(read(bodies[i]), PARTIAL);
		fates_are(RETRY, RETRY, RETRY, RETRY);
	}
	assert_int_equal(read("{\"items\":[" ITEM(201) "," ITEM(400) "]}"), PARTIAL);
	fates_are(DELIVERED, REJECTED, RETRY, RETRY);
	/* more than was sent is nobody's */
	assert_int_equal(read("{\"items\":[" ITEM(201) "," ITEM(201) "," ITEM(201) "," ITEM(201) ","
			      ITEM(400) "]}"), DELIVERED);
}

static void what_is_no_answer_delivers_nothing(void **state)
{
	static const char *const bodies[] = {
		"", "ok", "<html>", "{", "[]", "{\"items\":{}}", "{\"took\":3}", "{\"items\":[",
		"{\"items\":[{\"create\":{\"status\":99999999999999999999}}]}", "null", "\xff",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(read(bodies[i]), RETRY);
	assert_int_equal(read_of("{}\n{}\n", "{\"items\":\0[]}", 13), RETRY);
}

static void an_answer_too_long_to_read_is_asked_for_in_halves(void **state)
{
	struct http_answer answer = { .status = 200, .body = "{\"items\":[", .body_n = 10,
				      .is_cut = true };
	char *deep = malloc(HTTP_ANSWER_MAX);

	batch = (struct batch){ .count = COUNT, .fate = fate };
	assert_int_equal(elasticsearch_read(&batch, &answer, &is_missing, &why), SPLIT);
	batch.count = 1;
	assert_int_equal(elasticsearch_read(&batch, &answer, &is_missing, &why), RETRY);
	assert_non_null(deep);
	memset(deep, '[', HTTP_ANSWER_MAX);
	assert_int_equal(read_of("{}\n{}\n", deep, HTTP_ANSWER_MAX), SPLIT);
	memset(deep, '"', HTTP_ANSWER_MAX);
	assert_int_equal(read_of("{}\n{}\n", deep, HTTP_ANSWER_MAX), RETRY);
	free(deep);
}

static void a_record_without_a_document_keeps_its_neighbours_in_step(void **state)
{
	static const char body[] = "{\"items\":[" ITEM(400) "," ITEM(429) "]}";

	assert_int_equal(read_of("\n{}\n{}\n\n{}\n{}\n", body, strlen(body)), PARTIAL);
	fates_are(DELIVERED, REJECTED, DELIVERED, RETRY);
	assert_int_equal(read_of("\n{}\n{}\n\n{}\n{}\n", ITEMS(201, 201, 0, 0),
				 strlen(ITEMS(201, 201, 0, 0))), DELIVERED);
}

/* --- templates ---------------------------------------------------------------------- */

static struct elasticsearch_server server_of(const char *body)
{
	const struct http_answer answer = { .status = 200, .body = body, .body_n = strlen(body) };
	struct elasticsearch_server server;

	elasticsearch_read_server(&server, &answer);
	return server;
}

static json_t *template_of(const char *server, bool is_plain)
{
	const struct elasticsearch_server known = server_of(server);
	const struct ecs_conf conf = { .host = "h", .dataset = "weir.flow" };
	struct ecs *ecs = ecs_new(&conf);
	struct settings_sink settings;
	struct buf body = { 0 };
	json_t *root;

	settings_sink_init(&settings, "s", SINK_ELASTICSEARCH);
	settings.keep_ns = 30 * 86400 * NUM_NS_PER_S;
	assert_non_null(ecs);
	elasticsearch_template(&body, &settings, ecs, &known, is_plain);
	root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	buf_fini(&body);
	ecs_free(ecs);
	return root;
}

/* What the template of that server has at template.OBJECT.KEY. */
static void has(const char *server, bool is_plain, const char *object, const char *key,
		const char *wanted)
{
	json_t *root = template_of(server, is_plain), *template, *value;

	template = json_object_get(root, "template");
	value = json_object_get(json_object_get(template, object), key);
	if (wanted)
		assert_string_equal(json_string_value(value), wanted);
	else
		assert_null(value);
	json_decref(root);
}

static void a_template_has_what_its_server_knows(void **state)
{
	static const char new[] = "{\"version\":{\"number\":\"8.17.1\"}}",
			  middle[] = "{\"version\":{\"number\":\"8.11.0\"}}",
			  old[] = "{\"version\":{\"number\":\"7.17.9\"}}",
			  other[] = "{\"version\":{\"distribution\":\"opensearch\",\"number\":"
				    "\"9.1.0\"}}";
	static const char *const unknown[] = { "", "{}", "{\"version\":7}", "nothing",
					       "{\"version\":{\"number\":\"x\"}}" };

	has(new, false, "settings", "index.mode", "logsdb");
	has(new, false, "lifecycle", "data_retention", "30d");
	has(new, true, "settings", "index.mode", NULL);
	has(new, true, "lifecycle", "data_retention", NULL);
	has(middle, false, "settings", "index.mode", NULL);
	has(middle, false, "lifecycle", "data_retention", "30d");
	has(old, false, "lifecycle", "data_retention", NULL);
	has(other, false, "settings", "index.mode", NULL);
	has(other, false, "settings", "index.codec", "best_compression");
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		assert_int_equal(server_of(unknown[i]).major, 0);
		has(unknown[i], false, "lifecycle", "data_retention", NULL);
	}
}

static void templates_of_conntracct_fit_their_index(void **state)
{
	struct settings_sink settings;
	struct buf body = { 0 };

	settings_sink_init(&settings, "s", SINK_ELASTICSEARCH);
	memcpy(settings.index, "db", 3);
	elasticsearch_old_settings(&body, &settings);
	buf_putc(&body, '\0');
	assert_string_equal(body.data, "{\"index_patterns\":[\"db\",\"db-*\"],\"order\":0,"
				       "\"settings\":{\"number_of_shards\":3,"
				       "\"number_of_replicas\":0}}");
	buf_clear(&body);
	elasticsearch_old_mappings(&body, &settings);
	buf_putc(&body, '\0');
	assert_non_null(strstr(body.data, "\"order\":0,\"mappings\":{\"properties\":{\"flow_id\":"
					  "{\"type\":\"keyword\"},\"bytes_orig\":"));
	buf_fini(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_or_was_there_is_delivered),
		cmocka_unit_test(each_item_has_its_own_fate),
		cmocka_unit_test(an_index_that_is_missing_or_not_ours_is_asked_again),
		cmocka_unit_test(an_item_that_is_not_told_is_not_delivered),
		cmocka_unit_test(what_is_no_answer_delivers_nothing),
		cmocka_unit_test(an_answer_too_long_to_read_is_asked_for_in_halves),
		cmocka_unit_test(a_record_without_a_document_keeps_its_neighbours_in_step),
		cmocka_unit_test(a_template_has_what_its_server_knows),
		cmocka_unit_test(templates_of_conntracct_fit_their_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
