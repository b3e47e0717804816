// SPDX-License-Identifier: Apache-2.0
/* Line protocol: to the byte what the old tool wrote, and sums that add up. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "encode/lineproto.h"
#include "encode/traffic.h"
#include "sink/backoff.h"

static struct record flow(uint64_t bytes)
{
	struct record record;

	memset(&record, 0, sizeof(record));
	record.event = EVENT_UPDATE;
	record.time_wall_ns = 1588940911123456789;
	record.flow_id = 9946756;
	record.orig.proto = 6;
	addr_parse(&record.orig.addr[INITIATOR], "192.168.1.10", 12);
	addr_parse(&record.orig.addr[RESPONDER], "93.184.216.34", 13);
	record.orig.port_be[INITIATOR] = htons(40522);
	record.orig.port_be[RESPONDER] = htons(443);
	record.netns = 4026531992;
	record.bytes[INITIATOR] = record.delta_bytes[INITIATOR] = bytes;
	record.bytes[RESPONDER] = record.delta_bytes[RESPONDER] = 81234;
	record.packets[INITIATOR] = record.delta_packets[INITIATOR] = 14;
	record.packets[RESPONDER] = record.delta_packets[RESPONDER] = 61;
	record.direction = DIRECTION_OUTBOUND;
	for (unsigned id = FIELD_BYTES_ORIG; id <= FIELD_DELTA_PACKETS_REPLY; id++)
		record_set(&record, id);
	record_set(&record, FIELD_EVENT);
	record_set(&record, FIELD_DIRECTION);
	record_set(&record, FIELD_SRC_PORT);
	record_set(&record, FIELD_DST_PORT);
	record_set(&record, FIELD_NETNS);
	return record;
}

static void is_text(struct buf *buf, const char *wanted)
{
	buf_putc(buf, '\0');
	assert_string_equal(buf->data, wanted);
	buf_fini(buf);
}

static void a_line_of_conntracct_is_the_same_to_the_byte(void **state)
{
	const struct record record = flow(1532);
	struct lineproto_conf conf = { 0 };
	struct buf buf = { 0 };

	lineproto_conntracct(&buf, &conf, &record);
	is_text(&buf, "ct_acct,connmark=0,dst_addr=93.184.216.34,dst_port=443,flow_id=9946756,"
		      "netns=4026531992,proto=tcp,src_addr=192.168.1.10 bytes_orig=1532i,"
		      "bytes_ret=81234i,bytes_total=82766i,flow_id=\"9946756\",packets_orig=14i,"
		      "packets_ret=61i,packets_total=75i 1588940911123456789\n");
	conf.source_ports = true;
	lineproto_conntracct(&buf, &conf, &record);
	buf_putc(&buf, '\0');
	assert_non_null(strstr(buf.data, ",src_addr=192.168.1.10,src_port=40522 bytes"));
	buf_fini(&buf);
}

static void what_separates_is_escaped_and_what_commands_is_not_sent(void **state)
{
	struct buf buf = { 0 };

	lineproto_tag(&buf, "k", "a,b=c d\\");
	lineproto_tag(&buf, "none", "");
	lineproto_tag(&buf, "n", "x\n\033y");
	lineproto_string(&buf, "s", "q\"\\e\n", true);
	lineproto_integer(&buf, "i", UINT64_MAX, false);
	is_text(&buf, ",k=a\\,b\\=c\\ d/,n=x??y s=\"q\\\"\\\\e?\",i=9223372036854775807i");
}

static void sums_are_of_primaries_and_each_byte_is_in_one(void **state)
{
	const struct lineproto_conf conf = { .host = "h" };
	struct traffic *traffic = traffic_new(&conf);
	struct record record = flow(1000), other = flow(1), twin = flow(5);
	struct buf buf = { 0 };

	assert_non_null(traffic);
	other.orig.port_be[RESPONDER] = htons(8080);
	record_set(&other, FIELD_CLIENT_COMM);
	strncpy(other.owner[INITIATOR].comm, "a b", OWNER_COMM_SIZE);
	record_set(&twin, FIELD_PRIMARY);
	traffic_add(traffic, &buf, &record);
	record.event = EVENT_END;
	traffic_add(traffic, &buf, &record);
	traffic_add(traffic, &buf, &other);
	traffic_add(traffic, &buf, &twin);
	traffic_flush(traffic, &buf);
	is_text(&buf, "weir_traffic,direction=outbound,host=h,proto=tcp,service=443 "
		      "bytes_orig=2000i,bytes_reply=162468i,flows_ended=1i,flows_started=0i,"
		      "packets_orig=28i,packets_reply=122i 1588940911123456789\n"
		      "weir_traffic,direction=outbound,host=h,process=a\\ b,proto=tcp,"
		      "service=other bytes_orig=1i,bytes_reply=81234i,flows_ended=0i,"
		      "flows_started=0i,packets_orig=14i,packets_reply=61i 1588940911123456789\n");
	traffic_flush(traffic, &buf);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
	traffic_free(traffic);
}

static void many_sets_of_tags_keep_their_sums(void **state)
{
	const struct lineproto_conf conf = { .tag_netns = true };
	struct traffic *traffic = traffic_new(&conf);
	struct record record = flow(1);
	struct buf buf = { 0 };
	unsigned lines = 0;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			record.netns = i + 1;
			traffic_add(traffic, &buf, &record);
		}
	}
	traffic_flush(traffic, &buf);
	buf_putc(&buf, '\0');
	for (const char *at = buf.data; (at = strstr(at, "bytes_orig=3i,")); at++)
		lines++;
	assert_int_equal(lines, 1000);
	buf_fini(&buf);
	traffic_free(traffic);
}

static void a_point_of_a_flow_has_totals_and_deltas(void **state)
{
	const struct lineproto_conf conf = { .host = "h", .string_fields = true };
	struct record record = flow(7);
	struct buf buf = { 0 };

	record.seq = 3;
	record.time_wall_ns = 42;
	lineproto_flow(&buf, &conf, &record);
	is_text(&buf, "weir_flow,direction=outbound,event=update,host=h,proto=tcp,service=443 "
		      "seq=3i,bytes_orig=7i,packets_orig=14i,bytes_reply=81234i,packets_reply=61i,"
		      "delta_bytes_orig=7i,delta_packets_orig=14i,delta_bytes_reply=81234i,"
		      "delta_packets_reply=61i,src_port=40522i,dst_port=443i,"
		      "dst_ip=\"93.184.216.34\",flow_id=\"000000000097c684\","
		      "src_ip=\"192.168.1.10\" 42\n");
}

static void waits_grow_to_their_bound_and_are_spread(void **state)
{
	assert_int_equal(backoff_ns(1, 0), 1000000);
	for (unsigned tries = 1; tries < 70; tries++) {
		uint64_t most = BACKOFF_BASE_NS;

		for (unsigned i = 1; i < tries && most < BACKOFF_MAX_NS; i++)
			most *= 2;
		if (most > BACKOFF_MAX_NS)
			most = BACKOFF_MAX_NS;
		for (uint64_t random = 1; random; random <<= 1) {
			assert_true(backoff_ns(tries, random) >= 1000000);
			assert_true(backoff_ns(tries, random) <= most);
		}
		assert_int_equal(backoff_ns(tries, most - 1000000), most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_conntracct_is_the_same_to_the_byte),
		cmocka_unit_test(what_separates_is_escaped_and_what_commands_is_not_sent),
		cmocka_unit_test(sums_are_of_primaries_and_each_byte_is_in_one),
		cmocka_unit_test(many_sets_of_tags_keep_their_sums),
		cmocka_unit_test(a_point_of_a_flow_has_totals_and_deltas),
		cmocka_unit_test(waits_grow_to_their_bound_and_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
