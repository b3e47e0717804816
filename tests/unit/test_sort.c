// SPDX-License-Identifier: Apache-2.0
/* The best N of many records, put into order in small steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/why.h"
#include "encode/encode.h"
#include "serve/sort.h"

#define MANY 5000

/* Every value up to MANY once, in no order; each seventh record has none. */
static void offer_all(struct sort *sort)
{
	for (uint32_t i = 0; i < MANY; i++) {
		struct record record;

		memset(&record, 0xa5, sizeof(record));
		record.has[0] = record.has[1] = 0;
		record.flow_id = i;
		record.bytes[INITIATOR] = (uint64_t)i * 2741 % MANY << 33;
		record.bytes[RESPONDER] = 0;
		if (i % 7) {
			record_set(&record, FIELD_BYTES_ORIG);
			record_set(&record, FIELD_BYTES_REPLY);
		}
		sort_offer(sort, &record, i);
	}
}

static void check(const char *order, uint64_t limit, size_t rows)
{
	struct sort_row row, before = { .cursor = 0 };
	struct sort *sort;
	size_t steps = 0, i;

	assert_int_equal(sort_new(&sort, order, limit, NULL), 0);
	offer_all(sort);
	while (!sort_finish(sort, 100))
		steps++;
	assert_true(steps >= rows / 100 - 1);
	for (i = 0; sort_row(sort, i, &row); i++) {
		if (i)
			assert_true(memcmp(before.key, row.key, sizeof(row.key)) <= 0);
		before = row;
	}
	assert_int_equal(i, rows);
	assert_int_equal(sort_row(sort, 0, &row), true);
	if (*order == '-') /* 64-bit values are compared whole */
		assert_int_equal((uint64_t)row.flow_id * 2741 % MANY, MANY - 1);
	sort_free(sort);
}

static void keeps_all_without_a_limit(void **state)
{
	check("-bytes", 0, MANY);
	check("bytes_orig", 0, MANY);
}

static void keeps_the_best_of_many(void **state)
{
	check("-bytes", 100, 100);
	check("-bytes", MANY + 1, MANY);
}

/* One of 100 segments is more than two of 1,000; of the server's socket its own count. */
static void a_share_is_of_the_segments_of_the_socket(void **state)
{
	struct record record = { .direction = DIRECTION_OUTBOUND };
	static const struct {
		uint32_t retransmits;
		uint64_t segments[SIDES];
		enum direction direction;
	} cases[] = {
		{ 2, { 1000, 1 }, DIRECTION_OUTBOUND },
		{ 1, { 100, 1 }, DIRECTION_OUTBOUND },
		{ 1, { 1, 50 }, DIRECTION_INBOUND },
		{ 0, { 7, 7 }, DIRECTION_OUTBOUND },
		{ 9, { 0, 0 }, DIRECTION_OUTBOUND }, /* of nothing: the last either way */
	};
	static const uint32_t falling[] = { 2, 1, 0, 3, 4 }, rising[] = { 3, 0, 1, 2, 4 };
	struct sort_row row;
	struct sort *sort;

	for (int descending = 0; descending < 2; descending++) {
		assert_int_equal(sort_new(&sort, descending ? "-retransmit_percent" :
					  "retransmit_percent", 0, NULL), 0);
		for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
			record_set(&record, FIELD_RETRANSMITS);
			record_set(&record, FIELD_TCP_SEGMENTS_ORIG);
			record_set(&record, FIELD_DIRECTION);
			record.direction = cases[i].direction;
			record.retransmits[INITIATOR] = cases[i].retransmits;
			memcpy(record.tcp_segments, cases[i].segments, sizeof(cases[i].segments));
			sort_offer(sort, &record, i);
		}
		while (!sort_finish(sort, 100))
			;
		for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
			assert_true(sort_row(sort, i, &row));
			assert_int_equal(row.cursor, descending ? falling[i] : rising[i]);
		}
		sort_free(sort);
	}
}

static void names_the_nearest_field(void **state)
{
	struct why why = { "" };
	struct sort *sort = NULL;

	assert_true(sort_new(&sort, "-bytez", 0, &why) < 0);
	assert_non_null(strstr(why.text, "bytes"));
	assert_null(sort);
}

/* The titles as they stand over the table, and as somebody types them. */
static void takes_every_title_of_the_table(void **state)
{
	struct encode_conf conf = { .column_count = 0 };
	struct buf buf = { 0 };
	struct sort *sort;
	struct why why = { "" };
	char *title, *rest;

	assert_int_equal(encoder_table.columns(&conf, "proto,state,dir,src,dst,nat,sent,received,"
					       "rate_out,rate_in,age,rtt,rttvar_us,retrans,"
					       "tcp_payload_orig,client_uid,process", &why), 0);
	encoder_table.head(&buf, &conf);
	buf_putc(&buf, '\0');
	for (title = strtok_r(buf.data, "\t\n", &rest); title;
	     title = strtok_r(NULL, "\t\n", &rest)) {
		if (sort_new(&sort, title, 0, &why) < 0)
			fail_msg("%s: %s", title, why.text);
		sort_free(sort);
	}
	buf_fini(&buf);
	check("-SENT", 100, 100);
	check("-sent", 100, 100);
	check("-Bytes_Orig", 100, 100);
	check("-BYTES-ORIG", 100, 100);
	assert_true(sort_new(&sort, "SEND", 0, &why) < 0);
	assert_non_null(strstr(why.text, "\"sent\""));
}

/* By the server where no client is known, as the cell shows it. */
static void sorts_by_the_other_end_where_one_is_absent(void **state)
{
	static const char *const names[] = { "nginx", "curl", "bird" };
	struct sort_row row;
	struct sort *sort;

	assert_int_equal(sort_new(&sort, "process", 0, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		const enum side side = i == 1 ? INITIATOR : RESPONDER;
		struct record record = { .flow_id = i };

		strcpy(record.owner[side].comm, names[i]);
		record_set(&record, side == INITIATOR ? FIELD_CLIENT_COMM : FIELD_SERVER_COMM);
		sort_offer(sort, &record, i);
	}
	while (!sort_finish(sort, 1))
		;
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(sort_row(sort, i, &row));
		assert_int_equal(row.flow_id, 2 - i);
	}
	sort_free(sort);
}

static void sorts_nothing(void **state)
{
	struct sort_row row;
	struct sort *sort;

	assert_int_equal(sort_new(&sort, "rtt", 3, NULL), 0);
	assert_true(sort_finish(sort, 1));
	assert_false(sort_row(sort, 0, &row));
	sort_free(sort);
	sort_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_all_without_a_limit),
		cmocka_unit_test(keeps_the_best_of_many),
		cmocka_unit_test(a_share_is_of_the_segments_of_the_socket),
		cmocka_unit_test(names_the_nearest_field),
		cmocka_unit_test(takes_every_title_of_the_table),
		cmocka_unit_test(sorts_by_the_other_end_where_one_is_absent),
		cmocka_unit_test(sorts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
