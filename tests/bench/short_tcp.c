// SPDX-License-Identifier: Apache-2.0
/*
 * Load for the collector bench: `short_tcp server ADDRESS PORT` answers until its
 * standard input ends; `short_tcp client ADDRESS PORT COUNT RATE` makes COUNT
 * connections of 100 bytes each way at RATE per second; `short_tcp udp ADDRESS
 * PORT COUNT RATE` sends COUNT datagrams from COUNT sockets. All bounded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

static struct sockaddr_in address_of(const char *text, const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		exit(2);
	return address;
}

static int serve(const struct sockaddr_in *address)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct pollfd wait[2] = { { .fd = fd, .events = POLLIN },
				  { .fd = STDIN_FILENO, .events = POLLIN } };
	char bytes[100];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(fd, 4096) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (poll(wait, 2, -1) > 0) {
		int connection;

		if (wait[1].revents)
			return 0;
		connection = accept(fd, NULL, NULL);
		if (connection < 0)
			continue;
		if (recv(connection, bytes, sizeof(bytes), MSG_WAITALL) == sizeof(bytes) &&
		    send(connection, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
			perror("send");
		close(connection);
	}
	return 1;
}

/* Waits until it is the i-th one's turn. */
static void keep_pace(uint64_t began_ns, long i, long rate)
{
	const uint64_t due_ns = began_ns + (uint64_t)i * NUM_NS_PER_S / (uint64_t)rate;
	const uint64_t now_ns = clock_boot_ns();

	if (due_ns > now_ns + NUM_NS_PER_MS)
		poll(NULL, 0, (int)((due_ns - now_ns) / NUM_NS_PER_MS));
}

static int connect_all(const struct sockaddr_in *address, long count, long rate)
{
	const uint64_t began_ns = clock_boot_ns();
	char bytes[100] = { 0 };
	long done = 0;

	for (long i = 0; i < count; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM, 0);

		keep_pace(began_ns, i, rate);
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
		    send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == sizeof(bytes) &&
		    recv(fd, bytes, sizeof(bytes), MSG_WAITALL) == sizeof(bytes))
			done++;
		close(fd);
	}
	printf("connections=%ld seconds=%.2f\n", done,
	       (double)(clock_boot_ns() - began_ns) / 1e9);
	return done != count;
}

static int send_all(const struct sockaddr_in *address, long count, long rate)
{
	const uint64_t began_ns = clock_boot_ns();
	long done = 0;

	for (long i = 0; i < count; i++) {
		const int fd = socket(AF_INET, SOCK_DGRAM, 0);
		/* a new flow each: the source port runs through the upper ports */
		const struct sockaddr_in from = { .sin_family = AF_INET,
						  .sin_port = htons((uint16_t)(2000 + i % 60000)) };

		keep_pace(began_ns, i, rate);
		if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
		    sendto(fd, "x", 1, 0, (const struct sockaddr *)address,
			   sizeof(*address)) == 1)
			done++;
		close(fd);
	}
	printf("datagrams=%ld seconds=%.2f\n", done,
	       (double)(clock_boot_ns() - began_ns) / 1e9);
	return done != count;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;

	if (argc < 4)
		return 2;
	address = address_of(argv[2], argv[3]);
	if (!strcmp(argv[1], "server"))
		return serve(&address);
	if (argc < 6)
		return 2;
	if (!strcmp(argv[1], "client"))
		return connect_all(&address, atol(argv[4]), atol(argv[5]));
	return send_all(&address, atol(argv[4]), atol(argv[5]));
}
