// SPDX-License-Identifier: Apache-2.0
/* The table as a whole: its bounds, its listing, its end. */
#include <errno.h>

#include "base/why.h"
#include "lab.h"

#define FLOW "orig=192.0.2.1,%u,198.51.100.7,%u,%u,0,0 netns=1"

static void refuses_a_table_without_room(void **state)
{
	struct table_conf conf = lab_conf();
	struct table *table = NULL;
	struct why why = { "" };

	conf.max_flows = 0;
	assert_int_equal(table_new(&table, &conf, &why), -EINVAL);
	assert_string_not_equal(why.text, "");
	conf = lab_conf();
	conf.max_flows = (1U << 27) + 1;
	assert_int_equal(table_new(&table, &conf, &why), -EINVAL);
	conf = lab_conf();
	conf.curve.count = 0;
	assert_int_equal(table_new(&table, &conf, &why), -EINVAL);
	assert_null(table);
	table_free(NULL);
	(void)state;
}

static void evicts_no_live_flow_when_full(void **state)
{
	struct lab *lab = *state;

	for (unsigned port = 1; port <= 200; port++)
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
	pass(lab, 2 * S);
	assert_int_equal(stats_of(lab).live, 64);
	assert_int_equal(stats_of(lab).refused_observations, 136);
	assert_int_equal(count_of(lab, EVENT_START), 64);
	for (unsigned port = 1; port <= 64; port++)
		assert_int_equal(live(lab, port, 1).netns, 1);
	assert_int_equal(stats_of(lab).lost_table_full, 0);
}

static void adds_what_it_refused_to_the_overflow(void **state)
{
	struct lab *lab = *state;
	static const unsigned protos[] = { 6, 17, 1, 132 };
	struct table_stats stats;

	for (unsigned port = 1; port <= 64; port++)
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
	for (unsigned i = 0; i < 4; i++) {
		see(lab, "open conntrack " FLOW, 100 + i, 80U, protos[i]);
		see(lab, "close conntrack " FLOW " bytes0=%u bytes1=%u packets0=%u packets1=1",
		    100 + i, 80U, protos[i], 1000 + i, 2000 + i, 10 + i);
	}
	see(lab, "close conntrack " FLOW " bytes0=5 packets0=1", 200U, 80U, 6U);
	stats = stats_of(lab);
	assert_int_equal(stats.lost_table_full, 5);
	assert_int_equal(stats.opened, 64 + 5);
	assert_int_equal(stats.overflow_bytes[OVERFLOW_TCP][INITIATOR], 1005);
	assert_int_equal(stats.overflow_packets[OVERFLOW_TCP][INITIATOR], 11);
	for (unsigned i = 1; i < OVERFLOW_PROTOS; i++) {
		assert_int_equal(stats.overflow_bytes[i][INITIATOR], 1000 + i);
		assert_int_equal(stats.overflow_bytes[i][RESPONDER], 2000 + i);
		assert_int_equal(stats.overflow_packets[i][INITIATOR], 10 + i);
	}
	assert_int_equal(count_of(lab, EVENT_END), 0);
}

static void adds_socket_flows_it_refused_to_the_overflow(void **state)
{
	struct lab *lab = *state;
	struct table_stats stats;

	for (unsigned port = 1; port <= 64; port++)
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
	see(lab, "sample socket local=10.9.9.9,1000,10.9.9.8,80,6,0,0 netns=2 cookie=5 state=1 "
		 "role=1 sent=10 received=3 segs_out=2 segs_in=1");
	pass(lab, S);
	sweep(lab, "conntrack", 2);
	assert_int_equal(stats_of(lab).lost_table_full, 0);
	see(lab, "close socket local=10.9.9.9,1000,10.9.9.8,80,6,0,0 netns=2 cookie=5 state=7 "
		 "role=1 sent=25 received=3 segs_out=3 segs_in=1");
	pass(lab, S);
	sweep(lab, "conntrack", 2);
	stats = stats_of(lab);
	assert_int_equal(stats.lost_table_full, 1);
	assert_int_equal(stats.overflow_bytes[OVERFLOW_TCP][INITIATOR], 25);
	assert_int_equal(stats.overflow_bytes[OVERFLOW_TCP][RESPONDER], 3);
	assert_int_equal(stats.overflow_packets[OVERFLOW_TCP][INITIATOR], 3);
	assert_int_equal(stats.sockets, 0);
}

static void takes_a_refused_flow_in_as_soon_as_there_is_room(void **state)
{
	struct lab *lab = *state;

	for (unsigned port = 1; port <= 65; port++)
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
	see(lab, "close conntrack " FLOW " bytes0=1", 7U, 80U, 6U);
	see(lab, "sample conntrack " FLOW " bytes0=500", 65U, 80U, 6U);
	pass(lab, 0);
	assert_totals(last(lab), 500, 0);
	assert_deltas(last(lab), 500, 0);
	see(lab, "close conntrack " FLOW " bytes0=600", 65U, 80U, 6U);
	assert_deltas(last(lab), 100, 0);
	assert_int_equal(stats_of(lab).lost_table_full, 0);
}

static void refuses_sockets_beyond_its_room(void **state)
{
	struct lab *lab = *state;

	for (unsigned i = 1; i <= 100; i++)
		see(lab, "sample socket local=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=1 cookie=%u "
			 "state=1", i, i);
	assert_int_equal(stats_of(lab).sockets, 64);
	assert_int_equal(stats_of(lab).sockets_refused, 36);
	for (unsigned i = 1; i <= 100; i++)
		see(lab, "close socket cookie=%u netns=1 has=0", i);
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	assert_int_equal(stats_of(lab).sockets, 0);
}

static void reports_every_live_flow_once_at_shutdown(void **state)
{
	struct lab *lab = *state;

	for (unsigned port = 1; port <= 30; port++) {
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
		see(lab, "sample conntrack " FLOW " bytes0=%u", port, 80U, 6U, port);
	}
	see(lab, "close conntrack " FLOW " bytes0=1", 1U, 80U, 6U);
	pass(lab, 0);
	see(lab, "open conntrack " FLOW, 31U, 80U, 6U); /* not reported yet */
	table_shutdown(lab->table, lab->now_boot_ns + S);
	table_shutdown(lab->table, lab->now_boot_ns + S);
	pass(lab, 60 * S);
	assert_int_equal(count_of(lab, EVENT_END), 31);
	for (size_t i = 1; i < 31; i++)
		assert_int_equal(nth(lab, EVENT_END, i)->end_reason, END_SHUTDOWN);
	assert_int_equal(stats_of(lab).live, 0);
	assert_int_equal(stats_of(lab).unreported_bytes, 0);
}

static void shows_each_flow_once_while_others_come_and_go(void **state)
{
	struct lab *lab = *state;
	unsigned shown[65] = { 0 };
	struct record record;
	uint32_t cursor = 0;
	unsigned turn = 0;

	for (unsigned port = 1; port <= 60; port++)
		see(lab, "open conntrack " FLOW, port, 80U, 6U);
	while (table_next(lab->table, &cursor, lab->now_boot_ns, &record)) {
		const unsigned port = (unsigned)(record.orig.port_be[0] >> 8 |
						 (record.orig.port_be[0] & 0xff) << 8);

		if (port <= 64)
			shown[port]++;
		if (turn++ % 3)
			continue;
		/* the even ones stay */
		if (port % 2)
			see(lab, "close conntrack " FLOW, port, 80U, 6U);
		see(lab, "open conntrack " FLOW, 1000 + turn, 80U, 6U);
	}
	for (unsigned port = 2; port <= 60; port += 2)
		assert_int_equal(shown[port], 1);
}

static void takes_no_delta_away_by_listing(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample conntrack " FLOW " bytes0=100", 1U, 80U, 6U);
	assert_int_equal(live(lab, 1, 1).delta_bytes[INITIATOR], 100);
	assert_int_equal(live(lab, 1, 1).delta_bytes[INITIATOR], 100);
	pass(lab, 0);
	assert_deltas(last(lab), 100, 0);
	assert_int_equal(live(lab, 1, 1).delta_bytes[INITIATOR], 0);
}

static bool has_rate(struct lab *lab)
{
	const struct record record = live(lab, 1, 1);

	assert_int_equal(record_has(&record, FIELD_RATE_ORIG_BPS),
			 record_has(&record, FIELD_RATE_REPLY_BPS));
	return record_has(&record, FIELD_RATE_ORIG_BPS);
}

static void shows_no_rate_until_counters_are_read_twice(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " FLOW, 1U, 80U, 6U);
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=1000 packets0=1", 1U, 80U, 6U);
	assert_false(has_rate(lab));
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=1000 packets0=1", 1U, 80U, 6U);
	assert_true(has_rate(lab));
	see(lab, "close conntrack " FLOW " bytes0=1000 packets0=1", 1U, 80U, 6U);
	/* what was there before weir is no growth of its first second */
	see(lab, "baseline conntrack " FLOW " bytes0=9000 packets0=9", 1U, 80U, 6U);
	assert_false(has_rate(lab));
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=9100 packets0=10", 1U, 80U, 6U);
	assert_true(has_rate(lab));
	assert_in_range(live(lab, 1, 1).rate_bps[INITIATOR], 799, 801);
}

static void shows_the_rate_of_the_last_interval(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample conntrack " FLOW " bytes0=0 packets0=1", 1U, 80U, 6U);
	assert_false(has_rate(lab));
	pass(lab, 2 * S);
	assert_false(has_rate(lab));
	see(lab, "sample conntrack " FLOW " bytes0=1000 packets0=2", 1U, 80U, 6U);
	assert_true(has_rate(lab));
	assert_in_range(live(lab, 1, 1).rate_bps[INITIATOR], 3999, 4001);
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=1000 packets0=2", 1U, 80U, 6U);
	assert_int_equal(live(lab, 1, 1).rate_bps[INITIATOR], 0);
}

static void tells_no_age_of_what_began_nobody_knows_when(void **state)
{
	struct lab *lab = *state;

	see(lab, "baseline conntrack orig=10.0.0.1,1,10.0.0.2,80,6,0,0 netns=1 bytes0=100");
	see(lab, "baseline conntrack orig=10.0.0.1,2,10.0.0.2,80,6,0,0 netns=1 bytes0=100 "
		 "start=%llu", (unsigned long long)(LAB_WALL_NS - S));
	see(lab, "baseline socket local=10.0.0.1,3,10.0.0.2,80,6,0,0 netns=1 cookie=3 state=1 "
		 "role=1 sent=100");
	see(lab, "sample socket local=10.0.0.1,4,10.0.0.2,80,6,0,0 netns=1 cookie=4 state=1 "
		 "role=1 sent=100");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	for (unsigned port = 1; port <= 4; port++) {
		const struct record record = live(lab, port, 1);

		assert_int_equal(record_has(&record, FIELD_DURATION_MS), port % 2 == 0);
		assert_true(record_has(&record, FIELD_START));
	}
	pass(lab, S);
	see(lab, "close conntrack orig=10.0.0.1,1,10.0.0.2,80,6,0,0 netns=1 bytes0=100");
	assert_false(record_has(last(lab), FIELD_DURATION_MS));
	see(lab, "close conntrack orig=10.0.0.1,2,10.0.0.2,80,6,0,0 netns=1 bytes0=100 stop=%llu",
	    (unsigned long long)LAB_WALL_NS);
	assert_true(last(lab)->duration_ms == 1000);
}

static void tells_a_late_start_as_no_longer_than_the_flow(void **state)
{
	struct lab *lab = *state;

	pass(lab, S);
	see(lab, "close conntrack orig=10.0.0.1,1,10.0.0.2,80,6,0,0 netns=1 bytes0=60 bytes1=40 "
		 "packets0=1 packets1=1 state=8 status=520 start=%llu stop=%llu",
	    (unsigned long long)(LAB_WALL_NS + 2 * MS), (unsigned long long)(LAB_WALL_NS + 5 * MS));
	assert_true(nth(lab, EVENT_START, 0)->duration_ms == 3);
	assert_true(nth(lab, EVENT_FAILED, 0)->duration_ms == 3);
	assert_true(nth(lab, EVENT_END, 0)->duration_ms == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_table_without_room),
		LAB_TEST(evicts_no_live_flow_when_full),
		LAB_TEST(adds_what_it_refused_to_the_overflow),
		LAB_TEST(adds_socket_flows_it_refused_to_the_overflow),
		LAB_TEST(takes_a_refused_flow_in_as_soon_as_there_is_room),
		LAB_TEST(refuses_sockets_beyond_its_room),
		LAB_TEST(reports_every_live_flow_once_at_shutdown),
		LAB_TEST(shows_each_flow_once_while_others_come_and_go),
		LAB_TEST(takes_no_delta_away_by_listing),
		LAB_TEST(shows_no_rate_until_counters_are_read_twice),
		LAB_TEST(shows_the_rate_of_the_last_interval),
		LAB_TEST(tells_no_age_of_what_began_nobody_knows_when),
		LAB_TEST(tells_a_late_start_as_no_longer_than_the_flow),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
