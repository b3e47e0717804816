// SPDX-License-Identifier: Apache-2.0
/*
 * A known flow in a namespace of its own.
 *
 * It is made of packets, not of a ctnetlink insert: an insert passes by the
 * functions that hooks sit on and has no counters, so that a proof by it would
 * hold at wrong offsets, too. Only a descriptor keeps the namespace alive; no
 * process lives in it, so the watch over namespaces does not find it.
 */
#include "source/beacon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/why.h"
#include "source/ct_socket.h"
#include "source/private_netns.h"
#include "source/track.h"

#define OWN_NETNS "/proc/thread-self/ns/net"
#define DATAGRAM_MAX 1400
/* IPv4 and UDP headers, which conntrack counts. */
#define HEADER_BYTES 28
#define ANSWER_MS 10000

struct beacon {
	int home_fd, netns_fd; /* owned, as all below */
	int request_fd;        /* ctnetlink, inside */
	int udp_fd[SIDES];
	struct track *track;
	struct key key;
	uint64_t bytes[SIDES], packets[SIDES]; /* since the entry began */
	bool dropped;
};

static int bind_udp(enum side side, struct sockaddr_in *address)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*address);
	int r;

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(BEACON_ADDRESS(side)) };
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)address, &size) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int open_sockets(struct beacon *beacon)
{
	struct sockaddr_in address[SIDES];
	struct tuple *orig = &beacon->key.orig;

	for (enum side i = 0; i < SIDES; i++) {
		beacon->udp_fd[i] = bind_udp(i, &address[i]);
		if (beacon->udp_fd[i] < 0)
			return beacon->udp_fd[i];
		addr_from_v4(&orig->addr[i], &address[i].sin_addr);
		orig->port_be[i] = address[i].sin_port;
	}
	orig->proto = IPPROTO_UDP;
	for (enum side i = 0; i < SIDES; i++)
		if (connect(beacon->udp_fd[i], (struct sockaddr *)&address[!i],
			    sizeof(address[i])) < 0)
			return -errno;
	return 0;
}

/* The thread is inside the new namespace. */
static int furnish(struct beacon *beacon, struct why *why)
{
	struct stat status;
	int r;

	beacon->netns_fd = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (beacon->netns_fd < 0 || fstat(beacon->netns_fd, &status) < 0)
		return why_set(why, -errno, OWN_NETNS ": %s", strerror(errno));
	beacon->key.netns = (uint32_t)status.st_ino;
	r = track_open_private(&beacon->track, why);
	if (r < 0)
		return r;
	r = fs_write_text("/proc/sys/net/netfilter/nf_conntrack_acct", "1");
	if (r < 0)
		return why_set(why, r, "nf_conntrack_acct of a namespace of our own: %s",
			       strerror(-r));
	fs_write_text("/proc/sys/net/netfilter/nf_conntrack_timestamp", "1");
	r = ct_socket_open(why);
	if (r < 0)
		return r;
	beacon->request_fd = r;
	r = open_sockets(beacon);
	if (r < 0)
		return why_set(why, r, "UDP sockets of our own: %s", strerror(-r));
	return 0;
}

int beacon_new(struct beacon **ret, struct why *why)
{
	struct beacon *beacon = calloc(1, sizeof(*beacon));
	int home_fd, r;

	if (!beacon)
		return why_set(why, -ENOMEM, "out of memory");
	beacon->netns_fd = beacon->request_fd = -1;
	beacon->udp_fd[INITIATOR] = beacon->udp_fd[RESPONDER] = -1;
	beacon->home_fd = -1;
	r = home_fd = private_netns_enter(why);
	if (r >= 0) {
		r = furnish(beacon, why);
		if (r == 0)
			beacon->home_fd = fcntl(home_fd, F_DUPFD_CLOEXEC, 0);
		if (r == 0 && beacon->home_fd < 0)
			r = why_set(why, -errno, "a descriptor: %s", strerror(errno));
		private_netns_leave(home_fd);
	}
	if (r < 0) {
		beacon_free(beacon);
		return r;
	}
	*ret = beacon;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void beacon_free(struct beacon *beacon)
{
	if (!beacon)
		return;
	/* an entry that outlives its namespace would be seen as somebody's flow */
	if (beacon->request_fd >= 0)
		beacon_drop(beacon);
	close_fd(beacon->udp_fd[INITIATOR]);
	close_fd(beacon->udp_fd[RESPONDER]);
	track_close(beacon->track);
	close_fd(beacon->request_fd);
	close_fd(beacon->netns_fd);
	close_fd(beacon->home_fd);
	free(beacon);
}

static int pass_datagram(struct beacon *beacon, enum side from, size_t size)
{
	struct pollfd ready = { .fd = beacon->udp_fd[!from], .events = POLLIN };
	char datagram[DATAGRAM_MAX] = { 0 };

	if (size > sizeof(datagram))
		return -EMSGSIZE;
	if (send(beacon->udp_fd[from], datagram, size, MSG_DONTWAIT) < 0)
		return -errno;
	if (poll(&ready, 1, ANSWER_MS) <= 0)
		return -ETIMEDOUT;
	if (recv(ready.fd, datagram, sizeof(datagram), MSG_DONTWAIT) != (ssize_t)size)
		return -EIO;
	beacon->packets[from]++;
	beacon->bytes[from] += size + HEADER_BYTES;
	return 0;
}

int beacon_talk(struct beacon *beacon, size_t request_bytes, size_t reply_bytes)
{
	int r;

	if (beacon->dropped) {
		memset(beacon->bytes, 0, sizeof(beacon->bytes));
		memset(beacon->packets, 0, sizeof(beacon->packets));
		beacon->dropped = false;
	}
	r = pass_datagram(beacon, INITIATOR, request_bytes);
	if (!r)
		r = pass_datagram(beacon, RESPONDER, reply_bytes);
	return r;
}

int beacon_drop(struct beacon *beacon)
{
	beacon->dropped = true;
	return ct_socket_flush(beacon->request_fd, 1);
}

const struct key *beacon_key(const struct beacon *beacon)
{
	return &beacon->key;
}

void beacon_counted(const struct beacon *beacon, uint64_t bytes[SIDES], uint64_t packets[SIDES])
{
	memcpy(bytes, beacon->bytes, sizeof(beacon->bytes));
	memcpy(packets, beacon->packets, sizeof(beacon->packets));
}

bool beacon_is_one(const struct key *key)
{
	struct addr addr;
	uint32_t v4_be;

	for (enum side i = 0; i < SIDES; i++) {
		v4_be = htonl(BEACON_ADDRESS(i));
		addr_from_v4(&addr, &v4_be);
		if (!addr_is_equal(&key->orig.addr[i], &addr))
			return false;
	}
	return key->orig.proto == IPPROTO_UDP || key->orig.proto == IPPROTO_TCP;
}

int beacon_inside(struct beacon *beacon, int (*fn)(void *context), void *context)
{
	int r;

	if (setns(beacon->netns_fd, CLONE_NEWNET) < 0)
		return -errno;
	r = fn(context);
	if (setns(beacon->home_fd, CLONE_NEWNET) < 0)
		abort();
	return r;
}
