// SPDX-License-Identifier: Apache-2.0
/*
 * The filter language against one record: TCP from 10.0.0.7:40000 to a port that
 * is translated, 198.51.100.9:443 → 192.168.1.5:8443, client curl.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"

static void set_addr(struct addr *ret, const char *text)
{
	uint32_t word;

	assert_int_equal(inet_pton(AF_INET, text, &word), 1);
	addr_from_v4(ret, &word);
}

static struct record record_of(void)
{
	static const uint8_t fields[] = {
		FIELD_EVENT, FIELD_TIME, FIELD_START, FIELD_DURATION_MS, FIELD_FAMILY, FIELD_PROTO,
		FIELD_SRC_IP, FIELD_SRC_PORT, FIELD_DST_IP, FIELD_DST_PORT, FIELD_NAT_DST_IP,
		FIELD_NAT_DST_PORT, FIELD_DIRECTION, FIELD_BYTES_ORIG, FIELD_BYTES_REPLY,
		FIELD_CT_STATE, FIELD_ZONE, FIELD_MARK, FIELD_CLIENT_PID, FIELD_CLIENT_COMM,
		FIELD_RETRANSMITS, FIELD_RTT_US,
	};
	struct record ret = { .event = EVENT_UPDATE, .direction = DIRECTION_OUTBOUND };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		record_set(&ret, fields[i]);
	set_addr(&ret.orig.addr[INITIATOR], "10.0.0.7");
	set_addr(&ret.orig.addr[RESPONDER], "198.51.100.9");
	ret.orig.port_be[INITIATOR] = htons(40000);
	ret.orig.port_be[RESPONDER] = htons(443);
	ret.orig.proto = IPPROTO_TCP;
	ret.nat = ret.orig;
	set_addr(&ret.nat.addr[RESPONDER], "192.168.1.5");
	ret.nat.port_be[RESPONDER] = htons(8443);
	ret.start_wall_ns = 1000 * NUM_NS_PER_S;
	ret.time_wall_ns = 1090 * NUM_NS_PER_S;
	ret.duration_ms = 90000;
	ret.bytes[INITIATOR] = 1000;
	ret.bytes[RESPONDER] = 2000000;
	ret.ct_state = 3; /* established */
	ret.zone = 3;
	ret.mark = 0x1ff;
	ret.retransmits[0] = 2;
	ret.rtt_us[0] = 60000;
	ret.owner[INITIATOR].pid = 4711;
	strcpy(ret.owner[INITIATOR].comm, "curl");
	return ret;
}

static bool matches(const char *text)
{
	const struct record record = record_of();
	struct filter *filter;
	struct why why;
	bool ret;

	if (filter_new(&filter, text, NULL, &why) < 0)
		fail_msg("%s: %s", text, why.text);
	ret = filter_match(filter, &record);
	filter_free(filter);
	return ret;
}

static void assert_matches(const char *const *yes, const char *const *no)
{
	for (; *yes; yes++)
		if (!matches(*yes))
			fail_msg("does not match: %s", *yes);
	for (; *no; no++)
		if (matches(*no))
			fail_msg("matches: %s", *no);
}

static void knows_the_words_of_tcpdump(void **state)
{
	assert_matches(
		(const char *const[]){ "", "  ", "tcp", "host 10.0.0.7", "src host 10.0.0.7",
				       "dst port 443", "port 40000", "net 10.0.0.0/8",
				       "src net 10.0.0.0/24", "portrange 440-450",
				       "dst portrange 443-443", "not udp", "!udp", "ip", NULL },
		(const char *const[]){ "udp", "icmp", "dst host 10.0.0.7", "src port 443",
				       "net 10.1.0.0/16", "portrange 444-450", "not tcp",
				       "host 10.0.0.8", "ip6", NULL });
}

static void looks_at_translated_addresses_too(void **state)
{
	assert_matches((const char *const[]){ "host 192.168.1.5", "port 8443",
					      "nat host 192.168.1.5", "nat port 8443", NULL },
		       /* src and dst are the initiator's view */
		       (const char *const[]){ "src port 8443", "dst port 8443",
					      "nat host 10.1.1.1", NULL });
}

static void joins_terms_from_left_to_right(void **state)
{
	assert_matches(
		(const char *const[]){ "tcp and port 443", "tcp port 443", "tcp && port 443",
				       "udp or tcp", "udp || tcp", "tcp or udp and tcp",
				       "not (udp or icmp)", "udp or (tcp and port 443)",
				       "tcp not port 80", NULL },
		(const char *const[]){ "tcp and port 80", "tcp or udp and udp", "udp udp or udp",
				       "not (tcp or udp)", "not tcp or udp", NULL });
}

static void compares_fields_with_units(void **state)
{
	assert_matches(
		(const char *const[]){ "bytes > 1M", "bytes = 2001000", "bytes_orig < 1k",
				       "bytes_orig < 1001", "rtt > 50ms", "rtt <= 60ms",
				       "retransmits > 0", "zone = 3", "zone == 3", "zone != 4",
				       "mark & 0xff = 0xff", "mark = 511", "age >= 90s",
				       "duration > 1m", "pid = 4711", "rtt > 0", "rtt_us > 50000",
				       "duration_ms >= 90000", NULL },
		(const char *const[]){ "bytes > 2M", "rtt > 60ms", "retransmits > 2", "zone = 4",
				       "mark & 0x200 = 0x200", "age > 2m", "pid = 1", NULL });
}

static void compares_names_and_texts(void **state)
{
	assert_matches(
		(const char *const[]){ "state established", "state = established",
				       "direction outbound", "comm curl", "comm = curl",
				       "comm:curl", "comm ~ ^cu", "comm ~ \"rl$\"",
				       "comm in [wget curl]", "port in [80 443]",
				       "proto in [udp tcp]", "event update",
				       "comm ~ \"^(cu|x)[a-z]+$\"", "(comm ~ ^cu)", "comm~^cu||udp",
				       "comm ~ ^cu&&tcp", NULL },
		(const char *const[]){ "state close", "direction inbound", "comm wget",
				       "comm ~ ^url", "comm in [wget]", "port in [80]", NULL });
}

static void finds_no_absent_field(void **state)
{
	/* not even by what it is not */
	assert_matches((const char *const[]){ "not server_pid = 1", NULL },
		       (const char *const[]){ "server_pid = 0", "server_pid != 1",
					      "server_comm ~ .", "packets >= 0",
					      "container web", NULL });
}

struct wrong {
	const char *text;
	unsigned column;
	const char *says; /* part of the sentence */
};

static void says_where_and_what_is_nearest(void **state)
{
	static const struct wrong wrong[] = {
		{ "tpc", 1, "tcp" },
		{ "tcp and prot 443", 9, "port" },
		{ "tcp and", 8, "" },
		{ "(tcp", 5, "" },
		{ "tcp)", 4, "" },
		{ "port 70000", 6, "" },
		{ "port", 5, "" },
		{ "host 10.0.0", 6, "" },
		{ "net 10.0.0.0/33", 5, "" },
		{ "portrange 9-1", 11, "" },
		{ "bytes > many", 9, "" },
		{ "state establish", 7, "established" },
		{ "comm ~ \"(\"", 8, "" },
		{ "comm = \"open", 8, "" },
		{ "port in [80", 12, "" },
		{ "not", 4, "" },
		{ "bytes ~ 3", 9, "" },
		{ "zone = 70000", 8, "65535" },
		{ "pid = 4294967296", 7, "4294967295" },
		{ "icmp_type 256", 11, "255" },
		{ "user = 4294967296", 8, "user" },
		{ "comm ~ ^py[a-z]+$", 11, "quotes" },
		{ "comm ~ a|b", 9, "quotes" },
		{ "tcp and comm ~ ^(a|b)", 17, "quotes" },
		{ "comm ~ [ab]", 8, "quotes" },
		{ "comm ~", 7, "pattern" },
		{ "rtt > 50", 7, "has no unit" },
		{ "tcp and age > 1", 15, "has no unit" },
		{ "duration in [1s 5]", 17, "has no unit" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct filter *filter = NULL;
		struct why why = { "" };
		unsigned column = 0;

		if (filter_new(&filter, wrong[i].text, &column, &why) != -EINVAL)
			fail_msg("is accepted: %s", wrong[i].text);
		if (column != wrong[i].column || !why.text[0] || !strstr(why.text, wrong[i].says))
			fail_msg("%s: column %u, not %u: %s", wrong[i].text, column,
				 wrong[i].column, why.text);
	}
}

static void refuses_what_nests_or_grows_without_end(void **state)
{
	static char deep[2000], lengthy[40000];
	struct filter *filter = NULL;
	struct why why = { "" };

	memset(deep, '(', sizeof(deep) - 1);
	assert_int_equal(filter_new(&filter, deep, NULL, &why), -EINVAL);
	for (size_t i = 0; i + 5 < sizeof(lengthy); i += 4)
		memcpy(lengthy + i, "tcp ", 5);
	assert_int_equal(filter_new(&filter, lengthy, NULL, &why), -EINVAL);
	/* each of nine that are within one another doubles what it is compiled to */
	assert_int_equal(filter_new(&filter, "comm ~ a+++++++++", NULL, &why), -EINVAL);
	assert_true(why.text[0]);
}

static void explains_every_node(void **state)
{
	struct filter *filter;
	struct buf buf = { 0 };
	struct why why;

	assert_int_equal(filter_new(&filter, "tcp and not (port 443 or comm ~ ^cu)", NULL, &why),
			 0);
	filter_explain(filter, &buf);
	buf_putc(&buf, '\0');
	assert_non_null(strstr(buf.data, "443"));
	assert_non_null(strstr(buf.data, "^cu"));
	filter_free(filter);
	filter_free(NULL);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_words_of_tcpdump),
		cmocka_unit_test(looks_at_translated_addresses_too),
		cmocka_unit_test(joins_terms_from_left_to_right),
		cmocka_unit_test(compares_fields_with_units),
		cmocka_unit_test(compares_names_and_texts),
		cmocka_unit_test(finds_no_absent_field),
		cmocka_unit_test(says_where_and_what_is_nearest),
		cmocka_unit_test(refuses_what_nests_or_grows_without_end),
		cmocka_unit_test(explains_every_node),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
