// SPDX-License-Identifier: Apache-2.0
/*
 * Datagrams and echoes. Each is answered before the next is sent, so that none
 * is lost; without replies (--reply 0) they are sent as fast as the rate allows
 * and the server has a buffer for all of them.
 */
#include "traffic.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define BUFFER_BYTES (256 << 20)
#define PACKET_BYTES 65536

static char packet[PACKET_BYTES];

static void await_input(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	errno = ETIMEDOUT;
	if (poll(&poller, 1, PATIENCE_MS) != 1)
		die("an answer");
}

static void take(struct deeds *deeds, ssize_t bytes, unsigned wanted)
{
	errno = EPROTO;
	if (bytes != (ssize_t)wanted)
		die("a packet of another size");
	deeds->received_packets++;
	deeds->received_bytes += (uint64_t)bytes;
}

static void give(struct deeds *deeds, ssize_t bytes, unsigned wanted)
{
	if (bytes != (ssize_t)wanted)
		die("send");
	deeds->sent_packets++;
	deeds->sent_bytes += (uint64_t)bytes;
}

static void udp_flow(const struct plan *plan, struct deeds *deeds, unsigned i)
{
	const int family = plan->to.at.ss_family;
	const int fd = open_socket(plan, family, SOCK_DGRAM, 0);

	bind_source(plan, fd, family, i);
	/* not connected: a refusal by ICMP must not be an error of the next send */
	for (unsigned k = 0; k < plan->packets; k++) {
		give(deeds, sendto(fd, packet, plan->send_bytes, 0,
				   (const struct sockaddr *)&plan->to.at, plan->to.size),
		     plan->send_bytes);
		if (!plan->reply_bytes)
			continue;
		await_input(fd);
		take(deeds, recv(fd, packet, sizeof(packet), 0), plan->reply_bytes);
	}
	close(fd);
}

void udp_client(const struct plan *plan, struct deeds *deeds, int peer)
{
	unsigned step = 0;

	if (plan->steps)
		printf("open=%u\n", plan->count);
	do {
		if (plan->steps && !next_line())
			break;
		for (unsigned i = 0; i < plan->count; i++) {
			await_turn(plan, i);
			udp_flow(plan, deeds, i);
		}
		printf("step=%u\n", ++step);
	} while (plan->steps);
	if (peer >= 0) {
		const uint64_t sent = deeds->sent_packets;

		if (write(peer, &sent, sizeof(sent)) != sizeof(sent))
			die("the server is gone");
	}
}

static void udp_serve(const struct plan *plan, int fd, struct deeds *deeds)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);

	take(deeds, recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size),
	     plan->send_bytes);
	if (plan->reply_bytes)
		give(deeds, sendto(fd, packet, plan->reply_bytes, 0,
				   (struct sockaddr *)&from, size),
		     plan->reply_bytes);
}

/* Until it has what the client says that it sent. */
void udp_server(const struct plan *plan, struct deeds *deeds, int peer)
{
	const int fd = open_socket(plan, plan->listen.at.ss_family, SOCK_DGRAM, 0);
	const int bytes = BUFFER_BYTES;
	struct pollfd poller[2] = { { fd, POLLIN, 0 }, { peer, POLLIN, 0 } };
	uint64_t sent = UINT64_MAX;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (bind(fd, (const struct sockaddr *)&plan->listen.at, plan->listen.size) < 0)
		die("bind");
	tell(peer, 'r');
	while (deeds->received_packets < sent) {
		errno = ETIMEDOUT;
		if (poll(poller, sent == UINT64_MAX ? 2 : 1,
			 sent == UINT64_MAX ? -1 : PATIENCE_MS) < 1)
			die("datagrams that were sent");
		if (poller[0].revents)
			udp_serve(plan, fd, deeds);
		else if (recv(peer, &sent, sizeof(sent), MSG_WAITALL) != sizeof(sent))
			die("the client is gone");
	}
}

static uint16_t checksum(const void *data, size_t n)
{
	const unsigned char *at = data;
	uint32_t sum = 0;

	for (; n > 1; n -= 2, at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	if (n)
		sum += (uint32_t)at[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The echo header is the same in both versions but for its type. */
static bool is_reply(const char *bytes, ssize_t n, unsigned type, const struct icmphdr *request)
{
	struct icmphdr header;

	if (n < (ssize_t)sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	return header.type == type && header.un.echo.id == request->un.echo.id &&
	       header.un.echo.sequence == request->un.echo.sequence;
}

static void echo(const struct plan *plan, int fd, struct deeds *deeds, struct icmphdr request)
{
	const bool six = plan->to.at.ss_family == AF_INET6;
	const unsigned size = (unsigned)sizeof(request) + plan->send_bytes;
	struct sockaddr_storage to = plan->to.at;
	ssize_t n, skip;

	/* on a raw socket of IPv6 a port means a protocol */
	if (six)
		((struct sockaddr_in6 *)&to)->sin6_port = 0;
	memset(packet, 0, size);
	memcpy(packet, &request, sizeof(request));
	if (!six) {
		request.checksum = checksum(packet, size);
		memcpy(packet, &request, sizeof(request));
	}
	give(deeds, sendto(fd, packet, size, 0, (struct sockaddr *)&to, plan->to.size), size);
	do {
		await_input(fd);
		n = recv(fd, packet, sizeof(packet), 0);
		skip = six || n < 1 ? 0 : (packet[0] & 15) * 4;
	} while (!is_reply(packet + skip, n - skip, six ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY,
			   &request));
	take(deeds, n - skip, size);
}

/* Flow i has the identifier source_port + i. */
void icmp_client(const struct plan *plan, struct deeds *deeds, int peer)
{
	const int family = plan->to.at.ss_family;
	const bool six = family == AF_INET6;
	const int fd = open_socket(plan, family, SOCK_RAW, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	for (unsigned i = 0; i < plan->count; i++) {
		for (unsigned k = 0; k < plan->packets; k++) {
			struct icmphdr request = {
				.type = six ? ICMPV6_ECHO_REQUEST : ICMP_ECHO,
				.un.echo.id = htons((uint16_t)(plan->source_port + i)),
				.un.echo.sequence = htons((uint16_t)k),
			};

			await_turn(plan, i * plan->packets + k);
			echo(plan, fd, deeds, request);
		}
	}
	close(fd);
}
