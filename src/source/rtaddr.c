// SPDX-License-Identifier: Apache-2.0
/*
 * The addresses of each namespace, from rtnetlink: dumped when the namespace
 * is entered and every few seconds after. A flow's direction is made of them.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/num.h"
#include "base/why.h"
#include "source/source.h"

/* Addresses change seldom; a namespace without flows costs two dumps of a few
 * hundred bytes every so often. */
#define LOOK_NS (5 * NUM_NS_PER_S)
#define REPLY_BYTES 16384

struct rt_space {
	uint32_t netns;
	int fd; /* owned */
};

struct rtaddr {
	struct source source;
	struct obs_outlet outlet;
	struct rt_space *space; /* owned */
	size_t count, capacity;
	struct source_stats stats;
};

static struct rtaddr *rtaddr_of(struct source *source)
{
	return container_of(source, struct rtaddr, source);
}

static void emit_address(struct rtaddr *rt, const struct rt_space *space,
			 const struct nlmsghdr *message, uint64_t now_boot_ns)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	struct obs obs = { .kind = OBS_ADDRESS, .origin = ORIGIN_ADDRESS };
	const struct nlattr *attr, *address = NULL;
	uint16_t wanted;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head)) {
		rt->stats.malformed++;
		return;
	}
	/* on a point-to-point link ADDRESS is the peer's and LOCAL is ours */
	mnl_attr_for_each(attr, message, sizeof(*head)) {
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !address))
			address = attr;
	}
	wanted = head->ifa_family == AF_INET ? 4 : 16;
	if (!address || mnl_attr_get_payload_len(address) != wanted) {
		rt->stats.malformed++;
		return;
	}
	if (wanted == 4)
		addr_from_v4(&obs.address.addr, mnl_attr_get_payload(address));
	else
		addr_from_v6(&obs.address.addr, mnl_attr_get_payload(address));
	obs.address.netns = space->netns;
	obs.at_boot_ns = now_boot_ns;
	rt->stats.seen++;
	rt->outlet.emit(rt->outlet.context, &obs);
}

/* Reads one dump to its end; 0 or -errno. The kernel answers at once. */
static int read_dump(struct rtaddr *rt, const struct rt_space *space, uint32_t sequence,
		     uint64_t now_boot_ns)
{
	char reply[REPLY_BYTES] __attribute__((aligned(8)));
	const struct nlmsghdr *message;
	ssize_t received;
	int left;

	for (;;) {
		received = recv(space->fd, reply, sizeof(reply), MSG_DONTWAIT);
		if (received < 0)
			return -errno;
		left = (int)received;
		for (message = (const struct nlmsghdr *)reply; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left)) {
			if (message->nlmsg_seq != sequence)
				continue;
			if (message->nlmsg_flags & NLM_F_DUMP_INTR)
				return -EINTR;
			if (message->nlmsg_type == NLMSG_DONE)
				return 0;
			if (message->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			if (message->nlmsg_type == RTM_NEWADDR)
				emit_address(rt, space, message, now_boot_ns);
		}
	}
}

static int dump_family(struct rtaddr *rt, const struct rt_space *space, uint8_t family,
		       uint64_t now_boot_ns)
{
	char request[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ifaddrmsg))]
		__attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(request);
	struct ifaddrmsg *head;

	message->nlmsg_type = RTM_GETADDR;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = (uint32_t)(now_boot_ns / NUM_NS_PER_MS) * 2 + (family == AF_INET6);
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ifa_family = family;
	if (send(space->fd, message, message->nlmsg_len, 0) < 0)
		return -errno;
	return read_dump(rt, space, message->nlmsg_seq, now_boot_ns);
}

static void look(struct rtaddr *rt, const struct rt_space *space, uint64_t now_boot_ns)
{
	struct obs sweep = { .kind = OBS_SWEEP, .origin = ORIGIN_ADDRESS,
			     .at_boot_ns = now_boot_ns };

	/* an incomplete pass must not make addresses vanish */
	if (dump_family(rt, space, AF_INET, now_boot_ns) < 0 ||
	    dump_family(rt, space, AF_INET6, now_boot_ns) < 0)
		return;
	sweep.sweep.netns = space->netns;
	sweep.sweep.began_boot_ns = now_boot_ns;
	rt->outlet.emit(rt->outlet.context, &sweep);
}

static int rtaddr_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			struct why *why)
{
	struct rtaddr *rt = rtaddr_of(source);
	struct rt_space *grown;

	if (rt->count == rt->capacity) {
		const size_t capacity = rt->capacity ? 2 * rt->capacity : 4;

		grown = realloc(rt->space, capacity * sizeof(*grown));
		if (!grown)
			return why_set(why, -ENOMEM, "no memory for another network namespace");
		rt->space = grown;
		rt->capacity = capacity;
	}
	rt->space[rt->count] = (struct rt_space){
		.netns = netns,
		.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
	};
	if (rt->space[rt->count].fd < 0)
		return why_set(why, -errno, "rtnetlink: %s", strerror(errno));
	rt->count++;
	return 0;
}

static void rtaddr_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	struct rtaddr *rt = rtaddr_of(source);
	struct obs sweep = { .kind = OBS_SWEEP, .origin = ORIGIN_ADDRESS,
			     .at_boot_ns = now_boot_ns };

	for (size_t i = 0; i < rt->count; i++) {
		if (rt->space[i].netns != netns)
			continue;
		close(rt->space[i].fd);
		rt->space[i] = rt->space[--rt->count];
		sweep.sweep.netns = netns;
		sweep.sweep.gone = true;
		sweep.sweep.began_boot_ns = now_boot_ns;
		rt->outlet.emit(rt->outlet.context, &sweep);
		return;
	}
}

static uint64_t rtaddr_tick(struct source *source, uint64_t now_boot_ns)
{
	struct rtaddr *rt = rtaddr_of(source);

	for (size_t i = 0; i < rt->count; i++)
		look(rt, &rt->space[i], now_boot_ns);
	rt->stats.freshness_ns = LOOK_NS;
	return now_boot_ns + LOOK_NS;
}

static void rtaddr_stats(const struct source *source, struct source_stats *ret)
{
	*ret = ((const struct rtaddr *)source)->stats;
}

static void rtaddr_close(struct source *source)
{
	struct rtaddr *rt;

	if (!source)
		return;
	rt = rtaddr_of(source);
	for (size_t i = 0; i < rt->count; i++)
		close(rt->space[i].fd);
	free(rt->space);
	free(rt);
}

static int rtaddr_open(struct source **ret, const struct source_conf *conf,
		       const struct obs_outlet *outlet, struct why *why)
{
	struct rtaddr *rt = calloc(1, sizeof(*rt));

	if (!rt)
		return why_set(why, -ENOMEM, "no memory for the address source");
	rt->source.ops = &source_rtaddr;
	rt->outlet = *outlet;
	*ret = &rt->source;
	return 0;
}

static int rtaddr_probe(struct why *why)
{
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return why_set(why, -errno, "rtnetlink: %s", strerror(errno));
	close(fd);
	return 0;
}

const struct source_ops source_rtaddr = {
	.name = "rtaddr",
	.help = "local addresses over rtnetlink, for the direction of flows",
	.origin = ORIGIN_ADDRESS,
	.probe = rtaddr_probe,
	.open = rtaddr_open,
	.enter = rtaddr_enter,
	.leave = rtaddr_leave,
	.tick = rtaddr_tick,
	.stats = rtaddr_stats,
	.close = rtaddr_close,
};
