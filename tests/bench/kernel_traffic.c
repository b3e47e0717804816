// SPDX-License-Identifier: Apache-2.0
#include "kernel_traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER "10.0.0.2"
#define CHUNK_BYTES 65536
/* Where flows come from, all of them local addresses of "a": 10.1.0.1 and so on. */
#define FLOWS_FROM 0x0a010001U
#define FLOWS_MAX 65000

enum port { PORT_SHORT = 80, PORT_LONG, PORT_ECHO, PORT_SINK, PORT_IDLE };

struct traffic {
	int listener, sink; /* in b */
	int client, server; /* one connection */
	int asker, echo;    /* one flow of datagrams */
	int source;         /* of many flows */
	int netlink;
	unsigned flows; /* made so far */
};

static char bytes[CHUNK_BYTES];

static void die(const char *what)
{
	fprintf(stderr, "bench_kernel: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int must(int r, const char *what)
{
	if (r < 0)
		die(what);
	return r;
}

static void enter(const char *netns)
{
	const int fd = must(open(netns, O_RDONLY | O_CLOEXEC), netns);

	must(setns(fd, CLONE_NEWNET), netns);
	close(fd);
}

static struct sockaddr_in server_at(enum port port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, SERVER, &address.sin_addr);
	return address;
}

static int serve(int type, enum port port)
{
	const struct sockaddr_in address = server_at(port);
	const int fd = must(socket(AF_INET, type, 0), "socket");
	const int one = 1;

	/* connections of a program before are waiting for their end */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(fd, (const void *)&address, sizeof(address)), "bind");
	if (type == SOCK_STREAM)
		must(listen(fd, 16), "listen");
	return fd;
}

static int reach(int type, enum port port)
{
	const struct sockaddr_in address = server_at(port);
	const int fd = must(socket(AF_INET, type, 0), "socket");

	must(connect(fd, (const void *)&address, sizeof(address)), "connect");
	return fd;
}

/* From one end to the other. */
static void pass(int from, int to, size_t size)
{
	if (send(from, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("send");
	if (recv(to, bytes, size, MSG_WAITALL) != (ssize_t)size)
		die("recv");
}

struct traffic *traffic_open(void)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	const int one = 1;
	int listener;

	if (!traffic)
		die("memory");
	enter("/run/netns/b");
	traffic->listener = serve(SOCK_STREAM, PORT_SHORT);
	listener = serve(SOCK_STREAM, PORT_LONG);
	traffic->echo = serve(SOCK_DGRAM, PORT_ECHO);
	traffic->sink = serve(SOCK_DGRAM, PORT_SINK);
	enter("/run/netns/a");
	traffic->client = reach(SOCK_STREAM, PORT_LONG);
	traffic->server = must(accept(listener, NULL, NULL), "accept");
	close(listener);
	setsockopt(traffic->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(traffic->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	traffic->asker = reach(SOCK_DGRAM, PORT_ECHO);
	traffic->source = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	traffic->netlink = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), "netlink");
	return traffic;
}

void traffic_connections(struct traffic *traffic, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const int client = reach(SOCK_STREAM, PORT_SHORT);
		const int server = must(accept(traffic->listener, NULL, NULL), "accept");

		pass(client, server, 100);
		pass(server, client, 100);
		close(client);
		close(server);
	}
}

void traffic_idle(unsigned count)
{
	const struct rlimit files = { 2 * count + 100, 2 * count + 100 };
	int listener;

	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	enter("/run/netns/b");
	listener = serve(SOCK_STREAM, PORT_IDLE);
	for (unsigned i = 0; i < count; i++) {
		reach(SOCK_STREAM, PORT_IDLE);
		must(accept(listener, NULL, NULL), "accept");
	}
	enter("/run/netns/a");
}

void traffic_round_trips(struct traffic *traffic, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pass(traffic->client, traffic->server, 64);
		pass(traffic->server, traffic->client, 64);
	}
}

void traffic_echoes(struct traffic *traffic, unsigned count)
{
	struct sockaddr_in from;
	socklen_t size;

	for (unsigned i = 0; i < count; i++) {
		if (send(traffic->asker, bytes, 64, 0) != 64)
			die("send");
		size = sizeof(from);
		if (recvfrom(traffic->echo, bytes, 64, 0, (void *)&from, &size) != 64 ||
		    sendto(traffic->echo, bytes, 64, 0, (void *)&from, size) != 64)
			die("echo");
		if (recv(traffic->asker, bytes, 64, 0) != 64)
			die("recv");
	}
}

void traffic_bulk(struct traffic *traffic, unsigned count)
{
	size_t left = (size_t)count << 20, due = left;
	ssize_t n;

	while (due) {
		n = left ? send(traffic->client, bytes,
				left < CHUNK_BYTES ? left : CHUNK_BYTES,
				MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		if (n > 0)
			left -= (size_t)n;
		else if (n < 0 && errno != EAGAIN)
			die("send");
		/* waits only where nothing else is to be done */
		n = recv(traffic->server, bytes, CHUNK_BYTES, n > 0 ? MSG_DONTWAIT : 0);
		if (n > 0)
			due -= (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			die("recv");
	}
}

/* All from one socket, since sockets that come and go are work for who watches them. */
void traffic_flows(struct traffic *traffic, unsigned count)
{
	struct sockaddr_in to = server_at(PORT_SINK);
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct in_pktinfo source = { 0 };
	struct iovec data = { bytes, 64 };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header.cmsg_len = CMSG_LEN(sizeof(source));
	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = IP_PKTINFO;
	for (unsigned i = 0; i < count; i++) {
		source.ipi_spec_dst.s_addr = htonl(FLOWS_FROM + traffic->flows++ % FLOWS_MAX);
		memcpy(CMSG_DATA(&control.header), &source, sizeof(source));
		if (sendmsg(traffic->source, &message, 0) != 64)
			die("send");
		if (recv(traffic->sink, bytes, 64, 0) != 64)
			die("recv");
	}
}

void traffic_flush(struct traffic *traffic, unsigned count)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg family;
	} message = {
		.header = {
			.nlmsg_len = sizeof(message),
			.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.family = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[64];
	} answer;

	(void)count;
	if (send(traffic->netlink, &message, sizeof(message), 0) != sizeof(message))
		die("flush");
	if (recv(traffic->netlink, &answer, sizeof(answer), 0) < 0 || answer.error.error)
		die("flush");
}
