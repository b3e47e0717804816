// SPDX-License-Identifier: Apache-2.0
/*
 * When a record is due: the report curve (contract A16 to A24), the closing
 * connection, the wheel. Every test has its own curve.
 */
#include <stdlib.h>

#include "base/why.h"
#include "lab.h"

#define FLOW "orig=192.0.2.1,%u,198.51.100.7,443,6,0,0 netns=1"

static struct lab *lab_with(size_t count, const struct curve_point *point)
{
	struct lab *lab = malloc(sizeof(*lab));
	struct table_conf conf = lab_conf();

	assert_non_null(lab);
	conf.curve.count = count;
	for (size_t i = 0; i < count; i++)
		conf.curve.point[i] = point[i];
	lab_open(lab, &conf);
	return lab;
}

static void done(struct lab *lab)
{
	assert_identities(lab);
	lab_close(lab);
	free(lab);
}

/* The flow moves every `step`; passes through that much time. */
static void move_for(struct lab *lab, unsigned port, uint64_t span_ns, uint64_t step_ns)
{
	const uint64_t end_ns = lab->now_boot_ns + span_ns;

	while (lab->now_boot_ns < end_ns) {
		pass(lab, step_ns);
		see(lab, "sample conntrack " FLOW " bytes0=%llu packets0=1", port,
		    (unsigned long long)(lab->now_boot_ns / MS));
		pass(lab, 0);
	}
}

static void paces_by_age_through_four_brackets(void **state)
{
	const struct curve_point point[] = {
		{ 0, 2 * S }, { 10 * S, 5 * S }, { 30 * S, 10 * S }, { 60 * S, 30 * S } };
	struct lab *lab = lab_with(4, point);

	see(lab, "open conntrack " FLOW, 1U);
	move_for(lab, 1, 10 * S, 100 * MS);
	assert_in_range(count_of(lab, EVENT_UPDATE), 4, 5);
	move_for(lab, 1, 20 * S, 100 * MS);
	assert_in_range(count_of(lab, EVENT_UPDATE), 4 + 3, 5 + 4);
	move_for(lab, 1, 30 * S, 100 * MS);
	assert_in_range(count_of(lab, EVENT_UPDATE), 4 + 3 + 2, 5 + 4 + 3);
	move_for(lab, 1, 120 * S, 100 * MS);
	assert_in_range(count_of(lab, EVENT_UPDATE), 4 + 3 + 2 + 3, 5 + 4 + 3 + 4);
	for (size_t i = 1; i < lab->count; i++) {
		const uint64_t gap_ns =
			lab->record[i].time_wall_ns - lab->record[i - 1].time_wall_ns;
		const double age_ms = lab->record[i].duration_ms;

		assert_true(i == 1 || gap_ns + 20 * MS >= 2 * S);
		assert_true(age_ms < 65000 || gap_ns + 20 * MS >= 10 * S);
		assert_true(age_ms < 120000 || gap_ns + 20 * MS >= 30 * S);
	}
	done(lab);
}

static void reports_every_refresh_when_every_is_zero(void **state)
{
	const struct curve_point point[] = { { 0, 0 } };
	struct lab *lab = lab_with(1, point);

	see(lab, "open conntrack " FLOW, 1U);
	see(lab, "sample conntrack " FLOW " bytes0=1", 1U);
	pass(lab, 0);
	move_for(lab, 1, 30 * S, S);
	/* a wheel's tick of 16 ms may carry one of them over */
	pass(lab, 20 * MS);
	assert_int_equal(count_of(lab, EVENT_START), 1);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 30);
	done(lab);
}

static void makes_no_record_when_nothing_moves(void **state)
{
	const struct curve_point point[] = { { 0, 0 } };
	struct lab *lab = lab_with(1, point);

	see(lab, "sample conntrack " FLOW " bytes0=7 packets0=1", 1U);
	for (int i = 0; i < 100; i++) {
		see(lab, "sample conntrack " FLOW " bytes0=7 packets0=1 status=%d", 1U, i);
		pass(lab, S);
	}
	assert_int_equal(lab->count, 1);
	assert_int_equal(lab->deadline_boot_ns, UINT64_MAX);
	done(lab);
}

static void suppresses_start_and_updates_below_the_minimum_age(void **state)
{
	const struct curve_point point[] = { { 10 * S, S }, { 60 * S, 5 * S } };
	struct lab *lab = lab_with(2, point);

	see(lab, "open conntrack " FLOW, 1U);
	see(lab, "open conntrack " FLOW, 2U);
	move_for(lab, 1, 9900 * MS, 100 * MS);
	assert_int_equal(lab->count, 0);
	/* the end of one that never grew old is reported all the same */
	see(lab, "close conntrack " FLOW " bytes0=60 packets0=1", 2U);
	assert_int_equal(lab->count, 1);
	assert_int_equal(last(lab)->event, EVENT_END);
	assert_int_equal(last(lab)->seq, 0);
	assert_deltas(last(lab), 60, 0);
	move_for(lab, 1, 300 * MS, 100 * MS);
	assert_int_equal(count_of(lab, EVENT_START), 1);
	assert_true(last(lab)->duration_ms >= 10000);
	done(lab);
}

static void suppresses_a_young_flow_of_a_socket_alone(void **state)
{
	const struct curve_point point[] = { { 10 * S, S } };
	struct lab *lab = lab_with(1, point);

	see(lab, "sample socket local=10.0.0.1,7,10.0.0.2,80,6,0,0 netns=1 cookie=3 state=1 "
		 "role=1 sent=5");
	see(lab, "close socket local=10.0.0.1,7,10.0.0.2,80,6,0,0 netns=1 cookie=3 state=7 "
		 "role=1 sent=9");
	pass(lab, 2 * S);
	sweep(lab, "conntrack", 1);
	assert_int_equal(count_of(lab, EVENT_START), 0);
	assert_int_equal(count_of(lab, EVENT_END), 1);
	assert_deltas(last(lab), 9, 0);
	done(lab);
}

static void lets_the_start_wait_one_refresh_for_counters(void **state)
{
	const struct curve_point point[] = { { 0, 20 * S } };
	struct lab *lab = lab_with(1, point);

	see(lab, "open conntrack " FLOW, 1U);
	see(lab, "open conntrack " FLOW, 2U);
	pass(lab, 500 * MS);
	assert_int_equal(lab->count, 0);
	see(lab, "sample conntrack " FLOW " bytes0=60 packets0=1", 1U);
	pass(lab, 16 * MS);
	assert_int_equal(lab->count, 1);
	assert_deltas(last(lab), 60, 0);
	assert_in_range(lab->deadline_boot_ns, LAB_BOOT_NS + 980 * MS, LAB_BOOT_NS + S);
	pass(lab, S);
	assert_int_equal(count_of(lab, EVENT_START), 2);
	done(lab);
}

static void makes_the_update_of_a_closing_connection_due_at_once(void **state)
{
	const struct curve_point point[] = { { 0, 300 * S } };
	struct lab *lab = lab_with(1, point);

	see(lab, "sample conntrack " FLOW " bytes0=60 packets0=1 state=3", 1U);
	pass(lab, 0);
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=5000 packets0=9 state=3", 1U);
	pass(lab, S);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 0);
	/* an event has no counters: the next look has them */
	see(lab, "sample conntrack " FLOW
	    " has=642 reply=198.51.100.7,443,192.0.2.1,1,6,0,0 state=7", 1U);
	pass(lab, 100 * MS);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 0);
	see(lab, "sample conntrack " FLOW " bytes0=6000 packets0=11 state=7", 1U);
	pass(lab, 20 * MS);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 1);
	assert_deltas(last(lab), 5940, 0);
	/* once: what trickles in later waits for the curve, or for the end */
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " bytes0=6052 packets0=12 state=7", 1U);
	pass(lab, S);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 1);
	done(lab);
}

static void treats_flows_of_unknown_age_as_aged(void **state)
{
	struct lab lab;

	/* A23: entries older than the kernel's timestamping have no start */
	lab_open(&lab, NULL);
	see(&lab, "baseline conntrack " FLOW " bytes0=1", 1U);
	pass(&lab, 0);
	move_for(&lab, 1, 59 * S, S);
	assert_int_equal(lab.count, 1);
	move_for(&lab, 1, 2 * S, S);
	assert_int_equal(lab.count, 2);
	lab_close(&lab);
}

static void reports_old_flows_once_at_start_and_then_by_their_true_age(void **state)
{
	struct lab lab;

	lab_open(&lab, NULL);
	for (unsigned port = 1; port <= 50; port++)
		see(&lab, "baseline conntrack " FLOW " bytes0=1 start=%llu", port,
		    (unsigned long long)(LAB_WALL_NS - 600 * S));
	pass(&lab, 0);
	assert_int_equal(lab.count, 50);
	for (int i = 0; i < 290; i++) {
		for (unsigned port = 1; port <= 50; port++)
			see(&lab, "sample conntrack " FLOW " bytes0=%d", port, 2 + i);
		pass(&lab, S);
	}
	assert_int_equal(lab.count, 50);
	pass(&lab, 11 * S);
	assert_int_equal(lab.count, 100);
	lab_close(&lab);
}

static void paces_each_flow_of_a_full_table(void **state)
{
	struct lab lab;

	/* A24: more flows than there is room for do not lift the pacing */
	lab_open(&lab, NULL);
	for (int i = 0; i < 19; i++) {
		for (unsigned port = 1; port <= 200; port++)
			see(&lab, "sample conntrack " FLOW " bytes0=%d", port, 10 + i);
		pass(&lab, S);
	}
	assert_int_equal(lab.count, 64);
	lab_close(&lab);
}

static void wakes_at_the_deadline_it_named(void **state)
{
	const struct curve_point point[] = { { 0, 100 * S } };
	struct lab *lab = lab_with(1, point);
	unsigned wakes = 0;

	/* beyond the wheel's horizon of 65 s */
	see(lab, "sample conntrack " FLOW " bytes0=1", 1U);
	pass(lab, 0);
	see(lab, "sample conntrack " FLOW " bytes0=2", 1U);
	pass(lab, 0);
	while (count_of(lab, EVENT_UPDATE) == 0) {
		assert_true(lab->deadline_boot_ns < UINT64_MAX);
		assert_true(++wakes < 10);
		pass(lab, lab->deadline_boot_ns > lab->now_boot_ns ?
				  lab->deadline_boot_ns - lab->now_boot_ns : MS);
	}
	assert_in_range(lab->now_boot_ns, LAB_BOOT_NS + 100 * S, LAB_BOOT_NS + 100 * S + 40 * MS);
	done(lab);
}

static void misses_nothing_when_time_jumps(void **state)
{
	const struct curve_point point[] = { { 0, S } };
	struct lab *lab = lab_with(1, point);

	for (unsigned port = 1; port <= 40; port++) {
		see(lab, "open conntrack " FLOW, port);
		pass(lab, 37 * MS);
	}
	pass(lab, 3600 * S); /* the host slept */
	assert_int_equal(count_of(lab, EVENT_START), 40);
	done(lab);
}

static void refuses_curves_that_do_not_rise(void **state)
{
	struct curve curve = { .count = 2, .point = { { S, S }, { S, S } } };
	struct why why;

	assert_true(curve_check(&curve, &why) < 0);
	curve.point[1].age_ns = 2 * S;
	assert_int_equal(curve_check(&curve, &why), 0);
	curve.count = 0;
	assert_true(curve_check(&curve, &why) < 0);
	curve.count = CURVE_POINTS_MAX + 1;
	assert_true(curve_check(&curve, &why) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paces_by_age_through_four_brackets),
		cmocka_unit_test(reports_every_refresh_when_every_is_zero),
		cmocka_unit_test(makes_no_record_when_nothing_moves),
		cmocka_unit_test(suppresses_start_and_updates_below_the_minimum_age),
		cmocka_unit_test(suppresses_a_young_flow_of_a_socket_alone),
		cmocka_unit_test(lets_the_start_wait_one_refresh_for_counters),
		cmocka_unit_test(makes_the_update_of_a_closing_connection_due_at_once),
		cmocka_unit_test(treats_flows_of_unknown_age_as_aged),
		cmocka_unit_test(reports_old_flows_once_at_start_and_then_by_their_true_age),
		cmocka_unit_test(paces_each_flow_of_a_full_table),
		cmocka_unit_test(wakes_at_the_deadline_it_named),
		cmocka_unit_test(misses_nothing_when_time_jumps),
		cmocka_unit_test(refuses_curves_that_do_not_rise),
	};

	return cmocka_run_group_tests_name("due", tests, NULL, NULL);
}
