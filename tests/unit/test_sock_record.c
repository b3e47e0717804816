// SPDX-License-Identifier: Apache-2.0
/* What a BPF program read of a TCP socket, into an observation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/tcp.h>

#include "abi/weir_abi.h"
#include "source/sock_record.h"

static struct abi_sock record_of(uint8_t kind)
{
	struct abi_sock record = {
		.cookie = 77, .sent_bytes = 600, .received_bytes = 1100,
		.segments_sent = 9, .segments_received = 8, .retransmits = 1,
		.srtt_us = 150, .rttvar_us = 30, .min_rtt_us = 90, .cwnd = 10,
		.rwnd_limited_ticks = 3, .sndbuf_limited_ticks = UINT32_MAX,
		.netns = 4026531840U, .uid = 1000, .pid = 4321, .connect_us = 210,
		.local_port_be = htons(40000), .remote_port_be = htons(443),
		.kind = kind, .state = TCP_ESTABLISHED, .role = ABI_ROLE_CLIENT,
		.family = AF_INET,
	};

	assert_int_equal(inet_pton(AF_INET, "10.0.1.1", record.local), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.7", record.remote), 1);
	return record;
}

#define TICK_NS 4000000ULL

static struct obs_socket parse(const struct abi_sock *record)
{
	struct obs_socket socket;

	assert_int_equal(sock_record_parse(&socket, record, TICK_NS), 0);
	return socket;
}

static void assert_addr(const struct addr *addr, const char *text)
{
	char printed[ADDR_TEXT_SIZE];

	assert_string_equal(addr_print(printed, addr), text);
}

static void a_connection_has_its_addresses_counters_and_time(void **state)
{
	const struct abi_sock record = record_of(ABI_SOCK_CONNECTED);
	const struct obs_socket socket = parse(&record);

	assert_addr(&socket.local.addr[INITIATOR], "10.0.1.1");
	assert_addr(&socket.local.addr[RESPONDER], "192.0.2.7");
	assert_int_equal(ntohs(socket.local.port_be[INITIATOR]), 40000);
	assert_int_equal(ntohs(socket.local.port_be[RESPONDER]), 443);
	assert_int_equal(socket.local.proto, IPPROTO_TCP);
	assert_int_equal(socket.has, SOCKET_UID | SOCKET_TUPLE | SOCKET_INFO | SOCKET_MADE);
	assert_int_equal(socket.role, SOCKET_ROLE_CLIENT);
	assert_int_equal(socket.payload_sent_bytes, 600);
	assert_int_equal(socket.payload_received_bytes, 1100);
	assert_int_equal(socket.segments_sent, 9);
	assert_int_equal(socket.segments_received, 8);
	assert_int_equal(socket.retransmitted_segments, 1);
	assert_int_equal(socket.srtt_us, 150);
	assert_int_equal(socket.rttvar_us, 30);
	assert_int_equal(socket.min_rtt_us, 90);
	assert_int_equal(socket.cwnd, 10);
	assert_int_equal(socket.rwnd_limited_us, 12000);
	assert_int_equal(socket.sndbuf_limited_us, UINT32_MAX * 4000ULL);
	assert_int_equal(socket.connect_us, 210);
	assert_int_equal(socket.uid, 1000);
}

static void ipv4_by_an_ipv6_socket_is_ipv4(void **state)
{
	struct abi_sock record = record_of(ABI_SOCK_SEEN);

	record.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.1.1", record.local), 1);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", record.remote), 1);
	const struct obs_socket mapped = parse(&record);

	assert_true(tuple_is_v4(&mapped.local));
	assert_addr(&mapped.local.addr[RESPONDER], "192.0.2.7");
	assert_false(mapped.has & SOCKET_MADE);
}

/* How long an accepted connection waited in the queue is no connect time. */
static void an_accepted_one_has_no_connect_time(void **state)
{
	struct abi_sock record = record_of(ABI_SOCK_ACCEPTED);

	record.role = ABI_ROLE_SERVER;
	const struct obs_socket socket = parse(&record);

	assert_int_equal(socket.role, SOCKET_ROLE_SERVER);
	assert_int_equal(socket.connect_us, 0);
}

static void a_closed_one_is_closed_whatever_it_was_before(void **state)
{
	struct abi_sock record = record_of(ABI_SOCK_CLOSED);

	record.state = TCP_LAST_ACK;
	record.error = ECONNRESET;
	const struct obs_socket socket = parse(&record);

	assert_int_equal(socket.state, TCP_CLOSE);
	assert_int_equal(socket.error, ECONNRESET);
	assert_true(socket.has & SOCKET_INFO);
}

static void one_that_failed_has_no_counters_and_perhaps_no_port(void **state)
{
	struct abi_sock record = record_of(ABI_SOCK_FAILED);

	record.state = TCP_SYN_SENT;
	record.local_port_be = 0;
	record.error = ENETUNREACH;
	const struct obs_socket socket = parse(&record);

	assert_int_equal(socket.has, SOCKET_UID | SOCKET_TUPLE | SOCKET_FAILED);
	assert_int_equal(socket.error, ENETUNREACH);
	assert_int_equal(socket.state, TCP_SYN_SENT);
}

static void what_no_socket_can_be_is_refused(void **state)
{
	struct obs_socket socket;
	struct abi_sock record = record_of(ABI_SOCK_SEEN);

	record.family = 3;
	assert_int_equal(sock_record_parse(&socket, &record, TICK_NS), -EBADMSG);
	record = record_of(ABI_SOCK_SEEN);
	record.cookie = 0;
	assert_int_equal(sock_record_parse(&socket, &record, TICK_NS), -EBADMSG);
	record = record_of(ABI_SOCK_SEEN);
	record.state = 0;
	assert_int_equal(sock_record_parse(&socket, &record, TICK_NS), -EBADMSG);
	record.state = TCP_CLOSING + 1;
	assert_int_equal(sock_record_parse(&socket, &record, TICK_NS), -EBADMSG);
	record = record_of(ABI_SOCK_SEEN + 1);
	assert_int_equal(sock_record_parse(&socket, &record, TICK_NS), -EBADMSG);
	record = record_of(ABI_SOCK_CLOSED);
	record.error = -5;
	assert_int_equal(parse(&record).error, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_has_its_addresses_counters_and_time),
		cmocka_unit_test(ipv4_by_an_ipv6_socket_is_ipv4),
		cmocka_unit_test(an_accepted_one_has_no_connect_time),
		cmocka_unit_test(a_closed_one_is_closed_whatever_it_was_before),
		cmocka_unit_test(one_that_failed_has_no_counters_and_perhaps_no_port),
		cmocka_unit_test(what_no_socket_can_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
