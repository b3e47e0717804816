// SPDX-License-Identifier: Apache-2.0
/* Conntrack observations into flows: totals, deltas, ends in any order. */
#include <netinet/in.h>

#include "lab.h"

#define TUPLE "orig=10.0.0.1,4000,10.0.0.2,80,6,0,0"
#define TCP "orig=192.0.2.1,1000,198.51.100.7,443,6,0,0 netns=1"
#define UDP "orig=192.0.2.1,53000,198.51.100.7,53,17,0,0 netns=1"

/* An hour before the collector, and a millisecond after it. */
#define OLD_START ((unsigned long long)(LAB_WALL_NS - 3600 * S))
#define NEW_START ((unsigned long long)(LAB_WALL_NS + MS))

static void reports_each_growth_once(void **state)
{
	struct lab *lab = *state;
	uint64_t sum = 0;

	see(lab, "open conntrack " UDP);
	see(lab, "sample conntrack " UDP " bytes0=100 bytes1=10 packets0=1 packets1=1");
	pass(lab, 0);
	assert_deltas(nth(lab, EVENT_START, 0), 100, 10);
	pass(lab, 20 * S);
	see(lab, "sample conntrack " UDP " bytes0=150 bytes1=10 packets0=2 packets1=1");
	pass(lab, 0);
	assert_deltas(nth(lab, EVENT_UPDATE, 0), 50, 0);
	assert_totals(nth(lab, EVENT_UPDATE, 0), 150, 10);
	see(lab, "sample conntrack " UDP " bytes0=150 bytes1=10 packets0=2 packets1=1");
	pass(lab, S);
	see(lab, "close conntrack " UDP " bytes0=175 bytes1=30 packets0=3 packets1=2");
	assert_int_equal(lab->count, 3);
	assert_deltas(nth(lab, EVENT_END, 0), 25, 20);
	assert_totals(nth(lab, EVENT_END, 0), 175, 30);
	for (size_t i = 0; i < lab->count; i++) {
		sum += lab->record[i].delta_bytes[INITIATOR];
		assert_int_equal(lab->record[i].seq, i);
		assert_int_equal(lab->record[i].flow_id, lab->record[0].flow_id);
	}
	assert_int_equal(sum, 175);
}

static void begins_the_deltas_of_an_older_flow_at_first_sight(void **state)
{
	struct lab *lab = *state;

	see(lab, "baseline conntrack " TCP " start=%llu bytes0=5000 bytes1=900 packets0=5",
	    OLD_START);
	pass(lab, 0);
	assert_totals(last(lab), 5000, 900);
	assert_deltas(last(lab), 0, 0);
	assert_true(record_has(last(lab), FIELD_BASELINE) && last(lab)->baseline);
	assert_int_equal(last(lab)->start_wall_ns, OLD_START);
	see(lab, "close conntrack " TCP " start=%llu bytes0=5100 bytes1=900 packets0=6",
	    OLD_START);
	assert_totals(last(lab), 5100, 900);
	assert_deltas(last(lab), 100, 0);
}

static void counts_in_full_what_began_after_the_collector(void **state)
{
	struct lab *lab = *state;

	/* the first dump shows it, yet it is younger than the collector */
	pass(lab, 5 * MS);
	see(lab, "baseline conntrack " TCP " start=%llu bytes0=500 packets0=5", NEW_START);
	pass(lab, 0);
	assert_false(record_has(last(lab), FIELD_BASELINE));
	assert_deltas(last(lab), 500, 0);
}

static void takes_lower_totals_for_a_reset(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	see(lab, "sample conntrack " UDP " bytes0=1000 packets0=10");
	pass(lab, 0);
	pass(lab, S);
	see(lab, "sample conntrack " UDP " bytes0=1200 packets0=12");
	pass(lab, S);
	see(lab, "sample conntrack " UDP " bytes0=30 packets0=1");
	assert_int_equal(stats_of(lab).resets, 1);
	pass(lab, 20 * S);
	/* 200 that were due before the reset, and 30 after it */
	assert_totals(last(lab), 30, 0);
	assert_deltas(last(lab), 230, 0);
}

static void takes_no_late_sample_for_a_reset(void **state)
{
	struct lab *lab = *state;
	const unsigned long long at = LAB_BOOT_NS;

	see(lab, "open conntrack " UDP);
	pass(lab, 100 * MS);
	see(lab, "sample conntrack " UDP " bytes0=1000 packets0=10");
	see(lab, "sample conntrack " UDP " bytes0=500 packets0=5 at=%llu", at + 90 * MS);
	see(lab, "sample conntrack " UDP " bytes0=700 packets0=7 at=%llu", at + 95 * MS);
	assert_int_equal(stats_of(lab).resets, 0);
	assert_int_equal(stats_of(lab).grown_bytes, 1000);
	pass(lab, 2 * S);
	assert_totals(last(lab), 1000, 0);
	assert_deltas(last(lab), 1000, 0);
}

static void accepts_an_end_before_its_beginning(void **state)
{
	struct lab *lab = *state;

	see(lab, "close conntrack " UDP " bytes0=60 packets0=1");
	see(lab, "open conntrack " UDP);
	pass(lab, 30 * S);
	assert_int_equal(lab->count, 2);
	assert_int_equal(count_of(lab, EVENT_START), 1);
	assert_deltas(nth(lab, EVENT_END, 0), 60, 0);
	assert_int_equal(stats_of(lab).opened, 1);
	assert_int_equal(stats_of(lab).live, 0);
}

static void counts_a_repeated_end_once(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	for (int i = 0; i < 3; i++)
		see(lab, "close conntrack " UDP " bytes0=60 packets0=1");
	assert_int_equal(count_of(lab, EVENT_END), 1);
	assert_int_equal(stats_of(lab).ended, 1);
	assert_int_equal(stats_of(lab).duplicate_closes, 2);
	assert_int_equal(stats_of(lab).reported_bytes, 60);
}

static void ignores_a_dump_that_was_read_before_the_end(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	see(lab, "close conntrack " UDP " bytes0=60 packets0=1");
	see(lab, "sample conntrack " UDP " bytes0=60 packets0=1");
	pass(lab, 5 * S);
	assert_int_equal(count_of(lab, EVENT_START), 1);
	assert_int_equal(stats_of(lab).live, 0);
}

static void takes_the_first_open_after_the_start_for_its_own(void **state)
{
	struct lab *lab = *state;
	unsigned i;

	/* shown by dumps and told in many records while the event waits its turn */
	for (i = 1; i < 10; i++) {
		see(lab, "sample conntrack " TCP " bytes0=%u start=%llu", 100 * i, NEW_START);
		pass(lab, 20 * S);
	}
	assert_true(count_of(lab, EVENT_UPDATE) > 2);
	see(lab, "open conntrack " TCP);
	assert_int_equal(stats_of(lab).opened, 1);
	/* the second is another's */
	see(lab, "open conntrack " TCP);
	assert_int_equal(stats_of(lab).opened, 2);
}

static void gives_opens_in_their_order_to_what_was_seen_before_them(void **state)
{
	struct lab *lab = *state;

	/* a dump shows the second use before anything of the first is read */
	see(lab, "sample conntrack " TCP " bytes0=100 start=%llu", NEW_START + 5 * MS);
	see(lab, "close conntrack " TCP " bytes0=60 start=%llu", NEW_START);
	see(lab, "open conntrack " TCP);
	see(lab, "open conntrack " TCP);
	assert_int_equal(stats_of(lab).opened, 2);
	assert_int_equal(stats_of(lab).live, 1);
}

static void gives_a_tuple_reused_a_millisecond_later_another_id(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " TCP);
	see(lab, "close conntrack " TCP " bytes0=60 packets0=1 start=%llu", NEW_START);
	pass(lab, MS);
	see(lab, "open conntrack " TCP);
	see(lab, "close conntrack " TCP " bytes0=60 packets0=1 start=%llu", NEW_START + MS);
	assert_int_equal(count_of(lab, EVENT_END), 2);
	assert_int_not_equal(nth(lab, EVENT_END, 0)->flow_id, nth(lab, EVENT_END, 1)->flow_id);
	assert_int_equal(stats_of(lab).duplicate_closes, 0);
}

static void gives_a_tuple_reused_in_one_batch_of_events_another_id(void **state)
{
	struct lab *lab = *state;

	/* no kernel timestamps, and one reading of the clock for all of it */
	for (int i = 0; i < 3; i++) {
		see(lab, "open conntrack " TCP);
		see(lab, "close conntrack " TCP " bytes0=%d packets0=1", 60 + i);
	}
	assert_int_equal(count_of(lab, EVENT_END), 3);
	assert_int_not_equal(nth(lab, EVENT_END, 0)->flow_id, nth(lab, EVENT_END, 1)->flow_id);
	assert_int_not_equal(nth(lab, EVENT_END, 1)->flow_id, nth(lab, EVENT_END, 2)->flow_id);
	assert_int_not_equal(nth(lab, EVENT_END, 0)->flow_id, nth(lab, EVENT_END, 2)->flow_id);
}

static void keeps_a_new_flow_apart_from_the_end_of_the_last(void **state)
{
	struct lab *lab = *state;

	/* the tuple begins anew before its last end is read */
	see(lab, "open conntrack " TCP);
	see(lab, "sample conntrack " TCP " bytes0=50 packets0=1 start=%llu", NEW_START);
	pass(lab, 2 * S);
	see(lab, "open conntrack " TCP);
	see(lab, "sample conntrack " TCP " bytes0=7 packets0=1 start=%llu", NEW_START + 2 * S);
	assert_int_equal(stats_of(lab).live, 2);
	see(lab, "close conntrack " TCP " bytes0=80 packets0=2 start=%llu", NEW_START);
	assert_totals(nth(lab, EVENT_END, 0), 80, 0);
	see(lab, "close conntrack " TCP " bytes0=9 packets0=2 start=%llu", NEW_START + 2 * S);
	assert_totals(nth(lab, EVENT_END, 1), 9, 0);
	assert_int_equal(stats_of(lab).reported_bytes, 89);
}

static void keeps_namespaces_and_zones_apart(void **state)
{
	struct lab *lab = *state;
	const char *const where[] = { "netns=1", "netns=2", "netns=1 zone=5",
				      "netns=1 zone=5 scope=1", "netns=1 zone=5 scope=2" };

	for (unsigned i = 0; i < 5; i++)
		see(lab, "open conntrack orig=10.0.0.1,1000,10.0.0.2,80,6,0,0 %s", where[i]);
	for (unsigned i = 0; i < 5; i++)
		see(lab, "close conntrack orig=10.0.0.1,1000,10.0.0.2,80,6,0,0 %s bytes0=%u",
		    where[i], 100 + i);
	assert_int_equal(count_of(lab, EVENT_END), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_totals(nth(lab, EVENT_END, i), 100 + i, 0);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(nth(lab, EVENT_END, i)->flow_id,
					     nth(lab, EVENT_END, j)->flow_id);
	}
	assert_int_equal(nth(lab, EVENT_END, 2)->zone, 5);
	assert_int_equal(nth(lab, EVENT_END, 1)->netns, 2);
}

static void shows_both_tuples_of_a_translated_flow(void **state)
{
	struct lab *lab = *state;
	struct addr expected;

	/* both ends are rewritten */
	see(lab, "open conntrack " TCP " reply=10.0.0.9,8443,203.0.113.5,61000,6,0,0");
	see(lab, "close conntrack " TCP " reply=10.0.0.9,8443,203.0.113.5,61000,6,0,0");
	assert_true(record_has(last(lab), FIELD_NAT_SRC_IP));
	assert_true(record_has(last(lab), FIELD_NAT_DST_PORT));
	assert_int_equal(addr_parse(&expected, "203.0.113.5", 11), 0);
	assert_true(addr_is_equal(&last(lab)->nat.addr[INITIATOR], &expected));
	assert_int_equal(ntohs(last(lab)->nat.port_be[INITIATOR]), 61000);
	assert_int_equal(ntohs(last(lab)->nat.port_be[RESPONDER]), 8443);
	assert_int_equal(ntohs(last(lab)->orig.port_be[RESPONDER]), 443);
}

static void shows_one_tuple_of_a_flow_that_is_not_translated(void **state)
{
	struct lab *lab = *state;

	see(lab, "close conntrack orig=10.0.0.1,77,10.0.0.2,77,1,8,0 netns=1 "
		 "reply=10.0.0.2,77,10.0.0.1,77,1,0,0");
	for (unsigned id = FIELD_NAT_SRC_IP; id <= FIELD_NAT_DST_PORT; id++)
		assert_false(record_has(last(lab), id));
	assert_true(record_has(last(lab), FIELD_ICMP_ID));
	assert_false(record_has(last(lab), FIELD_SRC_PORT));
}

static void ends_what_two_passes_have_missed_as_inexact(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	see(lab, "sample conntrack " UDP " bytes0=100 packets0=1");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	assert_int_equal(count_of(lab, EVENT_END), 0);
	pass(lab, S);
	sweep(lab, "conntrack", 2); /* another namespace's */
	assert_int_equal(count_of(lab, EVENT_END), 0);
	sweep(lab, "conntrack", 1);
	assert_int_equal(count_of(lab, EVENT_END), 1);
	assert_true(record_has(last(lab), FIELD_EXACT) && !last(lab)->exact);
	assert_int_equal(last(lab)->inexact_reason, INEXACT_LOST);
	assert_int_equal(stats_of(lab).inexact_ends, 1);
	/* when it was last seen to move, not when it was missed */
	assert_int_equal(last(lab)->end_wall_ns, LAB_WALL_NS);
}

static void forgives_one_pass_that_missed_a_flow(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	for (int i = 0; i < 5; i++) {
		pass(lab, S);
		sweep(lab, "conntrack", 1);
		pass(lab, S);
		see(lab, "sample conntrack " UDP " bytes0=100 packets0=1");
	}
	assert_int_equal(stats_of(lab).live, 1);
}

static void ends_the_flows_of_a_namespace_that_is_gone(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	see(lab, "open conntrack " TCP);
	see(lab, "open conntrack orig=10.0.0.1,1,10.0.0.2,80,6,0,0 netns=2");
	see(lab, "sweep conntrack netns=1 gone=1");
	assert_int_equal(count_of(lab, EVENT_END), 2);
	assert_int_equal(nth(lab, EVENT_END, 0)->end_reason, END_DESTROYED);
	assert_int_equal(stats_of(lab).live, 1);
	assert_int_equal(live(lab, 1, 2).netns, 2);
}

static void forgets_namespaces_that_are_gone(void **state)
{
	struct lab *lab = *state;

	/* more than can be known at a time; then one that must still work */
	for (unsigned i = 1; i <= 10000; i++) {
		static const char *const origins[] = { "conntrack", "socket", "address" };

		for (unsigned j = 0; j < 3; j++)
			sweep(lab, origins[(i + j) % 3], i);
		for (unsigned j = 0; j < 3; j++)
			see(lab, "sweep %s netns=%u gone=1", origins[(i + j) % 3], i);
	}
	see(lab, "sample socket local=10.0.0.1,1000,10.0.0.2,80,6,0,0 netns=20000 cookie=5 "
		 "state=1 role=1 sent=10");
	pass(lab, S);
	sweep(lab, "conntrack", 20000);
	pass(lab, S);
	assert_int_equal(live(lab, 1000, 20000).counted_by, ORIGIN_SOCKET);
}

static void says_when_nobody_counts(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	see(lab, "sample conntrack " UDP " status=8");
	pass(lab, 2 * S);
	assert_false(record_has(last(lab), FIELD_BYTES_ORIG));
	assert_int_equal(last(lab)->inexact_reason, INEXACT_ACCT_OFF);
	sweep(lab, "conntrack", 1);
	assert_int_equal(stats_of(lab).without_counters, 1);
}

static void carries_mark_labels_zone_and_status(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample conntrack " TCP " mark=255 status=14 timeout=100 state=3 bytes0=1 "
		 "labels=00000000000000000000000000000080");
	pass(lab, 0);
	assert_int_equal(last(lab)->mark, 255);
	assert_int_equal(last(lab)->status, 14);
	assert_int_equal(last(lab)->labels[15], 0x80);
	assert_int_equal(last(lab)->timeout_s, 100);
	assert_int_equal(last(lab)->ct_state, 3);
	pass(lab, 40 * S);
	assert_int_equal(live(lab, 1000, 1).timeout_s, 60);
	see(lab, "close conntrack " TCP);
	/* the next user of the row has none of it */
	pass(lab, 5 * S);
	see(lab, "sample conntrack orig=10.0.0.1,5,10.0.0.2,80,6,0,0 netns=1 bytes0=1");
	pass(lab, 0);
	assert_int_equal(last(lab)->mark, 0);
	assert_false(record_has(last(lab), FIELD_LABELS));
}

static void tells_why_a_flow_has_ended(void **state)
{
	struct lab *lab = *state;
	const struct {
		const char *sample, *close;
		int reason;
	} cases[] = {
		{ "state=3 status=14", "state=7", END_FIN },
		{ "state=3 status=14", "state=8", END_RST },
		{ "state=1 status=0", "state=8", END_REFUSED },
		/* as it is when the last reference is gone */
		{ "state=1 status=0", "state=8 status=14 bytes1=40 packets1=1", END_REFUSED },
		{ "state=3 status=14 timeout=0", "", END_TIMEOUT },
		{ "state=3 status=14 timeout=300", "", END_DESTROYED },
		{ "state=1 status=0 timeout=0", "", END_TIMEOUT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const unsigned port = 2000 + (unsigned)i;

		see(lab, "sample conntrack orig=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=1 %s "
			 "bytes0=60 packets0=1", port, cases[i].sample);
		see(lab, "close conntrack orig=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=1 %s "
			 "bytes0=60 packets0=1", port, cases[i].close);
		assert_int_equal(nth(lab, EVENT_END, i)->end_reason, cases[i].reason);
	}
	assert_int_equal(count_of(lab, EVENT_FAILED), 3);
	assert_false(record_has(nth(lab, EVENT_FAILED, 0), FIELD_DELTA_BYTES_ORIG));
}

static void ends_at_the_kernels_stop_and_not_at_the_events_arrival(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP);
	pass(lab, 10 * S);
	see(lab, "close conntrack " UDP " bytes0=1 start=%llu stop=%llu", NEW_START,
	    (unsigned long long)(LAB_WALL_NS + 4 * S));
	assert_int_equal(last(lab)->end_wall_ns, LAB_WALL_NS + 4 * S);
	assert_int_equal(last(lab)->time_wall_ns, LAB_WALL_NS + 10 * S);
	/* the first record was made at birth: its start stays, and the id with it */
	assert_int_equal(last(lab)->flow_id, nth(lab, EVENT_START, 0)->flow_id);
}

static void bills_nothing_of_an_old_flow_that_ends_before_the_first_pass(void **state)
{
	struct lab *lab = *state;

	see(lab, "close conntrack " TUPLE " netns=1 bytes0=100 packets0=1 may_be_old=1");
	assert_true(record_has(last(lab), FIELD_BASELINE));
	assert_totals(last(lab), 100, 0);
	assert_deltas(last(lab), 0, 0);
	/* the kernel's start knows better */
	see(lab, "close conntrack " TUPLE " netns=2 bytes0=100 packets0=1 may_be_old=1 start=%llu",
	    (unsigned long long)LAB_WALL_NS + 1);
	assert_false(record_has(last(lab), FIELD_BASELINE));
	assert_deltas(last(lab), 100, 0);
	/* as does having seen it begin */
	see(lab, "open conntrack " TUPLE " netns=3");
	see(lab, "close conntrack " TUPLE " netns=3 bytes0=100 packets0=1 may_be_old=1");
	assert_deltas(last(lab), 100, 0);
}

static void bills_an_old_flow_that_changes_before_the_first_pass_from_there(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample conntrack " TUPLE " netns=1 state=3 may_be_old=1");
	see(lab, "baseline conntrack " TUPLE " netns=1 bytes0=100 packets0=1 state=3");
	pass(lab, S);
	assert_true(record_has(last(lab), FIELD_BASELINE));
	assert_deltas(last(lab), 0, 0);
	see(lab, "close conntrack " TUPLE " netns=1 bytes0=130 packets0=2");
	assert_deltas(last(lab), 30, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(reports_each_growth_once),
		LAB_TEST(begins_the_deltas_of_an_older_flow_at_first_sight),
		LAB_TEST(counts_in_full_what_began_after_the_collector),
		LAB_TEST(takes_lower_totals_for_a_reset),
		LAB_TEST(takes_no_late_sample_for_a_reset),
		LAB_TEST(accepts_an_end_before_its_beginning),
		LAB_TEST(counts_a_repeated_end_once),
		LAB_TEST(ignores_a_dump_that_was_read_before_the_end),
		LAB_TEST(takes_the_first_open_after_the_start_for_its_own),
		LAB_TEST(gives_opens_in_their_order_to_what_was_seen_before_them),
		LAB_TEST(gives_a_tuple_reused_a_millisecond_later_another_id),
		LAB_TEST(gives_a_tuple_reused_in_one_batch_of_events_another_id),
		LAB_TEST(keeps_a_new_flow_apart_from_the_end_of_the_last),
		LAB_TEST(keeps_namespaces_and_zones_apart),
		LAB_TEST(shows_both_tuples_of_a_translated_flow),
		LAB_TEST(shows_one_tuple_of_a_flow_that_is_not_translated),
		LAB_TEST(ends_what_two_passes_have_missed_as_inexact),
		LAB_TEST(forgives_one_pass_that_missed_a_flow),
		LAB_TEST(ends_the_flows_of_a_namespace_that_is_gone),
		LAB_TEST(forgets_namespaces_that_are_gone),
		LAB_TEST(says_when_nobody_counts),
		LAB_TEST(carries_mark_labels_zone_and_status),
		LAB_TEST(tells_why_a_flow_has_ended),
		LAB_TEST(ends_at_the_kernels_stop_and_not_at_the_events_arrival),
		LAB_TEST(bills_nothing_of_an_old_flow_that_ends_before_the_first_pass),
		LAB_TEST(bills_an_old_flow_that_changes_before_the_first_pass_from_there),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
