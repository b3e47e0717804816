// SPDX-License-Identifier: Apache-2.0
/* Sockets and the flows they belong to; flows that only sockets know. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "lab.h"

#define FLOW "orig=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define CLIENT "local=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define SERVER "local=10.0.0.2,80,10.0.0.1,1000,6,0,0"
#define UDP_FLOW "orig=10.0.0.1,5353,10.0.0.2,53,17,0,0"

/* A socket with its owner: cookie and pid are the same number. */
static void socket_of(struct lab *lab, const char *where, unsigned cookie)
{
	see(lab, "sample socket %s cookie=%u state=1 inode=%u uid=0 has=5", where, cookie, cookie);
	see(lab, "owner socket cookie=%u pid=%u comm=p%u", cookie, cookie, cookie);
}

static uint32_t client_pid(const struct record *record)
{
	return record_has(record, FIELD_CLIENT_PID) ? record->owner[INITIATOR].pid : 0;
}

static uint32_t server_pid(const struct record *record)
{
	return record_has(record, FIELD_SERVER_PID) ? record->owner[RESPONDER].pid : 0;
}

static void assert_owners(struct lab *lab, unsigned port, uint32_t client, uint32_t server)
{
	/* a record in the making looks for sockets; a listing shows what it found */
	pass(lab, 2 * S);
	const struct record record = live(lab, port, 1);

	assert_int_equal(client_pid(&record), client);
	assert_int_equal(server_pid(&record), server);
}

static void finds_the_client(void **state)
{
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, CLIENT " netns=1 role=1", 11);
	assert_owners(*state, 1000, 11, 0);
}

static void finds_the_server(void **state)
{
	socket_of(*state, SERVER " netns=1 role=2", 12);
	see(*state, "open conntrack " FLOW " netns=1");
	assert_owners(*state, 1000, 0, 12);
}

static void finds_both_ends_of_a_loopback_connection(void **state)
{
	socket_of(*state, CLIENT " netns=1 role=1", 11);
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, SERVER " netns=1 role=2", 12);
	assert_owners(*state, 1000, 11, 12);
}

static void finds_the_sockets_through_translation(void **state)
{
	see(*state, "open conntrack orig=10.0.0.1,1000,203.0.113.1,80,6,0,0 netns=1 "
		    "reply=10.0.0.2,8080,192.0.2.1,2000,6,0,0");
	socket_of(*state, "local=10.0.0.1,1000,203.0.113.1,80,6,0,0 netns=1", 11);
	socket_of(*state, "local=10.0.0.2,8080,192.0.2.1,2000,6,0,0 netns=1", 12);
	assert_owners(*state, 1000, 11, 12);
}

static void finds_the_sockets_of_other_namespaces(void **state)
{
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, CLIENT " netns=2", 11);
	socket_of(*state, SERVER " netns=3", 12);
	assert_owners(*state, 1000, 11, 12);
}

static void finds_a_socket_when_translation_becomes_known_late(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack orig=10.0.0.1,1000,203.0.113.1,80,6,0,0 netns=1");
	socket_of(lab, "local=10.0.0.2,8080,10.0.0.1,1000,6,0,0 netns=1", 12);
	see(lab, "sample conntrack orig=10.0.0.1,1000,203.0.113.1,80,6,0,0 netns=1 "
		 "reply=10.0.0.2,8080,10.0.0.1,1000,6,0,0 bytes0=1");
	assert_owners(lab, 1000, 0, 12);
}

static void attaches_none_of_two_foreign_sockets_that_fit(void **state)
{
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, CLIENT " netns=2", 11);
	socket_of(*state, CLIENT " netns=3", 12);
	assert_owners(*state, 1000, 0, 0);
	/* until its own comes */
	socket_of(*state, CLIENT " netns=1", 13);
	assert_owners(*state, 1000, 13, 0);
}

static void attaches_none_of_three_foreign_sockets_that_fit(void **state)
{
	socket_of(*state, CLIENT " netns=2", 11);
	socket_of(*state, CLIENT " netns=3", 12);
	socket_of(*state, CLIENT " netns=4", 13);
	see(*state, "open conntrack " FLOW " netns=1");
	assert_owners(*state, 1000, 0, 0);
}

static void prefers_the_socket_of_its_own_namespace(void **state)
{
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, CLIENT " netns=2", 11);
	socket_of(*state, CLIENT " netns=1", 12);
	assert_owners(*state, 1000, 12, 0);
}

static void takes_no_foreign_socket_where_that_end_is_at_home(void **state)
{
	see(*state, "address address addr=10.0.0.1 netns=1");
	see(*state, "open conntrack " FLOW " netns=1");
	socket_of(*state, CLIENT " netns=2", 11);
	socket_of(*state, SERVER " netns=3", 12);
	assert_owners(*state, 1000, 0, 12);
}

static void takes_no_foreign_socket_that_another_entry_has(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=10.0.0.1 netns=1");
	see(lab, "address address addr=10.0.0.1 netns=2");
	see(lab, "open conntrack " FLOW " netns=1");
	socket_of(lab, SERVER " netns=3", 12);
	see(lab, "open conntrack " FLOW " netns=2");
	pass(lab, 2 * S);
	const struct record first = live(lab, 1000, 1), second = live(lab, 1000, 2);

	assert_int_equal(server_pid(&first), 12);
	assert_int_equal(server_pid(&second), 0);
}

static void tells_a_socket_that_comes_when_nothing_moves_any_more(void **state)
{
	struct lab *lab = *state;
	size_t before;

	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	pass(lab, 60 * S);
	before = lab->count;
	socket_of(lab, CLIENT " netns=1", 11);
	pass(lab, 60 * S);
	assert_int_equal(last(lab)->event, EVENT_UPDATE);
	assert_int_equal(client_pid(last(lab)), 11);
	assert_deltas(last(lab), 0, 0);
	/* once */
	assert_int_equal(lab->count, before + 2);
	assert_int_equal(count_of(lab, EVENT_CONNECT), 1);
	pass(lab, 60 * S);
	assert_int_equal(lab->count, before + 2);
}

static void counts_a_socket_in_full_that_another_flow_gave_back(void **state)
{
	struct lab *lab = *state;

	/* twins: the flow of namespace 1 has borrowed the socket of namespace 2 */
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=100 packets0=1");
	see(lab, "sample socket " CLIENT " netns=2 cookie=5 state=1 role=1 sent=700");
	see(lab, "sample socket " CLIENT " netns=1 cookie=6 state=1 role=1 sent=40");
	pass(lab, S);
	sweep(lab, "conntrack", 2);
	pass(lab, S);
	const struct record twin = live(lab, 1000, 2);

	assert_int_equal(twin.counted_by, ORIGIN_SOCKET);
	assert_false(record_has(&twin, FIELD_BASELINE));
	assert_totals(&twin, 700, 0);
	assert_int_equal(stats_of(lab).reported_bytes, 800);
}

static void lends_a_bound_udp_socket_to_every_flow(void **state)
{
	static const char *const bound[] = {
		"local=10.0.0.2,53,0.0.0.0,0,17,0,0", "local=0.0.0.0,53,0.0.0.0,0,17,0,0",
		"local=::,53,::,0,17,0,0" };

	for (unsigned i = 0; i < 3; i++) {
		struct lab lab;

		lab_open(&lab, NULL);
		see(&lab, "sample socket %s netns=1 cookie=9 state=7 inode=1 has=4", bound[i]);
		see(&lab, "owner socket cookie=9 pid=99 comm=named");
		for (unsigned port = 1; port <= 3; port++)
			see(&lab, "open conntrack orig=10.0.0.1,%u,10.0.0.2,53,17,0,0 netns=1",
			    port);
		for (unsigned port = 1; port <= 3; port++)
			assert_owners(&lab, port, 0, 99);
		see(&lab, "close socket %s netns=1 cookie=9 state=7 has=4", bound[i]);
		assert_owners(&lab, 1, 0, 99);
		for (unsigned port = 1; port <= 3; port++)
			see(&lab, "close conntrack orig=10.0.0.1,%u,10.0.0.2,53,17,0,0 netns=1",
			    port);
		assert_int_equal(server_pid(last(&lab)), 99);
		assert_int_equal(stats_of(&lab).sockets, 0);
		lab_close(&lab);
	}
	(void)state;
}

static void lends_no_udp_socket_across_namespaces_or_ports(void **state)
{
	socket_of(*state, "local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=2", 9);
	socket_of(*state, "local=0.0.0.0,54,0.0.0.0,0,17,0,0 netns=1", 10);
	see(*state, "open conntrack " UDP_FLOW " netns=1");
	assert_owners(*state, 5353, 0, 0);
}

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

static void makes_an_update_due_when_the_last_socket_closes(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=62 packets0=1 state=3");
	socket_of(lab, CLIENT " netns=1 role=1", 11);
	socket_of(lab, SERVER " netns=1 role=2", 12);
	pass(lab, S);
	see(lab, "close socket " CLIENT " netns=1 cookie=11 state=7 sent=10");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=100 packets0=2 state=3");
	pass(lab, 100 * MS);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 0);
	see(lab, "close socket " SERVER " netns=1 cookie=12 state=7 sent=10");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=140 packets0=3 state=3");
	pass(lab, 100 * MS);
	assert_int_equal(count_of(lab, EVENT_UPDATE), 1);
	assert_deltas(last(lab), 78, 0);
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

static void traces_connect_accept_and_close_once(void **state)
{
	struct lab *lab = *state;

	socket_of(lab, CLIENT " netns=1 role=1", 11);
	socket_of(lab, SERVER " netns=1 role=2", 12);
	socket_of(lab, CLIENT " netns=1 role=1", 11);
	see(lab, "baseline socket local=10.0.0.1,9,10.0.0.2,80,6,0,0 netns=1 cookie=13 state=1");
	see(lab, "owner socket cookie=13 pid=13 comm=old");
	for (int i = 0; i < 2; i++) {
		see(lab, "close socket " CLIENT " netns=1 cookie=11 state=7");
		see(lab, "close socket " SERVER " netns=1 cookie=12 state=7");
	}
	assert_int_equal(count_of(lab, EVENT_CONNECT), 1);
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 1);
	assert_int_equal(count_of(lab, EVENT_CLOSE), 2);
	assert_int_equal(nth(lab, EVENT_CONNECT, 0)->owner[INITIATOR].pid, 11);
	assert_int_equal(nth(lab, EVENT_ACCEPT, 0)->owner[RESPONDER].pid, 12);
	assert_true(tuple_is_equal(&nth(lab, EVENT_ACCEPT, 0)->orig,
				   &nth(lab, EVENT_CONNECT, 0)->orig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(finds_the_client),
		LAB_TEST(finds_the_server),
		LAB_TEST(finds_both_ends_of_a_loopback_connection),
		LAB_TEST(finds_the_sockets_through_translation),
		LAB_TEST(finds_the_sockets_of_other_namespaces),
		LAB_TEST(finds_a_socket_when_translation_becomes_known_late),
		LAB_TEST(attaches_none_of_two_foreign_sockets_that_fit),
		LAB_TEST(attaches_none_of_three_foreign_sockets_that_fit),
		LAB_TEST(prefers_the_socket_of_its_own_namespace),
		LAB_TEST(takes_no_foreign_socket_where_that_end_is_at_home),
		LAB_TEST(takes_no_foreign_socket_that_another_entry_has),
		LAB_TEST(tells_a_socket_that_comes_when_nothing_moves_any_more),
		LAB_TEST(counts_a_socket_in_full_that_another_flow_gave_back),
		cmocka_unit_test(lends_a_bound_udp_socket_to_every_flow),
		LAB_TEST(lends_no_udp_socket_across_namespaces_or_ports),
		LAB_TEST(makes_a_flow_of_a_socket_that_conntrack_does_not_know),
		LAB_TEST(believes_no_part_of_a_pass_that_began_before_the_end),
		LAB_TEST(waits_for_the_passes_over_the_other_namespaces),
		LAB_TEST(sees_the_connection_from_its_initiator),
		LAB_TEST(adds_no_flow_when_conntrack_picks_up_what_a_socket_counts),
		LAB_TEST(gives_a_connection_to_conntrack_when_both_are_seen_in_time),
		LAB_TEST(counts_by_socket_where_conntrack_does_not_account),
		LAB_TEST(makes_an_update_due_when_the_last_socket_closes),
		LAB_TEST(says_so_when_a_socket_vanished_without_its_last_word),
		LAB_TEST(ends_the_sockets_of_a_namespace_that_is_gone),
		LAB_TEST(keeps_the_wheel_whole_when_an_unreported_flow_ends),
		LAB_TEST(traces_connect_accept_and_close_once),
	};

	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
