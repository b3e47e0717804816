// SPDX-License-Identifier: Apache-2.0
/* NetTracer's lines, byte for byte as that tool's users know them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "encode/nettracer.h"

static const char sample[] =
	"  1750000000 0 0A01A8C0 9E4A 0 22D8B85D 01BB         2101  4026531840 100         "
	"          1532                 81234                    14                    61     "
	"                0       21873        9120      1749999990       10\n";

static struct nettracer_line sample_line(void)
{
	struct nettracer_line line = {
		.now_s = 1750000000, .port = { 40522, 443 }, .pid = 2101, .netns = 4026531840,
		.is_established = true, .bytes = { 1532, 81234 }, .packets = { 14, 61 },
		.rtt_us = 21873, .rtt_var_us = 9120, .start_s = 1749999990, .duration_s = 10,
	};

	addr_parse(&line.addr[0], "192.168.1.10", 12);
	addr_parse(&line.addr[1], "93.184.216.34", 13);
	return line;
}

static void check_text(struct buf *buf, const char *expected)
{
	buf_putc(buf, '\0');
	assert_string_equal(buf->data, expected);
	buf_clear(buf);
}

static void a_line_for_programs_is_that_tools(void **state)
{
	struct nettracer_line line = sample_line();
	struct buf buf = { 0 };

	nettracer_put_hex(&buf, &line);
	check_text(&buf, sample);
	line.is_established = false;
	line.is_accepted = line.is_closed = true;
	addr_parse(&line.addr[0], "2001:db8::1", 11);
	addr_parse(&line.addr[1], "::1", 3);
	nettracer_put_hex(&buf, &line);
	check_text(&buf, "  1750000000 1 20010DB8000000000000000000000001 9E4A 1 "
			 "00000000000000000000000000000001 01BB         2101  4026531840 011     "
			 "              1532                 81234                    14          "
			 "          61                     0       21873        9120\n");
	buf_fini(&buf);
}

/* Also where every column is as wide as it can be. */
static void a_line_is_read_back_as_it_was_written(void **state)
{
	struct nettracer_line line = sample_line(), back;
	struct buf first = { 0 }, second = { 0 };

	memset(line.bytes, 0xff, sizeof(line.bytes));
	memset(line.packets, 0xff, sizeof(line.packets));
	line.retransmitted = UINT64_MAX;
	line.pid = line.netns = line.rtt_us = line.rtt_var_us = UINT32_MAX;
	nettracer_put_hex(&first, &line);
	assert_int_equal(nettracer_parse_hex(&back, first.data, first.len - 1), 0);
	nettracer_put_hex(&second, &back);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	for (size_t n = 0; n < 150; n++) /* what is cut is none */
		assert_int_equal(nettracer_parse_hex(&back, sample, n), -EINVAL);
	assert_int_equal(nettracer_parse_hex(&back, " ", 1), -EINVAL);
	buf_fini(&first);
	buf_fini(&second);
}

static void the_table_has_six_columns(void **state)
{
	struct nettracer_line line = sample_line();
	struct buf buf = { 0 };

	nettracer_put_human(&buf, NULL, 22);
	check_text(&buf, "local address         remote address        pid                   "
			 "bytes sent            bytes received        rtt                   \n");
	nettracer_put_human(&buf, &line, 22);
	check_text(&buf, "192.168.1.10:40522    93.184.216.34:443     2101                  "
			 "1532                  81234                 21873                 \n");
	buf_fini(&buf);
}

static struct record connection(enum event event)
{
	struct record record;

	memset(&record, 0xa5, sizeof(record));
	record.has[0] = record.has[1] = 0;
	record.event = (uint8_t)event;
	record.time_wall_ns = 1779794806004999999ULL; /* 2026-05-26 11:26:46.004 UTC */
	addr_parse(&record.orig.addr[INITIATOR], "192.168.1.10", 12);
	addr_parse(&record.orig.addr[RESPONDER], "93.184.216.34", 13);
	record.orig.port_be[INITIATOR] = htons(40522);
	record.orig.port_be[RESPONDER] = htons(443);
	record.orig.proto = IPPROTO_TCP;
	record.netns = 4026531840;
	record.owner[INITIATOR].pid = 2101;
	record_set(&record, FIELD_CLIENT_PID);
	record.tcp_payload_bytes[INITIATOR] = 1532;
	record.tcp_payload_bytes[RESPONDER] = 81234;
	record.tcp_segments[INITIATOR] = 14;
	record.tcp_segments[RESPONDER] = 61;
	record.retransmits[INITIATOR] = 0;
	record.rtt_us[INITIATOR] = 21873;
	record.rttvar_us[INITIATOR] = 9120;
	for (unsigned id = FIELD_TCP_PAYLOAD_ORIG; id <= FIELD_RTTVAR_US; id++)
		record_set(&record, id);
	return record;
}

static void check_log(const struct record *record, const char *expected)
{
	const struct encode_conf conf = { 0 };
	char wanted[1024], tid[16];
	struct buf buf = { 0 };
	size_t n = 0;

	/* TID stands for ours */
	snprintf(tid, sizeof(tid), "%d", (int)gettid());
	for (; *expected && n + sizeof(tid) < sizeof(wanted); expected++) {
		if (strncmp(expected, "TID", 3)) {
			wanted[n++] = *expected;
			continue;
		}
		n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, "%s", tid);
		expected += 2;
	}
	wanted[n] = '\0';
	encoder_nettracer.record(&buf, &conf, record);
	check_text(&buf, wanted);
	buf_fini(&buf);
}

#define PREFIX "2026-05-26 11:26:46.004 [TID] info [nettracer] "
#define ENDS "192.168.1.10:40522 -> 93.184.216.34:443 NS:4026531840"
#define SENT " - stats: Bytes sent=1532 Bytes received=81234\n"
#define HEALTH " - TCP stats: Retransmissions=0 " SEGMENTS
#define SEGMENTS "Segs_in=61 Segs_out=14 RTT=21873 RTT_var=9120\n"
#define STATS PREFIX ENDS SENT PREFIX ENDS HEALTH

static void its_log_is_that_tools(void **state)
{
	struct record record = connection(EVENT_CONNECT);

	setenv("TZ", "UTC", 1);
	tzset();
	check_log(&record, PREFIX "event connect " ENDS " PID:2101\n");
	record = connection(EVENT_CLOSE);
	check_log(&record, PREFIX "event close 192.168.1.10:40522 -- 93.184.216.34:443 "
			   "NS:4026531840 PID:2101\n" STATS);
	record = connection(EVENT_UPDATE);
	check_log(&record, STATS);
	record = connection(EVENT_START);
	check_log(&record, "");
	record = connection(EVENT_UPDATE);
	record.orig.proto = IPPROTO_UDP;
	check_log(&record, "");
}

/* The server's socket sees the connection from its side, behind a translation too. */
static void an_accepted_socket_is_shown_from_its_own_side(void **state)
{
	struct record record = connection(EVENT_ACCEPT);
	struct nettracer_line line;

	record.has[FIELD_CLIENT_PID / 64] &= ~(1ULL << FIELD_CLIENT_PID % 64);
	record.owner[RESPONDER].pid = 900;
	record_set(&record, FIELD_SERVER_PID);
	check_log(&record, PREFIX "event accept 93.184.216.34:443 <- 192.168.1.10:40522 "
			   "NS:4026531840 PID:900\n");
	record.nat = record.orig;
	addr_parse(&record.nat.addr[RESPONDER], "172.17.0.2", 10);
	record.nat.port_be[RESPONDER] = htons(8443);
	record_set(&record, FIELD_NAT_DST_IP);
	record_set(&record, FIELD_NAT_DST_PORT);
	record.tcp_state = TCP_ESTABLISHED;
	record.socket_netns[RESPONDER] = 77;
	record_set(&record, FIELD_TCP_STATE);
	check_log(&record, PREFIX "event accept 172.17.0.2:8443 <- 192.168.1.10:40522 "
			   "NS:77 PID:900\n");
	assert_false(nettracer_socket(&line, &record, INITIATOR));
	assert_true(nettracer_socket(&line, &record, RESPONDER));
	assert_int_equal(line.bytes[0], 81234);
	assert_int_equal(line.bytes[1], 1532);
	assert_int_equal(line.packets[0], 61);
	assert_true(line.is_accepted);
}

/* Of both ends each has its own retransmits and times. */
static void two_sockets_of_this_host_are_two_lines(void **state)
{
	struct record record = connection(EVENT_UPDATE);
	const struct encode_conf conf = { 0 };
	struct nettracer_line line;
	struct buf buf = { 0 };
	const char *second;

	record.owner[RESPONDER].pid = 900;
	record_set(&record, FIELD_SERVER_PID);
	record.retransmits[RESPONDER] = 3;
	record.rtt_us[RESPONDER] = 40;
	record.rttvar_us[RESPONDER] = 20;
	record_set(&record, FIELD_SERVER_RETRANSMITS);
	record_set(&record, FIELD_SERVER_RTT_US);
	encoder_nettracer_hex.record(&buf, &conf, &record);
	second = memchr(buf.data, '\n', buf.len);
	assert_non_null(second);
	assert_int_equal(nettracer_parse_hex(&line, second + 1,
					     (size_t)(buf.data + buf.len - second) - 2), 0);
	assert_int_equal(line.pid, 900);
	assert_int_equal(line.retransmitted, 3);
	assert_int_equal(line.rtt_us, 40);
	assert_int_equal(line.bytes[0], 81234);
	/* its sockets have closed and were told of */
	buf_clear(&buf);
	record.ct_state = TCP_CONNTRACK_TIME_WAIT;
	record_set(&record, FIELD_CT_STATE);
	encoder_nettracer_hex.record(&buf, &conf, &record);
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_programs_is_that_tools),
		cmocka_unit_test(a_line_is_read_back_as_it_was_written),
		cmocka_unit_test(the_table_has_six_columns),
		cmocka_unit_test(its_log_is_that_tools),
		cmocka_unit_test(an_accepted_socket_is_shown_from_its_own_side),
		cmocka_unit_test(two_sockets_of_this_host_are_two_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
