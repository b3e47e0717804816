// SPDX-License-Identifier: Apache-2.0
/* A network namespace of our own, that nobody else sees. */
#include "source/private_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/why.h"

static int raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		r = -errno;
	close(fd);
	return r;
}

int private_netns_enter(struct why *why)
{
	const int home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home_fd < 0)
		return why_set(why, -errno, "/proc/thread-self/ns/net: %s", strerror(errno));
	if (unshare(CLONE_NEWNET) < 0) {
		r = why_set(why, -errno, "a network namespace of our own: %s", strerror(errno));
		close(home_fd);
		return r;
	}
	r = raise_loopback();
	if (r == 0)
		return home_fd;
	private_netns_leave(home_fd);
	return why_set(why, r, "a loopback of our own: %s", strerror(-r));
}

void private_netns_leave(int home_fd)
{
	if (setns(home_fd, CLONE_NEWNET) < 0)
		abort(); /* everything after it would be in the wrong place */
	close(home_fd);
}
