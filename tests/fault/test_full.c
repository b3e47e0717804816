// SPDX-License-Identifier: Apache-2.0
/* A table without room: what it refuses is in the overflow, to the byte. */
#include <arpa/inet.h>
#include <string.h>

#include "base/why.h"
#include "lab.h"

#define FLOW "orig=192.0.2.1,%u,198.51.100.7,80,%u,0,0 netns=1"
#define AT_ONCE 150U /* flows that live at a time; the lab has room for 64 */
#define FLOWS 6000U
#define OWNERS 65536U /* OWNERS_MAX of table_impl.h */
#define SOCKETS (OWNERS + 500)

/* The same numbers in every run. */
static uint32_t draw(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

struct totals {
	uint64_t bytes[SIDES], packets[SIDES];
};

static void add(struct totals *totals, const uint64_t bytes[SIDES], const uint64_t packets[SIDES])
{
	for (int i = 0; i < SIDES; i++) {
		totals->bytes[i] += bytes[i];
		totals->packets[i] += packets[i];
	}
}

/* Ends the flow with that number, as the kernel would, and keeps account. */
static void end(struct lab *lab, struct totals *kernel, unsigned number, uint32_t amount)
{
	const uint64_t bytes[SIDES] = { 100 + amount % 5000, amount % 7777 };
	const uint64_t packets[SIDES] = { 1 + amount % 9, amount % 5 };
	const unsigned proto = number % 3 ? 6 : 17;

	see(lab, "close conntrack " FLOW " bytes0=%u bytes1=%u packets0=%u packets1=%u",
	    number, proto, (unsigned)bytes[0], (unsigned)bytes[1], (unsigned)packets[0],
	    (unsigned)packets[1]);
	add(kernel, bytes, packets);
}

static void what_found_no_room_is_in_the_overflow_to_the_byte(void **state)
{
	struct lab *lab = *state;
	struct totals kernel = { 0 }, weir = { 0 };
	struct table_stats stats;
	uint32_t chance = 1;

	for (unsigned number = 1; number <= FLOWS + AT_ONCE; number++) {
		const uint32_t amount = draw(&chance);

		if (number <= FLOWS)
			see(lab, "open conntrack " FLOW, number, number % 3 ? 6U : 17U);
		if (number > AT_ONCE)
			end(lab, &kernel, number - AT_ONCE, amount);
		/* a pass shows some of those that live, for which there may be room now */
		if (number > AT_ONCE && number <= FLOWS && amount % 4 == 0)
			see(lab, "sample conntrack " FLOW " bytes0=50 packets0=1",
			    number - amount % AT_ONCE, (number - amount % AT_ONCE) % 3 ? 6U : 17U);
		pass(lab, (amount % 20) * MS);
	}
	pass(lab, 60 * S);
	stats = stats_of(lab);
	for (size_t i = 0; i < lab->count; i++) {
		if (record_has(&lab->record[i], FIELD_DELTA_BYTES_ORIG))
			add(&weir, lab->record[i].delta_bytes, lab->record[i].delta_packets);
	}
	for (int proto = 0; proto < OVERFLOW_PROTOS; proto++)
		add(&weir, stats.overflow_bytes[proto], stats.overflow_packets[proto]);
	for (int i = 0; i < SIDES; i++) {
		assert_int_equal(weir.bytes[i], kernel.bytes[i]);
		assert_int_equal(weir.packets[i], kernel.packets[i]);
	}
	assert_int_equal(stats.live, 0);
	assert_true(stats.lost_table_full > FLOWS / 4);
	assert_int_equal(stats.lost_table_full + count_of(lab, EVENT_END), FLOWS);
	assert_identities(lab);
}

static void sockets_that_find_no_room_leave_the_flows_counted(void **state)
{
	struct lab *lab = *state;

	for (unsigned port = 1; port <= 64; port++)
		see(lab, "sample socket local=10.9.9.9,%u,10.0.0.2,80,6,0,0 netns=9 cookie=%u "
			 "state=1", port, 1000 + port);
	for (unsigned port = 1; port <= 20; port++) {
		see(lab, "open conntrack " FLOW, port, 6U);
		see(lab, "sample socket local=192.0.2.1,%u,198.51.100.7,80,6,0,0 netns=1 "
			 "cookie=%u state=1 sent=5 received=6", port, port);
		see(lab, "owner socket cookie=%u pid=7 comm=x", port);
		see(lab, "sample conntrack " FLOW " bytes0=%u packets0=2", port, 6U, 100 * port);
	}
	pass(lab, 2 * S);
	assert_int_equal(stats_of(lab).sockets_refused, 20);
	for (unsigned port = 1; port <= 20; port++) {
		const struct record record = live(lab, port, 1);

		assert_int_equal(record.bytes[INITIATOR], 100 * port);
		assert_false(record_has(&record, FIELD_CLIENT_PID));
		assert_int_equal(record.counted_by, ORIGIN_CONNTRACK);
	}
	assert_identities(lab);
}

static void ignore(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

static void see_socket(struct table *table, uint32_t number, enum obs_kind kind)
{
	struct obs obs = { .kind = (uint8_t)kind, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = LAB_BOOT_NS };

	obs.socket.cookie = number + 1;
	obs.socket.netns = 1;
	obs.socket.inode = number + 1;
	obs.socket.state = 1;
	obs.socket.role = SOCKET_ROLE_CLIENT;
	obs.socket.has = SOCKET_TUPLE | SOCKET_INFO;
	addr_parse(&obs.socket.local.addr[0], "192.0.2.1", 9);
	addr_parse(&obs.socket.local.addr[1], "198.51.100.7", 12);
	obs.socket.local.port_be[0] = htons((uint16_t)(number % 60000 + 1));
	obs.socket.local.port_be[1] = htons((uint16_t)(number / 60000 + 1));
	obs.socket.local.proto = 6;
	table_observe(table, &obs);
}

static void see_owner(struct table *table, uint32_t number)
{
	struct obs obs = { .kind = OBS_OWNER, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = LAB_BOOT_NS };

	obs.owner.cookie = number + 1;
	obs.owner.owner.pid = number + 1;
	strcpy(obs.owner.owner.comm, "owner");
	table_observe(table, &obs);
}

static void see_pass(struct table *table)
{
	struct obs obs = { .kind = OBS_SWEEP, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = LAB_BOOT_NS };

	obs.sweep.netns = 1;
	obs.sweep.began_boot_ns = LAB_BOOT_NS;
	table_observe(table, &obs);
	table_advance(table, LAB_BOOT_NS + S);
}

static uint32_t count_owned(const struct table *table)
{
	struct record record;
	uint32_t cursor = 0, owned = 0;

	while (table_next(table, &cursor, LAB_BOOT_NS + S, &record)) {
		if (!record_has(&record, FIELD_CLIENT_PID))
			continue;
		/* never another's */
		assert_int_equal(record.owner[INITIATOR].pid,
				 ntohs(record.orig.port_be[0]) +
				 60000U * (ntohs(record.orig.port_be[1]) - 1U));
		owned++;
	}
	return owned;
}

static void owners_that_find_no_room_are_nobody_else(void **state)
{
	struct table_conf conf = lab_conf();
	struct why why = { "" };
	struct table *table;
	uint32_t i;

	conf.max_flows = conf.max_sockets = SOCKETS;
	conf.sockets_only = true;
	conf.out = (struct record_outlet){ ignore, NULL };
	assert_int_equal(table_new(&table, &conf, &why), 0);
	for (i = 0; i < SOCKETS; i++) {
		see_socket(table, i, OBS_OPEN);
		see_owner(table, i);
	}
	see_pass(table);
	assert_int_equal(count_owned(table), OWNERS);
	/* what goes makes room for those who come */
	for (i = 0; i < 500; i++)
		see_socket(table, i, OBS_CLOSE);
	table_advance(table, LAB_BOOT_NS + 60 * S);
	for (i = OWNERS; i < SOCKETS; i++)
		see_owner(table, i);
	assert_int_equal(count_owned(table), OWNERS);
	table_free(table);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(what_found_no_room_is_in_the_overflow_to_the_byte),
		LAB_TEST(sockets_that_find_no_room_leave_the_flows_counted),
		cmocka_unit_test(owners_that_find_no_room_are_nobody_else),
	};

	return cmocka_run_group_tests_name("full", tests, NULL, NULL);
}
