// SPDX-License-Identifier: Apache-2.0
/* Tuples, keys, the identity of a flow, and the curve that paces its records. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/why.h"
#include "flow/curve.h"
#include "flow/key.h"

static struct tuple tuple_of(uint8_t proto)
{
	const uint32_t source = htonl(0x0a000001), destination = htonl(0xc0000207);
	struct tuple ret = { .proto = proto };

	addr_from_v4(&ret.addr[INITIATOR], &source);
	addr_from_v4(&ret.addr[RESPONDER], &destination);
	ret.port_be[INITIATOR] = htons(4321);
	if (!proto_is_icmp(proto))
		ret.port_be[RESPONDER] = htons(80);
	return ret;
}

static void inverts_a_tuple_and_back(void **state)
{
	const struct tuple tuple = tuple_of(IPPROTO_TCP);
	struct tuple inverse = tuple_inverse(&tuple);

	assert_int_equal(inverse.port_be[INITIATOR], htons(80));
	assert_true(addr_is_equal(&inverse.addr[RESPONDER], &tuple.addr[INITIATOR]));
	assert_false(tuple_is_equal(&inverse, &tuple));
	inverse = tuple_inverse(&inverse);
	assert_true(tuple_is_equal(&inverse, &tuple));
}

static void turns_icmp_queries_into_their_replies(void **state)
{
	/* RFC 792: echo, timestamp; RFC 4443: echo */
	static const uint8_t pairs[][3] = {
		{ IPPROTO_ICMP, 8, 0 }, { IPPROTO_ICMP, 13, 14 }, { IPPROTO_ICMPV6, 128, 129 },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct tuple tuple = tuple_of(pairs[i][0]), inverse;

		tuple.icmp_type = pairs[i][1];
		inverse = tuple_inverse(&tuple);
		assert_int_equal(inverse.icmp_type, pairs[i][2]);
		/* the identifier stays where it is */
		assert_int_equal(inverse.port_be[INITIATOR], tuple.port_be[INITIATOR]);
		inverse = tuple_inverse(&inverse);
		assert_true(tuple_is_equal(&inverse, &tuple));
	}
}

static void tells_keys_apart_by_namespace_and_zone(void **state)
{
	const struct key key = { .orig = tuple_of(IPPROTO_UDP), .netns = 1, .zone = 2 };
	struct key other = key;

	assert_true(key_is_equal(&key, &other));
	other.netns = 9;
	assert_false(key_is_equal(&key, &other));
	other = key;
	other.zone = 3;
	assert_false(key_is_equal(&key, &other));
	other = key;
	other.zone_scope = ZONE_REPLY;
	assert_false(key_is_equal(&key, &other));
}

static void gives_a_flow_one_id_until_the_host_reboots(void **state)
{
	const struct key key = { .orig = tuple_of(IPPROTO_TCP), .netns = 1 };
	struct key other = key;
	const uint64_t id = key_flow_id(&key, 1000, 7);

	assert_true(id == key_flow_id(&other, 1000, 7));
	assert_true(id != key_flow_id(&key, 1001, 7)); /* begun at another time */
	assert_true(id != key_flow_id(&key, 1000, 8)); /* after a reboot */
	other.netns = 2;
	assert_true(id != key_flow_id(&other, 1000, 7));
}

static void names_protocols_and_reads_them(void **state)
{
	uint8_t proto;

	assert_string_equal(proto_name(IPPROTO_TCP), "tcp");
	assert_null(proto_name(250));
	assert_false(proto_parse(&proto, "udp", 3));
	assert_int_equal(proto, IPPROTO_UDP);
	assert_false(proto_parse(&proto, "250", 3));
	assert_int_equal(proto, 250);
	assert_int_equal(proto_parse(&proto, "256", 3), -EINVAL);
	assert_int_equal(proto_parse(&proto, "tpc", 3), -EINVAL);
	assert_int_equal(proto_parse(&proto, "", 0), -EINVAL);
}

static void paces_by_the_last_point_that_is_reached(void **state)
{
	static const uint64_t s = NUM_NS_PER_S;

	assert_int_equal(curve_every_ns(&curve_default, 0), 20 * s);
	assert_int_equal(curve_every_ns(&curve_default, 60 * s - 1), 20 * s);
	assert_int_equal(curve_every_ns(&curve_default, 60 * s), 60 * s);
	assert_int_equal(curve_every_ns(&curve_default, 299 * s), 60 * s);
	assert_int_equal(curve_every_ns(&curve_default, UINT64_MAX), 300 * s);
	assert_int_equal(curve_minimum_age_ns(&curve_default), 0);
}

static void refuses_a_curve_whose_ages_do_not_rise(void **state)
{
	struct curve curve = curve_default;
	struct why why = { "" };

	assert_false(curve_check(&curve, &why));
	curve.point[2].age_ns = curve.point[1].age_ns;
	assert_int_equal(curve_check(&curve, &why), -EINVAL);
	assert_true(why.text[0]);
	curve.count = 0;
	assert_int_equal(curve_check(&curve, &why), -EINVAL);
	curve.count = CURVE_POINTS_MAX + 1;
	assert_int_equal(curve_check(&curve, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inverts_a_tuple_and_back),
		cmocka_unit_test(turns_icmp_queries_into_their_replies),
		cmocka_unit_test(tells_keys_apart_by_namespace_and_zone),
		cmocka_unit_test(gives_a_flow_one_id_until_the_host_reboots),
		cmocka_unit_test(names_protocols_and_reads_them),
		cmocka_unit_test(paces_by_the_last_point_that_is_reached),
		cmocka_unit_test(refuses_a_curve_whose_ages_do_not_rise),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
