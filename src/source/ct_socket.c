// SPDX-License-Identifier: Apache-2.0
/*
 * Opening ctnetlink's sockets and asking its questions.
 *
 * Requests to ctnetlink are answered by the kernel inside send(2), so a short
 * question can be asked and its answer read without ever waiting. What cannot
 * be had at once is an error.
 */
#include "source/ct_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/why.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

int ct_socket_open(struct why *why)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	int r;

	if (fd < 0)
		return why_set(why, -errno, "netfilter netlink socket: %s", strerror(errno));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = why_set(why, -errno, "netfilter netlink socket: %s", strerror(errno));
		close(fd);
		return r;
	}
	return fd;
}

/* More than net.core.rmem_max needs CAP_NET_ADMIN of the first user namespace. */
static void set_buffer(int fd, uint64_t bytes)
{
	/* the kernel doubles the value and keeps it in an int */
	const int size = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int ct_socket_listen(const int *groups, size_t n, uint64_t buffer_bytes, struct why *why)
{
	int fd = ct_socket_open(why);
	size_t i;
	int r;

	if (fd < 0)
		return fd;
	set_buffer(fd, buffer_bytes);
	for (i = 0; i < n; i++) {
		if (!setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
				sizeof(groups[i])))
			continue;
		r = why_set(why, -errno, "listening to conntrack events: %s", strerror(errno));
		close(fd);
		return r;
	}
	return fd;
}

int ct_socket_set_reliable(int fd, bool on)
{
	const int value = on;

	if (setsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &value, sizeof(value)) < 0)
		return -errno;
	return 0;
}

static int request(int fd, unsigned type, unsigned flags, uint32_t seq)
{
	const struct {
		struct nlmsghdr header;
		struct nfgenmsg generic;
	} message = {
		.header = {
			.nlmsg_len = sizeof(message),
			.nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type),
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			.nlmsg_seq = seq,
		},
		.generic = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
	};

	return send(fd, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

int ct_socket_request_dump(int fd, uint32_t seq)
{
	return request(fd, IPCTNL_MSG_CT_GET, NLM_F_DUMP, seq);
}

/* CTA_STATS_GLOBAL_ENTRIES of one answer; -ENOMSG when it is another's. */
static int read_count(const struct nlmsghdr *header, uint32_t seq, uint32_t *ret)
{
	const struct nlmsgerr *error;
	const struct nlattr *attr;
	int left;

	if (header->nlmsg_seq != seq)
		return -ENOMSG;
	if (header->nlmsg_type == NLMSG_ERROR) {
		if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
			return -EBADMSG;
		error = mnl_nlmsg_get_payload(header);
		return error->error < 0 ? error->error : -EBADMSG;
	}
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
		return -EBADMSG;
	attr = mnl_nlmsg_get_payload_offset(header, sizeof(struct nfgenmsg));
	left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)));
	for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
		left -= (int)MNL_ALIGN(attr->nla_len);
		if (mnl_attr_get_type(attr) != CTA_STATS_GLOBAL_ENTRIES)
			continue;
		if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
			return -EBADMSG;
		*ret = ntohl(mnl_attr_get_u32(attr));
		return 0;
	}
	return -EBADMSG;
}

int ct_socket_count(int fd, uint32_t seq, uint32_t *ret)
{
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} answer;
	ssize_t n;
	int r;

	r = request(fd, IPCTNL_MSG_CT_GET_STATS, 0, seq);
	if (r < 0)
		return r;
	do {
		n = recv(fd, &answer, sizeof(answer), 0);
		if (n < 0)
			return -errno;
		if (!mnl_nlmsg_ok(&answer.header, (int)n))
			return -EBADMSG;
		r = read_count(&answer.header, seq, ret);
	} while (r == -ENOMSG);
	return r;
}

/* The acknowledgement of one request: 0, or the error in it. */
static int read_ack(int fd, uint32_t seq)
{
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} answer;
	const struct nlmsgerr *error;
	ssize_t n;

	do {
		n = recv(fd, &answer, sizeof(answer), 0);
		if (n < 0)
			return -errno;
		if (!mnl_nlmsg_ok(&answer.header, (int)n))
			return -EBADMSG;
	} while (answer.header.nlmsg_seq != seq);
	error = mnl_nlmsg_get_payload(&answer.header);
	if (answer.header.nlmsg_type != NLMSG_ERROR ||
	    answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		return -EBADMSG;
	return error->error;
}

int ct_socket_flush(int fd, uint32_t seq)
{
	const int r = request(fd, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, seq);

	return r < 0 ? r : read_ack(fd, seq);
}
