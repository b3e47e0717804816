// SPDX-License-Identifier: Apache-2.0
/* sock_diag messages into observations: pure, bounds-checked. */
#include "source/diag_parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

/* include/net/tcp_states.h */
enum { STATE_ESTABLISHED = 1, STATE_FIN_WAIT2 = 5, STATE_TIME_WAIT, STATE_CLOSE, STATE_CLOSE_WAIT,
       STATE_LAST_ACK, STATE_LISTEN, STATE_CLOSING };

static void fill_addr(struct addr *ret, uint8_t family, const uint32_t *words)
{
	if (family == AF_INET)
		addr_from_v4(ret, words);
	else
		addr_from_v6(ret, words);
}

static uint64_t less(uint64_t value, uint64_t by)
{
	return value > by ? value - by : 0;
}

/* A socket is destroyed in state CLOSE, whatever came before, so nothing tells
 * whether the peer's FIN is among the bytes received: of one that was closed by
 * close(2) before its peer the rest is handled by a time-wait socket. It is taken
 * for counted, so that what is told is never too much, at most one byte too
 * little.
 *
 * Whether our FIN is known to be acknowledged, the peer's to have come. */
static bool fin_is_acked(uint8_t state)
{
	return state == STATE_FIN_WAIT2 || state == STATE_TIME_WAIT;
}

static bool fin_has_come(uint8_t state, bool destroyed)
{
	return state == STATE_CLOSE_WAIT || state == STATE_LAST_ACK || state == STATE_CLOSING ||
	       state == STATE_TIME_WAIT || destroyed;
}

static uint32_t min_rtt_of(const struct tcp_info *info)
{
	/* ~0 until something was measured */
	return info->tcpi_min_rtt == UINT32_MAX ? 0 : info->tcpi_min_rtt;
}

/* The counters of a destroyed socket tell whether it was ever connected, and who
 * asked for it: what is acknowledged counts the SYN of a client and the FIN of both,
 * so two bytes more than were sent are a client's that closed in peace. */
static void fill_role(struct obs_socket *ret, const struct tcp_info *info, uint64_t sent_once)
{
	if (!info->tcpi_bytes_acked && !info->tcpi_bytes_received && info->tcpi_segs_in <= 1)
		ret->has &= (uint16_t)~SOCKET_TUPLE;
	else if (info->tcpi_bytes_acked == sent_once + 2)
		ret->role = SOCKET_ROLE_CLIENT;
}

static void fill_info(struct obs_socket *ret, const void *bytes, size_t n, bool destroyed)
{
	struct tcp_info info = { 0 };
	uint64_t sent_once;

	/* an older kernel's is shorter, a newer one's longer */
	memcpy(&info, bytes, n < sizeof(info) ? n : sizeof(info));
	/* a disconnect (linger 0) has wiped the socket before its end */
	if (destroyed && !info.tcpi_segs_in && !info.tcpi_segs_out)
		return;
	ret->has |= SOCKET_INFO;
	sent_once = less(info.tcpi_bytes_sent, info.tcpi_bytes_retrans);
	ret->payload_sent_bytes = less(info.tcpi_bytes_acked, fin_is_acked(ret->state));
	/* no more can be acknowledged than was sent; a kernel that does not
	 * count what it sent (before 4.19) says zero */
	if (info.tcpi_bytes_sent && ret->payload_sent_bytes > sent_once)
		ret->payload_sent_bytes = sent_once;
	else if (!info.tcpi_bytes_sent && info.tcpi_bytes_acked <= 2)
		ret->payload_sent_bytes = 0;
	ret->payload_received_bytes =
		less(info.tcpi_bytes_received, fin_has_come(ret->state, destroyed));
	if (destroyed)
		fill_role(ret, &info, sent_once);
	ret->segments_sent = info.tcpi_segs_out;
	ret->segments_received = info.tcpi_segs_in;
	ret->retransmitted_segments = info.tcpi_total_retrans;
	ret->srtt_us = info.tcpi_rtt;
	ret->rttvar_us = info.tcpi_rttvar;
	ret->min_rtt_us = min_rtt_of(&info);
	ret->cwnd = info.tcpi_snd_cwnd;
	ret->rwnd_limited_us = info.tcpi_rwnd_limited;
	ret->sndbuf_limited_us = info.tcpi_sndbuf_limited;
	/* what is in flight is one more than acknowledged bytes tell, where the
	 * SYN is among those: diag_settle_role takes it out */
	ret->syn_may_count = ret->payload_sent_bytes == info.tcpi_bytes_acked &&
			     ret->payload_sent_bytes > 0;
}

void diag_settle_role(struct obs_socket *socket, enum socket_role role)
{
	if (role == SOCKET_ROLE_CLIENT && socket->syn_may_count)
		socket->payload_sent_bytes--;
	socket->syn_may_count = false;
	if (role != SOCKET_ROLE_UNKNOWN)
		socket->role = (uint8_t)role;
}

int diag_parse(struct obs_socket *ret, const struct nlmsghdr *message, size_t n, uint8_t proto,
	       bool destroyed)
{
	const struct inet_diag_msg *diag;
	const struct nlattr *attr;
	size_t left;

	memset(ret, 0, sizeof(*ret));
	if (n < sizeof(*message) || message->nlmsg_len > n ||
	    message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*diag))
		return -EBADMSG;
	diag = mnl_nlmsg_get_payload(message);
	if (diag->idiag_family != AF_INET && diag->idiag_family != AF_INET6)
		return -EBADMSG;
	ret->cookie = (uint64_t)diag->id.idiag_cookie[1] << 32 | diag->id.idiag_cookie[0];
	if (!ret->cookie)
		return -EBADMSG;
	fill_addr(&ret->local.addr[INITIATOR], diag->idiag_family, diag->id.idiag_src);
	fill_addr(&ret->local.addr[RESPONDER], diag->idiag_family, diag->id.idiag_dst);
	ret->local.port_be[INITIATOR] = diag->id.idiag_sport;
	ret->local.port_be[RESPONDER] = diag->id.idiag_dport;
	ret->local.proto = proto;
	ret->state = diag->idiag_state;
	ret->inode = diag->idiag_inode;
	ret->uid = diag->idiag_uid;
	/* a DESTROY comes after the socket was orphaned: its uid is nobody's */
	if (!destroyed)
		ret->has |= SOCKET_UID;
	if (diag->id.idiag_sport && (proto == IPPROTO_UDP || diag->id.idiag_dport))
		ret->has |= SOCKET_TUPLE;

	left = message->nlmsg_len - MNL_NLMSG_HDRLEN - MNL_ALIGN(sizeof(*diag));
	attr = (const struct nlattr *)((const char *)diag + MNL_ALIGN(sizeof(*diag)));
	while (left >= sizeof(*attr) && attr->nla_len >= sizeof(*attr) && attr->nla_len <= left) {
		const size_t step = MNL_ALIGN(attr->nla_len);

		if (mnl_attr_get_type(attr) == INET_DIAG_INFO && proto == IPPROTO_TCP)
			fill_info(ret, mnl_attr_get_payload(attr),
				  mnl_attr_get_payload_len(attr), destroyed);
		/* told of those that are bound and not connected (since 4.2) */
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint8_t) && mnl_attr_get_u8(attr))
			ret->has |= SOCKET_ONLY_V6;
		if (step >= left)
			break;
		left -= step;
		attr = (const struct nlattr *)((const char *)attr + step);
	}
	return 0;
}
