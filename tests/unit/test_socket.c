// SPDX-License-Identifier: Apache-2.0
/* Flows that only sockets know, and when conntrack's are waited for. */
#include <netinet/in.h>

#include "lab.h"

#define FLOW "orig=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define CLIENT "local=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define SERVER "local=10.0.0.2,80,10.0.0.1,1000,6,0,0"

static void makes_a_flow_of_a_socket_that_conntrack_does_not_know(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10 received=3 "
		 "segs_out=2 segs_in=1");
	sweep(lab, "conntrack", 1); /* began when the socket was seen: not enough */
	assert_int_equal(stats_of(lab).live, 0);
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	pass(lab, S);
	assert_int_equal(last(lab)->counted_by, ORIGIN_SOCKET);
	assert_deltas(last(lab), 10, 3);
	assert_int_equal(last(lab)->start_wall_ns, LAB_WALL_NS);
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 role=1 sent=25 received=3 "
		 "segs_out=3 segs_in=1");
	assert_int_equal(last(lab)->event, EVENT_END);
	assert_deltas(last(lab), 15, 0);
	assert_int_equal(stats_of(lab).sockets, 0);
}

static void believes_no_part_of_a_pass_that_began_before_the_end(void **state)
{
	struct lab *lab = *state;
	const unsigned long long began = lab->now_boot_ns;

	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=40");
	pass(lab, S);
	see(lab, "close conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	/* written by the kernel before the end, read after it */
	pass(lab, S);
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=40");
	see(lab, "sweep socket netns=1 began=%llu", began);
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	assert_int_equal(stats_of(lab).opened, 1);
	/* but what a later one shows does live */
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=70");
	sweep(lab, "socket", 1);
	assert_int_equal(stats_of(lab).opened, 2);
}

static void waits_for_the_passes_over_the_other_namespaces(void **state)
{
	struct lab *lab = *state;

	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	pass(lab, S);
	see(lab, "sample socket " SERVER " netns=2 cookie=5 state=1 role=2 received=10");
	pass(lab, S);
	sweep(lab, "conntrack", 2); /* its entry can still be namespace 1's */
	assert_int_equal(stats_of(lab).opened, 0);
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=10");
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	assert_int_equal(stats_of(lab).opened, 1);
}

static void waits_for_passes_that_began_after_the_connection_stood(void **state)
{
	struct lab *lab = *state;

	/* A SYN that waits for its neighbour has no entry: passes prove nothing. */
	see(lab, "sample socket " CLIENT " netns=2 cookie=5 state=2 segs_out=1 srtt=0");
	for (int i = 0; i < 3; i++) {
		pass(lab, S);
		sweep(lab, "conntrack", 1);
		sweep(lab, "conntrack", 2);
	}
	see(lab, "sample socket " CLIENT " netns=2 cookie=5 state=1 sent=40 received=70");
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	assert_int_equal(stats_of(lab).opened, 0);
	see(lab, "open conntrack " FLOW " netns=1");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	assert_int_equal(stats_of(lab).opened, 1);
	assert_int_equal(last(lab)->netns, 1);
}

static void forgets_a_connection_attempt_that_vanished(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=2 segs_out=1 srtt=0");
	for (int i = 0; i < 3; i++) {
		pass(lab, S);
		sweep(lab, "socket", 1);
		sweep(lab, "conntrack", 1);
	}
	pass(lab, 3 * S);
	sweep(lab, "conntrack", 1);
	assert_int_equal(stats_of(lab).sockets, 0);
}

static void sees_the_connection_from_its_initiator(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " SERVER " netns=1 cookie=5 state=1 role=2 sent=70 received=20");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	pass(lab, S);
	/* what the server received is the original direction */
	assert_int_equal(ntohs(last(lab)->orig.port_be[RESPONDER]), 80);
	assert_deltas(last(lab), 20, 70);
	see(lab, "sample socket " CLIENT " netns=1 cookie=6 state=1 role=1 sent=20 received=70");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	pass(lab, S);
	assert_int_equal(stats_of(lab).live, 1);
	assert_int_equal(stats_of(lab).grown_bytes, 90);
}

static void adds_no_flow_when_conntrack_picks_up_what_a_socket_counts(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	pass(lab, S);
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=9999 packets0=7");
	assert_int_equal(stats_of(lab).live, 1);
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 role=1 sent=12");
	assert_int_equal(count_of(lab, EVENT_END), 0); /* its entry lives on */
	see(lab, "close conntrack " FLOW " netns=1 bytes0=9999 packets0=7");
	assert_int_equal(count_of(lab, EVENT_END), 1);
	assert_totals(last(lab), 12, 0);
	assert_int_equal(last(lab)->counted_by, ORIGIN_SOCKET);
}

static void gives_a_connection_to_conntrack_when_both_are_seen_in_time(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10");
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=62 packets0=1");
	pass(lab, S);
	sweep(lab, "socket", 1);
	sweep(lab, "conntrack", 1);
	pass(lab, S);
	assert_int_equal(stats_of(lab).live, 1);
	assert_int_equal(last(lab)->counted_by, ORIGIN_CONNTRACK);
	assert_int_equal(last(lab)->tcp_payload_bytes[INITIATOR], 10);
	assert_deltas(last(lab), 62, 0);
}

static void counts_by_socket_where_conntrack_does_not_account(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10 received=1");
	see(lab, "sample conntrack " FLOW " netns=1 status=14");
	pass(lab, S);
	assert_int_equal(last(lab)->counted_by, ORIGIN_SOCKET);
	assert_deltas(last(lab), 10, 1);
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=500 packets0=1");
	see(lab, "close conntrack " FLOW " netns=1 bytes0=700 packets0=2");
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 role=1 sent=30 received=1");
	assert_int_equal(last(lab)->event, EVENT_END);
	assert_totals(last(lab), 30, 1);
	assert_int_equal(stats_of(lab).reported_bytes, 31);
}

static void says_so_when_a_socket_vanished_without_its_last_word(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	for (int i = 0; i < 2; i++) {
		pass(lab, S);
		sweep(lab, "socket", 1);
	}
	assert_int_equal(nth(lab, EVENT_END, 0)->inexact_reason, INEXACT_LOST);
	assert_int_equal(stats_of(lab).inexact_ends, 1);
}

static void ends_the_sockets_of_a_namespace_that_is_gone(void **state)
{
	struct lab *lab = *state;

	/* one that is a flow, one that never was one, one of UDP */
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=10");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	see(lab, "sample socket local=10.0.0.1,7,10.0.0.2,80,6,0,0 netns=1 cookie=6 state=1 "
		 "role=1 sent=4");
	see(lab, "sample socket local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=1 cookie=7 state=7");
	see(lab, "sweep conntrack netns=1 gone=1");
	see(lab, "sweep socket netns=1 gone=1");
	assert_int_equal(stats_of(lab).live, 0);
	assert_int_equal(stats_of(lab).sockets, 0);
	assert_int_equal(stats_of(lab).reported_bytes, 14);
}

static void keeps_the_wheel_whole_when_an_unreported_flow_ends(void **state)
{
	struct lab *lab = *state;

	/* nobody accounts, so the end record lets the socket take over counting */
	for (unsigned port = 1; port <= 20; port++) {
		see(lab, "open conntrack orig=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=%u", port,
		    1 + port % 2);
		see(lab, "sample socket local=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=%u cookie=%u "
			 "state=1 role=1 sent=%u", port, 1 + port % 2, port, port);
		see(lab, "sample conntrack orig=10.0.0.1,%u,10.0.0.2,80,6,0,0 netns=%u status=8",
		    port, 1 + port % 2);
	}
	see(lab, "sweep conntrack netns=1 gone=1");
	assert_int_equal(count_of(lab, EVENT_END), 10);
	pass(lab, S);
	pass(lab, S);
	assert_int_equal(count_of(lab, EVENT_START), 10);
	pass(lab, 5 * S);
	see(lab, "sweep conntrack netns=2 gone=1");
	assert_int_equal(count_of(lab, EVENT_END), 20);
	pass(lab, 5 * S);
	assert_int_equal(lab->deadline_boot_ns, UINT64_MAX);
}

static void bills_nothing_of_an_old_socket_that_ends_before_the_first_pass(void **state)
{
	struct lab *lab = *state;

	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 sent=70 may_be_old=1");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	assert_true(record_has(last(lab), FIELD_BASELINE));
	assert_totals(last(lab), 70, 0);
	assert_deltas(last(lab), 0, 0);
}

static void adds_no_flow_when_the_entry_ended_before_a_socket_seen_dead(void **state)
{
	struct lab *lab = *state;

	/* here in the socket's namespace, there on a router between */
	for (unsigned netns = 1; netns <= 2; netns++) {
		see(lab, "open conntrack " FLOW " netns=%u", netns);
		see(lab, "close conntrack " FLOW " netns=%u bytes0=100 packets0=1", netns);
		see(lab, "close socket " CLIENT " netns=1 cookie=%u state=7 sent=70", netns);
		pass(lab, 5 * S);
	}
	for (unsigned netns = 1; netns <= 2; netns++)
		sweep(lab, "conntrack", netns);
	assert_int_equal(stats_of(lab).opened, 2);
	assert_int_equal(stats_of(lab).sockets, 0);
}

static void counts_sockets_of_more_namespaces_than_it_remembers(void **state)
{
	struct lab *lab = *state;

	for (unsigned netns = 1; netns <= 4096; netns++)
		sweep(lab, "conntrack", netns);
	assert_int_equal(stats_of(lab).passes_forgotten, 0);
	see(lab, "sample socket " CLIENT " netns=5000 cookie=5 state=1 sent=10");
	sweep(lab, "socket", 5000);
	sweep(lab, "conntrack", 5000);
	assert_int_equal(stats_of(lab).opened, 0);
	pass(lab, S);
	for (unsigned netns = 1; netns <= 4096; netns++)
		sweep(lab, "conntrack", netns);
	sweep(lab, "socket", 5001);
	see(lab, "sample socket " CLIENT " netns=5000 cookie=5 state=1 sent=10");
	sweep(lab, "socket", 5000);
	sweep(lab, "conntrack", 5000);
	assert_int_equal(stats_of(lab).opened, 1);
	assert_int_equal(stats_of(lab).passes_forgotten, 5);
	see(lab, "open conntrack " FLOW " netns=5000");
	pass(lab, S);
	see(lab, "sweep conntrack netns=5000 gone=1");
	see(lab, "sweep socket netns=5000 gone=1");
	assert_int_equal(stats_of(lab).live, 0);
	assert_int_equal(stats_of(lab).sockets, 0);
}

#define BOUND "local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=1 cookie=9 state=7 has=4"
#define QUERY "orig=10.0.0.1,%u,10.0.0.2,53,17,0,0 netns=1"

static uint32_t server_of_a_query(struct lab *lab, unsigned port)
{
	see(lab, "open conntrack " QUERY, port);
	pass(lab, 2 * S);
	const struct record record = live(lab, port, 1);

	return record_has(&record, FIELD_SERVER_PID) ? record.owner[RESPONDER].pid : 0;
}

static void keeps_udp_sockets_when_passes_show_tcp_only(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=10.0.0.2 netns=1");
	see(lab, "sample socket " BOUND);
	see(lab, "owner socket cookie=9 pid=99 comm=named");
	for (int i = 0; i < 5; i++) {
		pass(lab, S);
		see(lab, "sweep socket netns=1 tcp_only=1");
	}
	assert_int_equal(server_of_a_query(lab, 1), 99);
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=40");
	for (int i = 0; i < 2; i++) {
		pass(lab, S);
		see(lab, "sweep socket netns=1 tcp_only=1");
	}
	pass(lab, S);
	sweep(lab, "conntrack", 1); /* of TCP it does say what has vanished */
	assert_int_equal(nth(lab, EVENT_END, 0)->inexact_reason, INEXACT_LOST);
}

static void takes_a_udp_socket_back_that_passes_have_missed(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=10.0.0.2 netns=1");
	for (unsigned port = 1; port <= 2; port++) {
		see(lab, "sample socket " BOUND);
		see(lab, "owner socket cookie=9 pid=99 comm=named");
		for (int i = 0; i < 2; i++) {
			pass(lab, S);
			sweep(lab, "socket", 1);
		}
		see(lab, "sample socket " BOUND);
		see(lab, "owner socket cookie=9 pid=99 comm=named");
		/* the second time while it is still lent */
		assert_int_equal(server_of_a_query(lab, port), 99);
	}
	assert_int_equal(stats_of(lab).sockets, 1);
	see(lab, "close socket " BOUND);
	see(lab, "sample socket " BOUND);
	assert_int_equal(server_of_a_query(lab, 3), 0);
}

/* A socket whose connection has entries in two namespaces is lent to both flows. */
static void see_a_socket_lent_twice(struct lab *lab)
{
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=40");
	see(lab, "owner socket cookie=5 pid=11 comm=one");
	for (unsigned netns = 1; netns <= 2; netns++) {
		see(lab, "open conntrack " FLOW " netns=%u", netns);
		see(lab, "sample conntrack " FLOW " netns=%u bytes0=100 packets0=1", netns);
	}
	pass(lab, S);
	assert_int_equal(live(lab, 1000, 1).owner[INITIATOR].pid, 11);
	assert_int_equal(live(lab, 1000, 2).owner[INITIATOR].pid, 11);
}

static void see_all_pass(struct lab *lab)
{
	for (unsigned netns = 1; netns <= 2; netns++) {
		sweep(lab, "socket", netns);
		sweep(lab, "conntrack", netns);
	}
}

static void keeps_a_lent_socket_until_the_last_of_its_flows_is_gone(void **state)
{
	struct lab *lab = *state;

	see_a_socket_lent_twice(lab);
	see(lab, "close conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	pass(lab, S);
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=50");
	see(lab, "sample conntrack " FLOW " netns=2 bytes0=120 packets0=2");
	see_all_pass(lab);
	assert_int_equal(stats_of(lab).opened, 2);
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 sent=60");
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " netns=2 bytes0=120 packets0=2");
	see_all_pass(lab);
	/* another takes its place where it has been given back too early */
	see(lab, "sample socket local=10.0.0.1,7,10.0.0.2,80,6,0,0 netns=1 cookie=6 state=1 "
		 "sent=1");
	see(lab, "owner socket cookie=6 pid=12 comm=two");
	assert_int_equal(live(lab, 1000, 2).owner[INITIATOR].pid, 11);
	assert_int_equal(live(lab, 1000, 2).tcp_payload_bytes[INITIATOR], 60);
	see(lab, "close conntrack " FLOW " netns=2 bytes0=120 packets0=2");
	assert_int_equal(last(lab)->owner[INITIATOR].pid, 11);
	assert_int_equal(stats_of(lab).sockets, 1);
}

static void gives_a_lent_socket_to_the_flow_that_is_left(void **state)
{
	struct lab *lab = *state;

	/* no whole pass comes between the end of the one flow and that of the socket */
	see_a_socket_lent_twice(lab);
	see(lab, "close conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 sent=60");
	for (int i = 0; i < 3; i++) {
		pass(lab, S);
		see(lab, "sample conntrack " FLOW " netns=2 bytes0=%u packets0=2", 120 + i);
		see_all_pass(lab);
	}
	assert_int_equal(stats_of(lab).opened, 2);
	assert_int_equal(live(lab, 1000, 2).owner[INITIATOR].pid, 11);
	see(lab, "close conntrack " FLOW " netns=2 bytes0=130 packets0=2");
	assert_int_equal(stats_of(lab).sockets, 0);
}

static void ends_every_flow_that_only_the_lent_socket_keeps_alive(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " SERVER " netns=2 cookie=6 state=1 role=2 received=40");
	pass(lab, S);
	see_all_pass(lab);
	pass(lab, S);
	/* lent to the flow of the server, then claimed by one of its own namespace */
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 sent=40");
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	pass(lab, S);
	see(lab, "close socket " SERVER " netns=2 cookie=6 state=7 role=2 received=40");
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 role=1 sent=40");
	assert_int_equal(count_of(lab, EVENT_END), 1);
	see(lab, "close conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	assert_int_equal(stats_of(lab).live, 0);
	assert_int_equal(stats_of(lab).sockets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(makes_a_flow_of_a_socket_that_conntrack_does_not_know),
		LAB_TEST(believes_no_part_of_a_pass_that_began_before_the_end),
		LAB_TEST(waits_for_the_passes_over_the_other_namespaces),
		LAB_TEST(waits_for_passes_that_began_after_the_connection_stood),
		LAB_TEST(forgets_a_connection_attempt_that_vanished),
		LAB_TEST(sees_the_connection_from_its_initiator),
		LAB_TEST(adds_no_flow_when_conntrack_picks_up_what_a_socket_counts),
		LAB_TEST(gives_a_connection_to_conntrack_when_both_are_seen_in_time),
		LAB_TEST(counts_by_socket_where_conntrack_does_not_account),
		LAB_TEST(says_so_when_a_socket_vanished_without_its_last_word),
		LAB_TEST(ends_the_sockets_of_a_namespace_that_is_gone),
		LAB_TEST(keeps_the_wheel_whole_when_an_unreported_flow_ends),
		LAB_TEST(bills_nothing_of_an_old_socket_that_ends_before_the_first_pass),
		LAB_TEST(adds_no_flow_when_the_entry_ended_before_a_socket_seen_dead),
		LAB_TEST(counts_sockets_of_more_namespaces_than_it_remembers),
		LAB_TEST(keeps_udp_sockets_when_passes_show_tcp_only),
		LAB_TEST(takes_a_udp_socket_back_that_passes_have_missed),
		LAB_TEST(keeps_a_lent_socket_until_the_last_of_its_flows_is_gone),
		LAB_TEST(gives_a_lent_socket_to_the_flow_that_is_left),
		LAB_TEST(ends_every_flow_that_only_the_lent_socket_keeps_alive),
	};

	return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
