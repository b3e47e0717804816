// SPDX-License-Identifier: Apache-2.0
/*
 * Two conntrack entries of one connection: exactly one is primary; and where a
 * flow comes from and goes to, by the addresses of its namespace.
 */
#include <netinet/in.h>

#include "lab.h"

#define FLOW "orig=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define UDP_FLOW "orig=10.0.0.1,1000,10.0.0.2,80,17,0,0"

static size_t primary_ends(const struct lab *lab)
{
	size_t n = 0;

	for (size_t i = 0; i < lab->count; i++)
		n += lab->record[i].event == EVENT_END && lab->record[i].primary;
	return n;
}

static bool is_primary(const struct lab *lab, unsigned port, unsigned netns)
{
	return live(lab, port, netns).primary;
}

static void makes_exactly_one_of_two_entries_primary(void **state)
{
	/* in whatever order they come, with or without a whole pass before */
	for (int order = 0; order < 8; order++) {
		const unsigned first = 1 + (order & 1), second = 3 - first;
		struct lab lab;

		lab_open(&lab, NULL);
		if (order & 2) {
			sweep(&lab, "conntrack", 1);
			sweep(&lab, "conntrack", 2);
		}
		see(&lab, "address address addr=10.0.0.1 netns=2");
		see(&lab, "open conntrack " FLOW " netns=%u", first);
		if (order & 4)
			see(&lab, "sample conntrack " FLOW " netns=%u bytes0=60", first);
		pass(&lab, 0);
		see(&lab, "open conntrack " FLOW " netns=%u", second);
		see(&lab, "sample conntrack " FLOW " netns=%u bytes0=60", second);
		see(&lab, "sample conntrack " FLOW " netns=%u bytes0=60", first);
		pass(&lab, 2 * S);
		assert_int_equal(is_primary(&lab, 1000, 1) + is_primary(&lab, 1000, 2), 1);
		/* the client's namespace counts, unless another was reported before */
		if (!(order & 4))
			assert_true(is_primary(&lab, 1000, 2));
		assert_int_equal(live(&lab, 1000, 1).peer_flow_id,
				 live(&lab, 1000, 2).flow_id);
		assert_int_equal(live(&lab, 1000, 2).peer_flow_id,
				 live(&lab, 1000, 1).flow_id);
		see(&lab, "close conntrack " FLOW " netns=1 bytes0=60");
		see(&lab, "close conntrack " FLOW " netns=2 bytes0=60");
		assert_int_equal(primary_ends(&lab), 1);
		lab_close(&lab);
	}
	(void)state;
}

/* Sums take primaries alone: bytes that one of the two counts are in them. */
static void prefers_the_entry_that_is_counted(void **state)
{
	for (int order = 0; order < 2; order++) {
		const unsigned first = 1 + (unsigned)order, second = 3 - first;
		struct record counted;
		struct lab lab;

		lab_open(&lab, NULL);
		see(&lab, "address address addr=10.0.0.1 netns=2");
		see(&lab, "open conntrack " UDP_FLOW " netns=%u", first);
		see(&lab, "open conntrack " UDP_FLOW " netns=%u", second);
		/* accounting is off where the client lives */
		see(&lab, "sample conntrack " UDP_FLOW " netns=%u%s", first,
		    first == 1 ? " bytes0=60" : "");
		see(&lab, "sample conntrack " UDP_FLOW " netns=%u%s", second,
		    second == 1 ? " bytes0=60" : "");
		pass(&lab, 2 * S);
		assert_true(is_primary(&lab, 1000, 1));
		assert_false(is_primary(&lab, 1000, 2));
		counted = live(&lab, 1000, 1);
		assert_totals(&counted, 60, 0);
		see(&lab, "close conntrack " UDP_FLOW " netns=1 bytes0=60");
		see(&lab, "close conntrack " UDP_FLOW " netns=2");
		assert_int_equal(primary_ends(&lab), 1);
		lab_close(&lab);
	}
	(void)state;
}

/* What was told before anything was read gives way once, and as many end as have begun. */
static void gives_the_place_to_the_entry_that_turns_out_to_be_counted(void **state)
{
	for (int order = 0; order < 2; order++) {
		uint64_t begun = 0, bytes = 0;
		struct lab lab;

		lab_open(&lab, NULL);
		see(&lab, "address address addr=10.0.0.1 netns=2");
		see(&lab, "open conntrack " UDP_FLOW " netns=1");
		see(&lab, "open conntrack " UDP_FLOW " netns=2");
		pass(&lab, 2 * S);
		assert_int_equal(count_of(&lab, EVENT_START), 2);
		assert_true(is_primary(&lab, 1000, 2));
		if (order)
			see(&lab, "sample conntrack " UDP_FLOW " netns=2");
		see(&lab, "sample conntrack " UDP_FLOW " netns=1 bytes0=60");
		if (!order)
			see(&lab, "sample conntrack " UDP_FLOW " netns=2");
		assert_true(is_primary(&lab, 1000, 1));
		assert_false(is_primary(&lab, 1000, 2));
		pass(&lab, 60 * S);
		see(&lab, "sample conntrack " UDP_FLOW " netns=1 bytes0=90");
		see(&lab, "close conntrack " UDP_FLOW " netns=2");
		see(&lab, "close conntrack " UDP_FLOW " netns=1 bytes0=90");
		for (size_t i = 0; i < lab.count; i++) {
			if (!lab.record[i].primary)
				continue;
			begun += lab.record[i].event == EVENT_START;
			bytes += record_has(&lab.record[i], FIELD_DELTA_BYTES_ORIG) ?
					 lab.record[i].delta_bytes[INITIATOR] : 0;
		}
		assert_int_equal(begun, 1);
		assert_int_equal(primary_ends(&lab), 1);
		assert_int_equal(bytes, 90);
		lab_close(&lab);
	}
	(void)state;
}

/* Also where no entry has counters: a socket does for its own namespace. */
static void prefers_the_client_where_its_socket_counts(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "open conntrack " FLOW " netns=2");
	see(lab, "sample socket local=10.0.0.1,1000,10.0.0.2,80,6,0,0 netns=2 cookie=5 state=1 "
		 "role=1 sent=10");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=60");
	see(lab, "sample conntrack " FLOW " netns=2");
	pass(lab, 2 * S);
	assert_true(is_primary(lab, 1000, 2));
	assert_int_equal(live(lab, 1000, 2).counted_by, ORIGIN_SOCKET);
	assert_false(is_primary(lab, 1000, 1));
}

static void pairs_entries_through_translation(void **state)
{
	struct lab *lab = *state;

	/* a container's own entry, and the host's which masquerades it */
	see(lab, "address address addr=172.17.0.2 netns=2");
	see(lab, "open conntrack orig=172.17.0.2,1000,10.0.0.2,80,6,0,0 netns=1 "
		 "reply=10.0.0.2,80,10.0.0.1,2000,6,0,0");
	see(lab, "open conntrack orig=172.17.0.2,1000,10.0.0.2,80,6,0,0 netns=2");
	pass(lab, 2 * S);
	assert_false(is_primary(lab, 1000, 1));
	assert_true(is_primary(lab, 1000, 2));
}

static void pairs_the_servers_entry_through_translation(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack orig=192.0.2.9,1000,10.0.0.1,80,6,0,0 netns=1 "
		 "reply=172.17.0.2,8080,192.0.2.9,1000,6,0,0");
	see(lab, "open conntrack orig=192.0.2.9,1000,172.17.0.2,8080,6,0,0 netns=2");
	see(lab, "address address addr=172.17.0.2 netns=2");
	pass(lab, 2 * S);
	assert_false(is_primary(lab, 1000, 1));
	assert_true(is_primary(lab, 1000, 2));
}

static void makes_one_of_three_entries_primary(void **state)
{
	struct lab *lab = *state;

	/* container to container through a host that translates */
	see(lab, "address address addr=172.17.0.2 netns=2");
	see(lab, "address address addr=172.18.0.2 netns=3");
	see(lab, "open conntrack orig=172.17.0.2,1000,10.0.0.1,80,6,0,0 netns=2");
	see(lab, "open conntrack orig=172.17.0.2,1000,10.0.0.1,80,6,0,0 netns=1 "
		 "reply=172.18.0.2,8080,172.17.0.2,1000,6,0,0");
	see(lab, "open conntrack orig=172.17.0.2,1000,172.18.0.2,8080,6,0,0 netns=3");
	pass(lab, 2 * S);
	assert_true(is_primary(lab, 1000, 2));
	assert_false(is_primary(lab, 1000, 1));
	assert_false(is_primary(lab, 1000, 3));
}

static void takes_no_twins_for_peers(void **state)
{
	struct lab *lab = *state;

	/* equal addresses in two namespaces: two connections */
	for (unsigned netns = 1; netns <= 2; netns++) {
		see(lab, "address address addr=10.0.0.1 netns=%u", netns);
		see(lab, "open conntrack " FLOW " netns=%u", netns);
		see(lab, "sample conntrack " FLOW " netns=%u bytes0=60", netns);
	}
	pass(lab, 2 * S);
	assert_true(is_primary(lab, 1000, 1));
	assert_true(is_primary(lab, 1000, 2));
	for (unsigned netns = 1; netns <= 2; netns++) {
		const struct record record = live(lab, 1000, netns);

		assert_false(record_has(&record, FIELD_PEER_FLOW_ID));
		assert_false(record_has(&record, FIELD_PRIMARY));
	}
}

static void takes_no_entries_of_other_times_for_peers(void **state)
{
	struct lab *lab = *state;

	see(lab, "open conntrack " FLOW " netns=1");
	pass(lab, 10 * S);
	see(lab, "open conntrack " FLOW " netns=2");
	pass(lab, 2 * S);
	assert_true(is_primary(lab, 1000, 1));
	assert_true(is_primary(lab, 1000, 2));
}

static void pairs_a_late_entry_with_the_flow_of_its_socket(void **state)
{
	struct lab *lab = *state;

	/* the host begins to track, by a rule, what a container's socket counts */
	see(lab, "sample socket local=10.0.0.1,1000,10.0.0.2,80,6,0,0 netns=2 cookie=5 state=1 "
		 "role=1 sent=10");
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 2);
	pass(lab, 10 * S);
	see(lab, "open conntrack " FLOW " netns=1");
	see(lab, "sample conntrack " FLOW " netns=1 bytes0=60");
	pass(lab, 2 * S);
	assert_true(is_primary(lab, 1000, 2));
	assert_false(is_primary(lab, 1000, 1));
}

static void pairs_each_use_of_a_tuple_with_its_own_peer(void **state)
{
	struct lab *lab = *state;

	/* what a fast client does: the same port again, within a second */
	see(lab, "address address addr=10.0.0.1 netns=1");
	for (int i = 0; i < 5; i++) {
		for (unsigned netns = 1; netns <= 2; netns++) {
			see(lab, "open conntrack " FLOW " netns=%u", netns);
			see(lab, "sample conntrack " FLOW " netns=%u bytes0=60", netns);
			pass(lab, 20 * MS);
		}
		for (unsigned netns = 1; netns <= 2; netns++) {
			see(lab, "close conntrack " FLOW " netns=%u bytes0=60", netns);
			pass(lab, 10 * MS);
		}
	}
	assert_int_equal(count_of(lab, EVENT_END), 10);
	assert_int_equal(primary_ends(lab), 5);
	for (size_t i = 0; i < 10; i += 2) {
		assert_int_equal(nth(lab, EVENT_END, i + 1)->peer_flow_id,
				 nth(lab, EVENT_END, i)->flow_id);
		assert_true(nth(lab, EVENT_END, i)->primary);
	}
}

static enum direction direction_of(struct lab *lab, const char *source, const char *destination,
				   const char *reply)
{
	see(lab, "close conntrack orig=%s,9,%s,80,6,0,0 netns=1 %s", source, destination, reply);
	assert_true(record_has(last(lab), FIELD_DIRECTION));
	return last(lab)->direction;
}

static void tells_the_direction_by_the_addresses(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=192.0.2.1 netns=1");
	see(lab, "address address addr=2001:db8::1 netns=1");
	see(lab, "address address addr=192.0.2.77 netns=2");
	assert_int_equal(direction_of(lab, "192.0.2.1", "10.0.0.2", ""), DIRECTION_OUTBOUND);
	assert_int_equal(direction_of(lab, "10.0.0.2", "192.0.2.1", ""), DIRECTION_INBOUND);
	assert_int_equal(direction_of(lab, "10.0.0.2", "10.0.0.3", ""), DIRECTION_FORWARD);
	assert_int_equal(direction_of(lab, "192.0.2.1", "192.0.2.1", ""), DIRECTION_LOCAL);
	assert_int_equal(direction_of(lab, "127.0.0.1", "127.0.0.2", ""), DIRECTION_LOCAL);
	assert_int_equal(direction_of(lab, "2001:db8::1", "2001:db8::2", ""),
			 DIRECTION_OUTBOUND);
	assert_int_equal(direction_of(lab, "10.0.0.2", "192.0.2.77", ""), DIRECTION_FORWARD);
	/* a port that is forwarded to another host */
	assert_int_equal(direction_of(lab, "10.0.0.4", "192.0.2.1",
				      "reply=10.9.9.9,8080,10.0.0.4,9,6,0,0"),
			 DIRECTION_FORWARD);
}

static void tells_no_direction_where_no_address_is_known(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=192.0.2.1 netns=2");
	see(lab, "close conntrack " FLOW " netns=1");
	assert_false(record_has(last(lab), FIELD_DIRECTION));
}

static void forgets_an_address_that_is_gone(void **state)
{
	struct lab *lab = *state;

	see(lab, "address address addr=192.0.2.1 netns=1");
	see(lab, "address address addr=192.0.2.2 netns=1");
	pass(lab, S);
	see(lab, "address address addr=192.0.2.1 netns=1");
	sweep(lab, "address", 1);
	assert_int_equal(direction_of(lab, "192.0.2.1", "10.0.0.2", ""), DIRECTION_OUTBOUND);
	assert_int_equal(direction_of(lab, "192.0.2.2", "10.0.0.2", ""), DIRECTION_FORWARD);
	see(lab, "sweep address netns=1 gone=1");
	see(lab, "close conntrack " FLOW " netns=1");
	assert_false(record_has(last(lab), FIELD_DIRECTION));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_exactly_one_of_two_entries_primary),
		cmocka_unit_test(prefers_the_entry_that_is_counted),
		cmocka_unit_test(gives_the_place_to_the_entry_that_turns_out_to_be_counted),
		LAB_TEST(prefers_the_client_where_its_socket_counts),
		LAB_TEST(pairs_entries_through_translation),
		LAB_TEST(pairs_the_servers_entry_through_translation),
		LAB_TEST(makes_one_of_three_entries_primary),
		LAB_TEST(takes_no_twins_for_peers),
		LAB_TEST(takes_no_entries_of_other_times_for_peers),
		LAB_TEST(pairs_a_late_entry_with_the_flow_of_its_socket),
		LAB_TEST(pairs_each_use_of_a_tuple_with_its_own_peer),
		LAB_TEST(tells_the_direction_by_the_addresses),
		LAB_TEST(tells_no_direction_where_no_address_is_known),
		LAB_TEST(forgets_an_address_that_is_gone),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
