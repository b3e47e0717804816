// SPDX-License-Identifier: Apache-2.0
/* The named peer of the collector bench: hears all conntrack events in a
 * blocking read, counts DESTROYs and what was lost, does nothing else. Ends at
 * SIGTERM and says what it saw. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	stopped = 1;
}

int main(void)
{
	static const int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				      NFNLGRP_CONNTRACK_DESTROY };
	/* unbound, its port would be the kernel's own, to which nothing is sent */
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	const struct sigaction stop = { .sa_handler = on_stop };
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), size = 64 << 20;
	char bytes[65536] __attribute__((aligned(8)));
	long destroyed = 0, lost = 0;

	sigaction(SIGTERM, &stop, NULL);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (int i = 0; i < 3; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return 1;
	}
	puts("ready");
	fflush(stdout);
	while (!stopped) {
		const ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
		const struct nlmsghdr *message = (const struct nlmsghdr *)bytes;
		int left = (int)n;

		if (n < 0) {
			lost += errno == ENOBUFS;
			continue;
		}
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			destroyed += (message->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE;
	}
	printf("destroyed=%ld lost=%ld\n", destroyed, lost);
	return 0;
}
