// SPDX-License-Identifier: Apache-2.0
/* UDP sockets, which lend their owner to many flows, and the flows they belong to. */
#include <string.h>

#include "lab.h"

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

/* The owner of a socket bound like that (pid 9) as the server of a flow to that address. */
static uint32_t server_bound(const char *bound, const char *addr)
{
	struct lab lab;
	uint32_t pid;

	lab_open(&lab, NULL);
	see(&lab, "address address addr=10.0.0.2 netns=1");
	see(&lab, "address address addr=fd00::2 netns=1");
	see(&lab, "sample socket local=%s,17,0,0 netns=1 cookie=9 state=7", bound);
	see(&lab, "owner socket cookie=9 pid=9 comm=p9");
	see(&lab, "open conntrack orig=%s,1000,%s,53,17,0,0 netns=1",
	    strchr(addr, ':') ? "fd00::1" : "10.0.0.1", addr);
	pass(&lab, 2 * S);
	const struct record record = live(&lab, 1000, 1);

	pid = server_pid(&record);
	lab_close(&lab);
	return pid;
}

static void takes_a_socket_bound_to_a_port_for_who_is_local_only(void **state)
{
	static const char any4[] = "0.0.0.0,53,0.0.0.0,0", any6[] = "::,53,::,0";

	assert_int_equal(server_bound(any4, "10.0.0.2"), 9);
	assert_int_equal(server_bound(any4, "198.51.100.7"), 0);
	assert_int_equal(server_bound(any6, "198.51.100.7"), 0);
	assert_int_equal(server_bound(any6, "fd00::7"), 0);
	assert_int_equal(server_bound("10.0.0.2,53,0.0.0.0,0", "10.0.0.2"), 9);
	/* what comes from elsewhere to a group is heard here */
	assert_int_equal(server_bound(any4, "224.0.0.251"), 9);
	assert_int_equal(server_bound(any4, "255.255.255.255"), 9);
	assert_int_equal(server_bound(any6, "ff02::fb"), 9);
	(void)state;
}

static void takes_a_bound_socket_for_the_families_it_hears(void **state)
{
	static const char any4[] = "0.0.0.0,53,0.0.0.0,0", any6[] = "::,53,::,0";

	assert_int_equal(server_bound(any4, "fd00::2"), 0);
	assert_int_equal(server_bound(any6, "fd00::2"), 9);
	assert_int_equal(server_bound(any6, "10.0.0.2"), 9);
	(void)state;
}

static void takes_no_socket_for_ipv4_that_is_told_to_take_ipv6_only(void **state)
{
	struct lab *lab = *state;

	/* has: the tuple, and IPV6_V6ONLY */
	see(lab, "sample socket local=::,53,::,0,17,0,0 netns=1 cookie=8 state=7 has=12");
	see(lab, "owner socket cookie=8 pid=8 comm=p8");
	see(lab, "open conntrack " UDP_FLOW " netns=1");
	assert_owners(lab, 5353, 0, 0);
	see(lab, "open conntrack orig=fd00::1,5354,fd00::2,53,17,0,0 netns=1");
	assert_owners(lab, 5354, 0, 8);
}

static void gives_a_bound_udp_socket_to_flows_that_are_older_than_its_sight(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " UDP_FLOW " netns=1");
	see(lab, "sample conntrack " UDP_FLOW " netns=1 bytes0=80 packets0=1");
	pass(lab, S);
	pass(lab, 600 * S);
	assert_int_equal(lab->count, 1);
	see(lab, "sample socket local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=1 cookie=9 state=7");
	sweep(lab, "socket", 1);
	pass(lab, MS);
	see(lab, "owner socket cookie=9 pid=99 comm=named");
	/* as it is listed, though nothing moves */
	assert_int_equal(live(lab, 5353, 1).owner[RESPONDER].pid, 99);
	/* and told */
	pass(lab, S);
	sweep(lab, "socket", 1);
	pass(lab, 600 * S);
	pass(lab, 600 * S);
	assert_int_equal(server_pid(last(lab)), 99);
	assert_deltas(last(lab), 0, 0);
	assert_int_equal(lab->count, 3);
}

static void tells_the_flows_of_a_udp_socket_of_an_owner_found_late(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=1 cookie=9 state=7");
	see(lab, "sample socket local=0.0.0.0,54,0.0.0.0,0,17,0,0 netns=1 cookie=8 state=7");
	see(lab, "open conntrack " UDP_FLOW " netns=1");
	see(lab, "sample conntrack " UDP_FLOW " netns=1 bytes0=80 packets0=1");
	see(lab, "open conntrack orig=10.0.0.1,5354,10.0.0.2,54,17,0,0 netns=1");
	sweep(lab, "socket", 1);
	pass(lab, S);
	pass(lab, 600 * S);
	sweep(lab, "socket", 1);
	pass(lab, 600 * S);
	assert_int_equal(lab->count, 2);
	see(lab, "owner socket cookie=9 pid=99 comm=named");
	sweep(lab, "socket", 1);
	pass(lab, MS);
	assert_int_equal(lab->count, 3);
	assert_int_equal(server_pid(last(lab)), 99);
	for (int i = 0; i < 3; i++) {
		sweep(lab, "socket", 1);
		pass(lab, 600 * S);
	}
	assert_int_equal(lab->count, 3);
}

static void lends_no_udp_socket_across_namespaces_or_ports(void **state)
{
	socket_of(*state, "local=0.0.0.0,53,0.0.0.0,0,17,0,0 netns=2", 9);
	socket_of(*state, "local=0.0.0.0,54,0.0.0.0,0,17,0,0 netns=1", 10);
	see(*state, "open conntrack " UDP_FLOW " netns=1");
	assert_owners(*state, 5353, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lends_a_bound_udp_socket_to_every_flow),
		cmocka_unit_test(takes_a_socket_bound_to_a_port_for_who_is_local_only),
		cmocka_unit_test(takes_a_bound_socket_for_the_families_it_hears),
		LAB_TEST(takes_no_socket_for_ipv4_that_is_told_to_take_ipv6_only),
		LAB_TEST(gives_a_bound_udp_socket_to_flows_that_are_older_than_its_sight),
		LAB_TEST(tells_the_flows_of_a_udp_socket_of_an_owner_found_late),
		LAB_TEST(lends_no_udp_socket_across_namespaces_or_ports),
	};

	return cmocka_run_group_tests_name("join_udp", tests, NULL, NULL);
}
