// SPDX-License-Identifier: Apache-2.0
/*
 * The ends of TCP sockets, told by sock_diag to whoever is in its groups.
 */
#include "source/sd_events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/why.h"

/* The kernel tells it from a work queue, some 50 us later; a slow machine that loads a
 * module for it takes its time. */
#define PROBE_MS 2000
#define PROBE_BYTES 65536

static int join_groups(int fd)
{
	static const int groups[] = { SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY };
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK };

	/* A socket without a port id is in a group and gets nothing of it: its id
	 * is 0, that of the sender, whom a broadcast leaves out (do_one_broadcast). */
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	}
	return 0;
}

int sd_events_open(uint64_t buffer_bytes)
{
	const int size = buffer_bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)buffer_bytes;
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      NETLINK_SOCK_DIAG);
	int r;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = join_groups(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int sd_events_probe(struct why *why)
{
	struct pollfd events = { .events = POLLIN };
	int fd, n;

	events.fd = sd_events_open(PROBE_BYTES);
	if (events.fd < 0)
		return why_set(why, events.fd, "the kernel does not let the ends of TCP sockets "
					       "be heard: %s", strerror(-events.fd));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd >= 0)
		close(fd);
	/* that of any other socket proves as much */
	n = poll(&events, 1, PROBE_MS);
	close(events.fd);
	if (n <= 0)
		return why_set(why, -ENOTSUP,
			       "the kernel does not tell of the ends of TCP sockets");
	return 0;
}
