// SPDX-License-Identifier: Apache-2.0
/* What a BPF program read of a conntrack entry, into an observation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>

#include "abi/weir_abi.h"
#include "base/num.h"
#include "source/ct_record.h"

#define WALL_NS (1700000000 * NUM_NS_PER_S)

static void put(struct abi_tuple *tuple, int family, const char *source, const char *destination)
{
	assert_int_equal(inet_pton(family, source, tuple->source), 1);
	assert_int_equal(inet_pton(family, destination, tuple->destination), 1);
}

/* A masqueraded TCP connection. */
static struct abi_ct connection(void)
{
	struct abi_ct entry = {
		.count = { { 7, 700 }, { 5, 5000 } },
		.start_wall_ns = WALL_NS,
		.status = 0x1b8,
		.timeout_jiffies = 119 * 250,
		.mark = 42,
		.netns = 4026531840U,
		.zone_flags = 3,
		.tcp_state = 3,
		.family = AF_INET,
		.has = ABI_CT_COUNTERS | ABI_CT_START | ABI_CT_TIMEOUT,
	};

	put(&entry.tuple[0], AF_INET, "10.0.1.1", "192.0.2.7");
	put(&entry.tuple[1], AF_INET, "192.0.2.7", "203.0.113.9");
	for (int i = 0; i < 2; i++)
		entry.tuple[i].proto = IPPROTO_TCP;
	entry.tuple[0].source_port_be = htons(40000);
	entry.tuple[0].destination_port_be = htons(443);
	entry.tuple[1].source_port_be = htons(443);
	entry.tuple[1].destination_port_be = htons(7001);
	return entry;
}

static void assert_addr(const struct addr *addr, int family, const char *text)
{
	struct addr wanted;
	uint8_t bytes[16];

	assert_int_equal(inet_pton(family, text, bytes), 1);
	if (family == AF_INET)
		addr_from_v4(&wanted, bytes);
	else
		addr_from_v6(&wanted, bytes);
	assert_true(addr_is_equal(addr, &wanted));
}

static void reads_tuples_counters_and_attributes(void **state)
{
	const struct abi_ct entry = connection();
	struct obs obs;

	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_int_equal(obs.origin, ORIGIN_CONNTRACK);
	assert_addr(&obs.ct.key.orig.addr[INITIATOR], AF_INET, "10.0.1.1");
	assert_addr(&obs.ct.key.orig.addr[RESPONDER], AF_INET, "192.0.2.7");
	assert_addr(&obs.ct.reply.addr[RESPONDER], AF_INET, "203.0.113.9");
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[INITIATOR]), 40000);
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[RESPONDER]), 443);
	assert_int_equal(ntohs(obs.ct.reply.port_be[RESPONDER]), 7001);
	assert_int_equal(obs.ct.key.netns, 4026531840U);
	assert_int_equal(obs.ct.packets[INITIATOR], 7);
	assert_int_equal(obs.ct.bytes[INITIATOR], 700);
	assert_int_equal(obs.ct.packets[RESPONDER], 5);
	assert_int_equal(obs.ct.bytes[RESPONDER], 5000);
	assert_int_equal(obs.ct.start_wall_ns, WALL_NS);
	assert_int_equal(obs.ct.timeout_s, 119);
	assert_int_equal(obs.ct.mark, 42);
	assert_int_equal(obs.ct.tcp_state, 3);
	assert_int_equal(obs.ct.has, CT_COUNTERS | CT_REPLY | CT_START | CT_STATUS | CT_MARK |
					     CT_TIMEOUT | CT_STATE);
}

static void reads_ipv6_with_a_zero_tail_as_ipv6(void **state)
{
	struct abi_ct entry = connection();
	struct obs obs;

	entry.family = AF_INET6;
	for (int i = 0; i < 2; i++)
		put(&entry.tuple[i], AF_INET6, "2001:db8::", "2001:db8::1");
	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_addr(&obs.ct.key.orig.addr[INITIATOR], AF_INET6, "2001:db8::");
	assert_false(addr_is_v4(&obs.ct.key.orig.addr[INITIATOR]));
}

static void reads_the_id_and_type_of_icmp(void **state)
{
	struct abi_ct entry = connection();
	const uint8_t request[2] = { 8, 0 }, reply[2] = { 0, 0 };
	struct obs obs;

	entry.tcp_state = 0;
	for (int i = 0; i < 2; i++) {
		entry.tuple[i].proto = IPPROTO_ICMP;
		entry.tuple[i].source_port_be = htons(77);
	}
	memcpy(&entry.tuple[0].destination_port_be, request, 2);
	memcpy(&entry.tuple[1].destination_port_be, reply, 2);
	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[INITIATOR]), 77);
	assert_int_equal(obs.ct.key.orig.port_be[RESPONDER], 0);
	assert_int_equal(obs.ct.key.orig.icmp_type, 8);
	assert_int_equal(obs.ct.reply.icmp_type, 0);
	assert_false(obs.ct.has & CT_STATE);
}

static void takes_no_ports_of_protocols_that_have_none(void **state)
{
	struct abi_ct entry = connection();
	struct obs obs;

	entry.tuple[0].proto = entry.tuple[1].proto = 99;
	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_int_equal(obs.ct.key.orig.port_be[INITIATOR], 0);
	entry.tuple[0].proto = entry.tuple[1].proto = IPPROTO_GRE;
	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[RESPONDER]), 443);
}

static void reads_the_direction_of_a_zone(void **state)
{
	static const enum zone_scope scopes[] = { ZONE_BOTH, ZONE_ORIGINAL, ZONE_REPLY, ZONE_BOTH };
	struct abi_ct entry = connection();
	struct obs obs;

	entry.zone = 7;
	for (uint8_t flags = 1; flags <= 3; flags++) {
		entry.zone_flags = flags;
		assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
		assert_int_equal(obs.ct.key.zone, 7);
		assert_int_equal(obs.ct.key.zone_scope, scopes[flags]);
	}
}

static void leaves_out_what_an_entry_does_not_have(void **state)
{
	struct abi_ct entry = connection();
	struct obs obs;

	entry.has = ABI_CT_TIMEOUT | ABI_CT_LABELS;
	entry.timeout_jiffies = -5; /* overdue, and not collected yet */
	assert_int_equal(ct_record_parse(&obs, &entry, 250), 0);
	assert_false(obs.ct.has & (CT_COUNTERS | CT_START | CT_STOP | CT_LABELS));
	assert_int_equal(obs.ct.timeout_s, 0);
	/* labels are an extension of all entries once a rule asks for one */
	entry.labels[3] = 0x80000000U;
	assert_int_equal(ct_record_parse(&obs, &entry, 0), 0);
	assert_true(obs.ct.has & CT_LABELS);
	assert_int_equal(obs.ct.labels[15], 0x80);
	assert_false(obs.ct.has & CT_TIMEOUT);
}

static void refuses_what_no_entry_can_be(void **state)
{
	struct obs obs;

	for (int fault = 0; fault < 8; fault++) {
		struct abi_ct entry = connection();

		switch (fault) {
		case 0:
			entry.family = AF_UNIX;
			break;
		case 1:
			entry.tuple[1].proto = IPPROTO_UDP;
			break;
		case 2:
			entry.tcp_state = 200;
			break;
		case 3:
			entry.netns = 0;
			break;
		case 4:
			entry.start_wall_ns = 5;
			break;
		case 5:
			entry.zone_flags = 9;
			break;
		case 6: /* what is left of memory that others have by now */
			entry.count[1].bytes = 6927943601779482863;
			break;
		case 7:
			entry.count[0].packets = entry.count[0].bytes;
			break;
		}
		assert_int_equal(ct_record_parse(&obs, &entry, 250), -EBADMSG);
	}
}

static void finds_the_kernels_hz(void **state)
{
	static const unsigned choices[] = { 100, 250, 300, 1000 };
	const uint64_t uptimes_s[] = { 3, 299, 301, 86400, 400ULL * 86400 };

	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < 5; k++) {
			const uint64_t jiffies = (uint32_t)(-300 * (int32_t)choices[i]) +
						 uptimes_s[k] * choices[i];

			assert_int_equal(ct_record_hz(jiffies, uptimes_s[k] * NUM_NS_PER_S +
								       20 * NUM_NS_PER_MS),
					 choices[i]);
		}
	}
	assert_int_equal(ct_record_hz(12345, 99 * NUM_NS_PER_S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tuples_counters_and_attributes),
		cmocka_unit_test(reads_ipv6_with_a_zero_tail_as_ipv6),
		cmocka_unit_test(reads_the_id_and_type_of_icmp),
		cmocka_unit_test(takes_no_ports_of_protocols_that_have_none),
		cmocka_unit_test(reads_the_direction_of_a_zone),
		cmocka_unit_test(leaves_out_what_an_entry_does_not_have),
		cmocka_unit_test(refuses_what_no_entry_can_be),
		cmocka_unit_test(finds_the_kernels_hz),
	};

	return cmocka_run_group_tests_name("ct_record", tests, NULL, NULL);
}
