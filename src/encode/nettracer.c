// SPDX-License-Identifier: Apache-2.0
/*
 * NetTracer's log lines: an event, and what a socket has counted. Times are local, as they
 * were there; addresses of IPv6 stand without brackets. The failed connect, which it
 * called a connect, is called failed.
 */
#include "encode/nettracer.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "flow/field.h"

/* Which of this record's ends are sockets of this host. */
static bool is_local(const struct record *record, enum side side)
{
	const bool client = record_has(record, FIELD_CLIENT_PID) ||
			    record_has(record, FIELD_CLIENT_UID);
	const bool server = record_has(record, FIELD_SERVER_PID) ||
			    record_has(record, FIELD_SERVER_UID);

	if (client || server)
		return side == INITIATOR ? client : server;
	if (!record_has(record, FIELD_TCP_STATE))
		return false;
	return side == (record_has(record, FIELD_DIRECTION) &&
			record->direction == DIRECTION_INBOUND ? RESPONDER : INITIATOR);
}

/* Where the socket is; conntrack's entry can be in another namespace. */
static uint32_t netns_of(const struct record *record, enum side side)
{
	const bool known = record_has(record, FIELD_TCP_STATE) && record->socket_netns[side];

	return known ? record->socket_netns[side] : record->netns;
}

static void put_ends(struct nettracer_line *ret, const struct record *record, enum side side)
{
	const bool nat_src = record_has(record, FIELD_NAT_SRC_IP);
	const bool nat_dst = record_has(record, FIELD_NAT_DST_IP);
	const struct tuple *src = side == RESPONDER && nat_src ? &record->nat : &record->orig;
	const struct tuple *dst = side == RESPONDER && nat_dst ? &record->nat : &record->orig;
	const int client = side == RESPONDER; /* where the client stands in the line */

	ret->addr[client] = src->addr[INITIATOR];
	ret->port[client] = ntohs(src->port_be[INITIATOR]);
	ret->addr[!client] = dst->addr[RESPONDER];
	ret->port[!client] = ntohs(dst->port_be[RESPONDER]);
}

bool nettracer_socket(struct nettracer_line *ret, const struct record *record, enum side side)
{
	const unsigned pid = side == INITIATOR ? FIELD_CLIENT_PID : FIELD_SERVER_PID;
	enum side slot = INITIATOR; /* of what is known of one socket (docs/interface.md) */

	if (record->orig.proto != IPPROTO_TCP || !is_local(record, side))
		return false;
	if (side == RESPONDER && is_local(record, INITIATOR))
		slot = RESPONDER;
	*ret = (struct nettracer_line){
		.now_s = record->time_wall_ns / NUM_NS_PER_S,
		.netns = netns_of(record, side),
		.pid = record_has(record, pid) ? record->owner[side].pid : 0,
		.is_accepted = side == RESPONDER,
		.is_closed = record->event == EVENT_CLOSE,
		.is_established = record->event == EVENT_CLOSE ||
				  (record_has(record, FIELD_TCP_STATE) &&
				   record->tcp_state != TCP_SYN_SENT &&
				   record->tcp_state != TCP_SYN_RECV),
	};
	put_ends(ret, record, side);
	for (int i = 0; i < SIDES; i++) {
		const enum side from = i ? !side : side;

		if (record_has(record, FIELD_TCP_PAYLOAD_ORIG))
			ret->bytes[i] = record->tcp_payload_bytes[from];
		if (record_has(record, FIELD_TCP_SEGMENTS_ORIG))
			ret->packets[i] = record->tcp_segments[from];
	}
	if (record_has(record, slot ? FIELD_SERVER_RETRANSMITS : FIELD_RETRANSMITS))
		ret->retransmitted = record->retransmits[slot];
	if (record_has(record, slot ? FIELD_SERVER_RTT_US : FIELD_RTT_US)) {
		ret->rtt_us = record->rtt_us[slot];
		ret->rtt_var_us = record->rttvar_us[slot];
	}
	if (record_has(record, FIELD_START))
		ret->start_s = record->start_wall_ns / NUM_NS_PER_S;
	else if (!ret->is_closed) /* of one that is older than weir the block before may know */
		ret->start_s = ret->now_s;
	if (record_has(record, FIELD_DURATION_MS))
		ret->duration_s = (uint64_t)(record->duration_ms / 1000);
	return true;
}

static void put_prefix(struct buf *buf, uint64_t wall_ns)
{
	const time_t seconds = (time_t)(wall_ns / NUM_NS_PER_S);
	char text[32] = "";
	struct tm local;

	if (localtime_r(&seconds, &local))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	buf_printf(buf, "%s.%03u [%d] info [nettracer] ", text,
		   (unsigned)(wall_ns % NUM_NS_PER_S / NUM_NS_PER_MS), (int)gettid());
}

static void put_end(struct buf *buf, const struct nettracer_line *line, int end)
{
	addr_append(buf, &line->addr[end]);
	buf_printf(buf, ":%u", line->port[end]);
}

static void put_pair(struct buf *buf, const struct nettracer_line *line, const char *arrow)
{
	put_end(buf, line, 0);
	buf_puts(buf, arrow);
	put_end(buf, line, 1);
	buf_printf(buf, " NS:%u", line->netns);
}

static void put_event(struct buf *buf, const struct record *record,
		      const struct nettracer_line *line)
{
	static const char *const names[] = {
		[EVENT_CONNECT] = "connect", [EVENT_ACCEPT] = "accept", [EVENT_CLOSE] = "close",
		[EVENT_FAILED] = "failed",
	};

	put_prefix(buf, record->time_wall_ns);
	buf_printf(buf, "event %s ", names[record->event]);
	put_pair(buf, line, record->event == EVENT_CLOSE ? " -- " :
			    line->is_accepted ? " <- " : " -> ");
	buf_printf(buf, " PID:%u\n", line->pid);
}

static void put_stats(struct buf *buf, const struct record *record,
		      const struct nettracer_line *line)
{
	const char *const arrow = line->is_accepted ? " <- " : " -> ";

	put_prefix(buf, record->time_wall_ns);
	put_pair(buf, line, arrow);
	buf_printf(buf, " - stats: Bytes sent=%llu Bytes received=%llu\n",
		   (unsigned long long)line->bytes[0], (unsigned long long)line->bytes[1]);
	put_prefix(buf, record->time_wall_ns);
	put_pair(buf, line, arrow);
	buf_printf(buf, " - TCP stats: Retransmissions=%llu Segs_in=%llu Segs_out=%llu RTT=%u "
			"RTT_var=%u\n",
		   (unsigned long long)line->retransmitted, (unsigned long long)line->packets[1],
		   (unsigned long long)line->packets[0], line->rtt_us, line->rtt_var_us);
}

static void log_record(struct buf *buf, const struct encode_conf *conf,
		       const struct record *record)
{
	struct nettracer_line line;

	if (record->event == EVENT_START || record->event == EVENT_END)
		return;
	for (int i = 0; i < SIDES; i++) {
		if (!nettracer_socket(&line, record, (enum side)i))
			continue;
		if (record->event != EVENT_UPDATE)
			put_event(buf, record, &line);
		if (record->event == EVENT_UPDATE || record->event == EVENT_CLOSE)
			put_stats(buf, record, &line);
	}
}

static void hex_record(struct buf *buf, const struct encode_conf *conf,
		       const struct record *record)
{
	struct nettracer_line line;

	if (record->event != EVENT_UPDATE && record->event != EVENT_CLOSE)
		return;
	/* its sockets are gone, and were told of */
	if (record->event == EVENT_UPDATE && record_has(record, FIELD_CT_STATE) &&
	    (record->ct_state == TCP_CONNTRACK_TIME_WAIT ||
	     record->ct_state == TCP_CONNTRACK_CLOSE))
		return;
	for (int i = 0; i < SIDES; i++) {
		if (nettracer_socket(&line, record, (enum side)i))
			nettracer_put_hex(buf, &line);
	}
}

const struct encoder encoder_nettracer = {
	.name = "nettracer",
	.help = "NetTracer's log: TCP events and what sockets counted",
	.content_type = "text/plain; charset=utf-8",
	.record = log_record,
};

const struct encoder encoder_nettracer_hex = {
	.name = "nettracer_hex",
	.help = "NetTracer's lines for programs",
	.content_type = "text/plain; charset=utf-8",
	.record = hex_record,
};
