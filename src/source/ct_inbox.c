// SPDX-License-Identifier: Apache-2.0
/*
 * Reading from ctnetlink's sockets: many messages a call, each parsed, given a
 * time and emitted.
 *
 * Events come one to a datagram, so recvmmsg(2) takes a batch of them; a dump
 * comes in datagrams of up to 32 KiB, so one recv(2) with all the room takes as
 * much as there is. Only what the kernel itself sent is looked at.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "source/ct_parse.h"
#include "source/ct_socket.h"

/* An event without labels and helper is about 250 bytes. */
#define EVENT_BYTES 4096
#define BATCH 64

struct ct_inbox {
	struct obs_outlet outlet;
	struct source_stats stats;
	bool old; /* the events that are being read may be of old entries */
	struct mmsghdr message[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_nl from[BATCH];
	char room[BATCH][EVENT_BYTES] __attribute__((aligned(8)));
};

int ct_inbox_new(struct ct_inbox **ret, const struct obs_outlet *outlet)
{
	struct ct_inbox *inbox = calloc(1, sizeof(*inbox));
	size_t i;

	if (!inbox)
		return -ENOMEM;
	inbox->outlet = *outlet;
	for (i = 0; i < BATCH; i++) {
		inbox->iov[i] = (struct iovec){ inbox->room[i], EVENT_BYTES };
		inbox->message[i].msg_hdr.msg_iov = &inbox->iov[i];
		inbox->message[i].msg_hdr.msg_iovlen = 1;
		inbox->message[i].msg_hdr.msg_name = &inbox->from[i];
	}
	*ret = inbox;
	return 0;
}

void ct_inbox_free(struct ct_inbox *inbox)
{
	free(inbox);
}

struct source_stats *ct_inbox_stats(struct ct_inbox *inbox)
{
	return &inbox->stats;
}

/* One entry, from an event or from a dump (then as `kind`). */
static void emit(struct ct_inbox *inbox, const struct nlmsghdr *header, uint32_t netns,
		 uint64_t at_boot_ns, int kind)
{
	struct obs obs;
	int r = ct_parse(&obs, header, header->nlmsg_len, netns);

	if (r == -ENOMSG)
		return;
	inbox->stats.seen++;
	if (r < 0) {
		inbox->stats.malformed++;
		return;
	}
	if (kind >= 0)
		obs.kind = (uint8_t)kind;
	else
		obs.ct.has |= CT_EVENT;
	obs.may_be_old = kind < 0 && inbox->old && obs.kind != OBS_OPEN;
	obs.at_boot_ns = at_boot_ns;
	inbox->outlet.emit(inbox->outlet.context, &obs);
}

static void emit_datagram(struct ct_inbox *inbox, const struct mmsghdr *message, uint32_t netns,
			  uint64_t now_boot_ns)
{
	const struct nlmsghdr *header = message->msg_hdr.msg_iov->iov_base;
	const struct sockaddr_nl *from = message->msg_hdr.msg_name;
	int left = (int)message->msg_len;

	if (message->msg_hdr.msg_flags & MSG_TRUNC || from->nl_pid) {
		inbox->stats.malformed++;
		return;
	}
	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
		emit(inbox, header, netns, now_boot_ns, -1);
	if (left > 0)
		inbox->stats.malformed++;
}

int ct_inbox_events(struct ct_inbox *inbox, int fd, uint32_t netns, uint64_t now_boot_ns,
		    bool old)
{
	int i, n;

	inbox->old = old;
	for (i = 0; i < BATCH; i++)
		inbox->message[i].msg_hdr.msg_namelen = sizeof(inbox->from[i]);
	n = recvmmsg(fd, inbox->message, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++)
		emit_datagram(inbox, &inbox->message[i], netns, now_boot_ns);
	return n;
}

/* What the kernel says at the end of a dump, or instead of one. */
static int read_end(const struct nlmsghdr *header)
{
	const int *error = mnl_nlmsg_get_payload(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)))
		return header->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	return *error < 0 ? *error : 0;
}

int ct_inbox_dump(struct ct_inbox *inbox, const struct ct_dump *dump, bool *interrupted)
{
	const struct nlmsghdr *header = (const void *)inbox->room;
	const ssize_t n = recv(dump->fd, inbox->room, sizeof(inbox->room),
			       MSG_DONTWAIT | MSG_TRUNC);
	const uint64_t now_boot_ns = clock_boot_ns();
	int left = (int)n, r;

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if ((size_t)n > sizeof(inbox->room))
		return -EMSGSIZE;
	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		if (header->nlmsg_seq != dump->seq)
			continue;
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
			r = read_end(header);
			return r < 0 ? r : 0;
		}
		emit(inbox, header, dump->netns, now_boot_ns, (int)dump->kind);
	}
	if (left > 0)
		inbox->stats.malformed++;
	return 1;
}
