// SPDX-License-Identifier: Apache-2.0
/* Sockets and the flows they belong to. */
#include <netinet/in.h>
#include <string.h>

#include "lab.h"

#define FLOW "orig=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define CLIENT "local=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define SERVER "local=10.0.0.2,80,10.0.0.1,1000,6,0,0"

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

/* Twins: the same tuple in two namespaces, the one alive, the other over at once. */
static void see_twins(struct lab *lab)
{
	see(lab, "address address addr=10.0.0.1 netns=1");
	see(lab, "address address addr=10.0.0.1 netns=2");
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 state=3 bytes0=90");
}

static void gives_a_dead_socket_to_the_twin_that_is_over(void **state)
{
	struct lab *lab = *state;

	see_twins(lab);
	socket_of(lab, SERVER " netns=3", 12);
	see(lab, "close socket " SERVER " netns=4 cookie=13 state=7 role=2 sent=5 received=70");
	see(lab, "open conntrack " FLOW " netns=2");
	see(lab, "sample conntrack " FLOW " netns=2 state=7 bytes0=90");
	assert_owners(lab, 1000, 0, 12);
	assert_int_equal(live(lab, 1000, 2).tcp_payload_bytes[INITIATOR], 70);
}

static void gives_a_live_socket_to_the_twin_that_lives(void **state)
{
	struct lab *lab = *state;

	see_twins(lab);
	see(lab, "close socket " SERVER " netns=4 cookie=13 state=7 role=2 sent=5 received=70");
	see(lab, "open conntrack " FLOW " netns=2");
	see(lab, "sample conntrack " FLOW " netns=2 state=7 bytes0=90");
	socket_of(lab, SERVER " netns=3", 12);
	assert_owners(lab, 1000, 0, 12);
	assert_int_equal(live(lab, 1000, 2).tcp_payload_bytes[INITIATOR], 70);
}

static void gives_no_socket_to_a_twin_when_its_own_flow_ended_before_it(void **state)
{
	struct lab *lab = *state;

	see_twins(lab);
	socket_of(lab, SERVER " netns=3", 12);
	see(lab, "open conntrack " FLOW " netns=2");
	see(lab, "sample conntrack " FLOW " netns=2 state=7 bytes0=90");
	see(lab, "close socket " SERVER " netns=4 cookie=13 state=7 role=2 sent=5 received=70");
	see(lab, "close conntrack " FLOW " netns=1 bytes0=90");
	see(lab, "close socket " SERVER " netns=3 cookie=12 state=7 role=2 sent=5 received=9");
	pass(lab, S);
	for (unsigned netns = 1; netns <= 4; netns++)
		sweep(lab, "conntrack", netns);
	assert_int_equal(live(lab, 1000, 2).tcp_payload_bytes[INITIATOR], 70);
	assert_int_equal(stats_of(lab).opened, 2);
}

static void gives_a_dead_socket_to_the_only_flow_it_fits(void **state)
{
	struct lab *lab = *state;

	/* a router that has not seen the end of it */
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 state=3 bytes0=90");
	see(lab, "close socket " CLIENT " netns=2 cookie=13 state=7 role=1 sent=70 received=5");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	assert_int_equal(live(lab, 1000, 1).tcp_payload_bytes[INITIATOR], 70);
	assert_int_equal(stats_of(lab).opened, 1);
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

static void traces_a_connection_that_is_seen_only_as_it_ends(void **state)
{
	struct lab *lab = *state;

	see(lab, "close socket " CLIENT " netns=1 role=1 cookie=11 state=7 sent=9");
	see(lab, "close socket " SERVER " netns=2 role=2 cookie=12 state=7 received=9");
	assert_int_equal(count_of(lab, EVENT_CONNECT), 1);
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 1);
	assert_int_equal(count_of(lab, EVENT_CLOSE), 2);
	assert_false(record_has(nth(lab, EVENT_CONNECT, 0), FIELD_CLIENT_PID));
	assert_true(tuple_is_equal(&nth(lab, EVENT_ACCEPT, 0)->orig,
				   &nth(lab, EVENT_CONNECT, 0)->orig));
	/* what was there before weir, and what never was connected */
	see(lab, "close socket " CLIENT " netns=1 cookie=13 state=7 sent=9 may_be_old=1");
	see(lab, "close socket netns=1 cookie=14 state=7");
	see(lab, "sample socket " CLIENT " netns=1 cookie=15 state=2 segs_out=1 srtt=0");
	see(lab, "close socket netns=1 cookie=15 state=7");
	assert_int_equal(lab->count, 4);
	/* it may have been seen before, and still be too short for its owner */
	see(lab, "sample socket " CLIENT " netns=1 role=1 cookie=16 state=2 segs_out=1 srtt=0");
	see(lab, "close socket " CLIENT " netns=1 cookie=16 state=7 sent=9");
	assert_int_equal(count_of(lab, EVENT_CONNECT), 2);
	assert_int_equal(count_of(lab, EVENT_CLOSE), 3);
}

static void traces_who_was_asked_as_conntrack_or_the_other_end_knows(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack orig=10.0.0.1,1,10.0.0.2,5001,6,0,0 netns=1");
	see(lab, "close socket local=10.0.0.2,5001,10.0.0.1,1,6,0,0 netns=1 cookie=11 state=7 "
		 "sent=1");
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 1);
	see(lab, "close socket local=10.0.0.1,2,10.0.0.2,5001,6,0,0 netns=1 cookie=12 state=7 "
		 "role=1 sent=1");
	see(lab, "close socket local=10.0.0.2,5001,10.0.0.1,2,6,0,0 netns=2 cookie=13 state=7 "
		 "sent=1");
	assert_int_equal(count_of(lab, EVENT_CONNECT), 1);
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 2);
	/* else the lower port is the server's */
	see(lab, "close socket local=10.0.0.2,80,10.0.0.1,4003,6,0,0 netns=2 cookie=14 "
		 "state=7 sent=1");
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 3);
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
		LAB_TEST(gives_a_dead_socket_to_the_twin_that_is_over),
		LAB_TEST(gives_a_live_socket_to_the_twin_that_lives),
		LAB_TEST(gives_no_socket_to_a_twin_when_its_own_flow_ended_before_it),
		LAB_TEST(gives_a_dead_socket_to_the_only_flow_it_fits),
		LAB_TEST(prefers_the_socket_of_its_own_namespace),
		LAB_TEST(takes_no_foreign_socket_where_that_end_is_at_home),
		LAB_TEST(takes_no_foreign_socket_that_another_entry_has),
		LAB_TEST(tells_a_socket_that_comes_when_nothing_moves_any_more),
		LAB_TEST(counts_a_socket_in_full_that_another_flow_gave_back),
		LAB_TEST(makes_an_update_due_when_the_last_socket_closes),
		LAB_TEST(traces_connect_accept_and_close_once),
		LAB_TEST(traces_a_connection_that_is_seen_only_as_it_ends),
		LAB_TEST(traces_who_was_asked_as_conntrack_or_the_other_end_knows),
	};

	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
