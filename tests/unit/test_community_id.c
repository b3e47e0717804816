// SPDX-License-Identifier: Apache-2.0
/* The published vectors of the Community ID specification 1.0, seed 0. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flow/community_id.h"

static struct tuple tuple_of(const char *source, const char *destination, unsigned port,
			     unsigned other_port, uint8_t proto)
{
	const char *const text[SIDES] = { source, destination };
	struct tuple ret = { .proto = proto };
	uint32_t words[4];
	enum side i;

	for (i = 0; i < SIDES; i++) {
		if (strchr(text[i], ':')) {
			assert_int_equal(inet_pton(AF_INET6, text[i], words), 1);
			addr_from_v6(&ret.addr[i], words);
		} else {
			assert_int_equal(inet_pton(AF_INET, text[i], words), 1);
			addr_from_v4(&ret.addr[i], words);
		}
	}
	if (proto_is_icmp(proto)) {
		ret.icmp_type = (uint8_t)port;
		ret.icmp_code = (uint8_t)other_port;
	} else {
		ret.port_be[INITIATOR] = htons((uint16_t)port);
		ret.port_be[RESPONDER] = htons((uint16_t)other_port);
	}
	return ret;
}

static void assert_id(struct tuple tuple, const char *expected)
{
	char text[COMMUNITY_ID_SIZE];

	assert_string_equal(community_id_print(text, &tuple), expected);
	tuple = tuple_inverse(&tuple);
	assert_string_equal(community_id_print(text, &tuple), expected);
}

static void is_that_of_the_specification_for_tcp(void **state)
{
	assert_id(tuple_of("128.232.110.120", "66.35.250.204", 34855, 80, IPPROTO_TCP),
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_id(tuple_of("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a",
			   63943, 25, IPPROTO_TCP),
		  "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
}

static void is_that_of_the_specification_for_udp(void **state)
{
	assert_id(tuple_of("192.168.1.52", "8.8.8.8", 54585, 53, IPPROTO_UDP),
		  "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
}

static void is_that_of_the_specification_for_icmp(void **state)
{
	assert_id(tuple_of("192.168.0.89", "192.168.0.1", 8, 0, IPPROTO_ICMP),
		  "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_that_of_the_specification_for_tcp),
		cmocka_unit_test(is_that_of_the_specification_for_udp),
		cmocka_unit_test(is_that_of_the_specification_for_icmp),
	};

	return cmocka_run_group_tests_name("community_id", tests, NULL, NULL);
}
