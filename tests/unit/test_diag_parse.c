// SPDX-License-Identifier: Apache-2.0
/*
 * sock_diag's answers about connections over loopback that the test makes, held
 * against what it sent: the kernel's tcp_info counts SYN and FIN, a record must not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "source/diag_parse.h"
#include "source/sd_events.h"

#define SENT 5000
#define REPLIED 70

struct pair {
	int client, server;
};

static void pair_open(struct pair *ret)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[SENT] = { 0 };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_false(bind(listener, (struct sockaddr *)&address, length));
	assert_false(listen(listener, 1));
	assert_false(getsockname(listener, (struct sockaddr *)&address, &length));
	ret->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_false(connect(ret->client, (struct sockaddr *)&address, length));
	ret->server = accept(listener, NULL, NULL);
	close(listener);
	assert_int_equal(send(ret->client, bytes, SENT, 0), SENT);
	assert_int_equal(recv(ret->server, bytes, SENT, MSG_WAITALL), SENT);
	assert_int_equal(send(ret->server, bytes, REPLIED, 0), REPLIED);
	assert_int_equal(recv(ret->client, bytes, REPLIED, MSG_WAITALL), REPLIED);
}

static uint64_t cookie_of(int fd)
{
	uint64_t ret = 0;
	socklen_t length = sizeof(ret);

	assert_false(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &ret, &length));
	return ret;
}

static uint8_t state_of(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	assert_false(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info.tcpi_state;
}

/* The kernel's message about that socket, of *n bytes; free it. */
static struct nlmsghdr *ask(int fd, size_t *n)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP,
			  .idiag_ext = 1 << (INET_DIAG_INFO - 1), .idiag_states = UINT32_MAX },
	};
	const int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct sockaddr_in local, remote;
	socklen_t length = sizeof(local);
	struct nlmsghdr *ret = calloc(1, 8192);
	ssize_t received;

	assert_non_null(ret);
	getsockname(fd, (struct sockaddr *)&local, &length);
	getpeername(fd, (struct sockaddr *)&remote, &length);
	request.body.id.idiag_sport = local.sin_port;
	request.body.id.idiag_dport = remote.sin_port;
	request.body.id.idiag_src[0] = local.sin_addr.s_addr;
	request.body.id.idiag_dst[0] = remote.sin_addr.s_addr;
	request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	assert_true(send(netlink, &request, sizeof(request), 0) > 0);
	received = recv(netlink, ret, 8192, 0);
	close(netlink);
	assert_true(mnl_nlmsg_ok(ret, (int)received));
	assert_int_equal(ret->nlmsg_type, SOCK_DIAG_BY_FAMILY);
	*n = (size_t)received;
	return ret;
}

/* The socket as a record would tell it. */
static struct obs_socket look(int fd, enum socket_role role)
{
	struct obs_socket socket;
	struct nlmsghdr *message;
	size_t n;

	message = ask(fd, &n);
	assert_false(diag_parse(&socket, message, n, IPPROTO_TCP, false));
	diag_settle_role(&socket, role);
	free(message);
	return socket;
}

static void assert_payload(const struct pair *pair)
{
	const struct obs_socket client = look(pair->client, SOCKET_ROLE_CLIENT);
	const struct obs_socket server = look(pair->server, SOCKET_ROLE_SERVER);

	assert_int_equal(client.payload_sent_bytes, SENT);
	assert_int_equal(client.payload_received_bytes, REPLIED);
	assert_int_equal(server.payload_sent_bytes, REPLIED);
	assert_int_equal(server.payload_received_bytes, SENT);
}

static void tells_the_payload_without_syn_and_fin(void **state)
{
	struct pair pair;

	pair_open(&pair);
	assert_int_equal(state_of(pair.client), TCP_ESTABLISHED);
	assert_payload(&pair);
	/* one FIN sent, acknowledged and received */
	assert_false(shutdown(pair.client, SHUT_WR));
	for (int i = 0; i < 1000000 && state_of(pair.client) == TCP_FIN_WAIT1; i++)
		;
	assert_int_equal(state_of(pair.client), TCP_FIN_WAIT2);
	assert_int_equal(state_of(pair.server), TCP_CLOSE_WAIT);
	assert_payload(&pair);
	close(pair.client);
	close(pair.server);
}

static void names_the_socket_as_the_kernel_does(void **state)
{
	struct obs_socket socket;
	struct pair pair;

	pair_open(&pair);
	socket = look(pair.client, SOCKET_ROLE_CLIENT);
	assert_int_equal(socket.cookie, cookie_of(pair.client));
	assert_int_equal(socket.uid, geteuid());
	assert_int_not_equal(socket.inode, 0);
	assert_int_equal(socket.state, TCP_ESTABLISHED);
	assert_int_equal(socket.has, SOCKET_INFO | SOCKET_UID | SOCKET_TUPLE);
	assert_int_equal(socket.local.proto, IPPROTO_TCP);
	assert_true(addr_is_loopback(&socket.local.addr[INITIATOR]));
	assert_true(socket.srtt_us > 0);
	close(pair.client);
	close(pair.server);
}

/* In memory of exactly its size, so that the sanitizer sees a byte too far. */
static void refuses_what_is_cut_off(void **state)
{
	struct obs_socket socket;
	struct nlmsghdr *message;
	struct pair pair;
	size_t n;

	pair_open(&pair);
	message = ask(pair.client, &n);
	for (size_t cut = 0; cut < n; cut++) {
		void *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, message, cut);
		assert_int_equal(diag_parse(&socket, copy, cut, IPPROTO_TCP, false), -EBADMSG);
		if (cut >= sizeof(*message)) { /* a length that agrees */
			((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)cut;
			diag_parse(&socket, copy, cut, IPPROTO_TCP, false);
		}
		free(copy);
	}
	free(message);
	close(pair.client);
	close(pair.server);
}

static void takes_the_shorter_info_of_an_older_kernel(void **state)
{
	struct obs_socket socket;
	struct nlmsghdr *message;
	struct pair pair;
	struct nlattr *attr;
	size_t n;

	pair_open(&pair);
	message = ask(pair.client, &n);
	attr = (struct nlattr *)((char *)message + MNL_NLMSG_HDRLEN +
				 MNL_ALIGN(sizeof(struct inet_diag_msg)));
	while (mnl_attr_get_type(attr) != INET_DIAG_INFO)
		attr = mnl_attr_next(attr);
	/* up to tcpi_total_retrans: before 4.1 */
	attr->nla_len = MNL_ATTR_HDRLEN + 104;
	message->nlmsg_len = (uint32_t)((char *)attr + attr->nla_len - (char *)message);
	assert_false(diag_parse(&socket, message, n, IPPROTO_TCP, false));
	assert_true(socket.has & SOCKET_INFO);
	assert_true(socket.srtt_us > 0);
	assert_int_equal(socket.payload_sent_bytes, 0);
	free(message);
	close(pair.client);
	close(pair.server);
}

/* What a dump of IPv6's UDP sockets says of that one. */
static struct obs_socket look_bound(int fd)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_INET6, .sdiag_protocol = IPPROTO_UDP,
			  .idiag_states = UINT32_MAX },
	};
	const int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct obs_socket socket = { 0 };
	char reply[32768] __attribute__((aligned(8)));
	const uint64_t cookie = cookie_of(fd);

	assert_true(send(netlink, &request, sizeof(request), 0) > 0);
	while (socket.cookie != cookie) {
		int left = (int)recv(netlink, reply, sizeof(reply), 0);
		const struct nlmsghdr *message = (const struct nlmsghdr *)reply;

		for (; socket.cookie != cookie && mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left)) {
			assert_int_equal(message->nlmsg_type, SOCK_DIAG_BY_FAMILY);
			assert_false(diag_parse(&socket, message, (size_t)left, IPPROTO_UDP,
						false));
		}
	}
	close(netlink);
	return socket;
}

static void tells_whether_a_bound_socket_takes_ipv4(void **state)
{
	for (int only = 0; only < 2; only++) {
		const struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
		const int fd = socket(AF_INET6, SOCK_DGRAM, 0);

		assert_false(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)));
		assert_false(bind(fd, (const struct sockaddr *)&any, sizeof(any)));
		assert_int_equal(!!(look_bound(fd).has & SOCKET_ONLY_V6), only);
		close(fd);
	}
}

/* What the kernel tells of that socket as it is destroyed. */
static struct obs_socket hear(int events, uint64_t cookie)
{
	struct pollfd poller = { events, POLLIN, 0 };
	char message[8192] __attribute__((aligned(8)));
	struct obs_socket socket;
	ssize_t n;

	do {
		assert_int_equal(poll(&poller, 1, 10000), 1);
		n = recv(events, message, sizeof(message), 0);
		assert_true(n > 0);
		assert_false(diag_parse(&socket, (const void *)message, (size_t)n, IPPROTO_TCP,
					true));
	} while (socket.cookie != cookie);
	return socket;
}

static void knows_a_client_by_its_end(void **state)
{
	const int events = sd_events_open(1 << 20);
	struct obs_socket client, server;
	uint64_t cookie[2];
	struct pair pair;

	assert_true(events >= 0);
	pair_open(&pair);
	cookie[0] = cookie_of(pair.client);
	cookie[1] = cookie_of(pair.server);
	/* whoever closes first is the first to be gone */
	assert_false(shutdown(pair.client, SHUT_WR));
	close(pair.server);
	server = hear(events, cookie[1]);
	close(pair.client);
	client = hear(events, cookie[0]);
	assert_int_equal(client.role, SOCKET_ROLE_CLIENT);
	assert_int_equal(server.role, SOCKET_ROLE_UNKNOWN);
	assert_true(client.has & SOCKET_TUPLE && server.has & SOCKET_TUPLE);
	assert_int_equal(client.payload_sent_bytes, SENT);
	assert_int_equal(server.payload_sent_bytes, REPLIED);
	close(events);
}

static void knows_that_one_never_was_connected(void **state)
{
	const int events = sd_events_open(1 << 20);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct pollfd poller = { fd, POLLOUT, 0 };
	const uint64_t cookie = cookie_of(fd);

	assert_true(events >= 0);
	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)), -1);
	assert_int_equal(poll(&poller, 1, 10000), 1);
	close(fd);
	assert_false(hear(events, cookie).has & SOCKET_TUPLE);
	close(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_payload_without_syn_and_fin),
		cmocka_unit_test(names_the_socket_as_the_kernel_does),
		cmocka_unit_test(tells_whether_a_bound_socket_takes_ipv4),
		cmocka_unit_test(knows_a_client_by_its_end),
		cmocka_unit_test(knows_that_one_never_was_connected),
		cmocka_unit_test(refuses_what_is_cut_off),
		cmocka_unit_test(takes_the_shorter_info_of_an_older_kernel),
	};

	return cmocka_run_group_tests_name("diag_parse", tests, NULL, NULL);
}
