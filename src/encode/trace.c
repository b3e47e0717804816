// SPDX-License-Identifier: Apache-2.0
/*
 * The trace line: time, event, both ends, namespace, process, and what else
 * matters to the event. The local end of an accepted connection stands first:
 * "LOCAL <- REMOTE".
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "encode/value.h"

static void put_end(struct buf *buf, const struct tuple *tuple, enum side side)
{
	const bool v6 = !addr_is_v4(&tuple->addr[side]), ports = proto_has_ports(tuple->proto);

	if (v6 && ports)
		buf_putc(buf, '[');
	addr_append(buf, &tuple->addr[side]);
	if (v6 && ports)
		buf_putc(buf, ']');
	if (ports)
		buf_printf(buf, ":%u", ntohs(tuple->port_be[side]));
}

static void put_ends(struct buf *buf, const struct record *record)
{
	const bool client = record_has(record, FIELD_CLIENT_PID);
	const bool server = record_has(record, FIELD_SERVER_PID);
	enum side first = INITIATOR;
	const char *arrow = " -> ";

	if (record->event == EVENT_ACCEPT || (record->event == EVENT_CLOSE && server && !client)) {
		first = RESPONDER;
		arrow = " <- ";
	} else if (record->event == EVENT_CLOSE && !client) {
		arrow = " -- ";
	}
	/* a connect can fail before it has an address or a port to come from */
	if (record->event == EVENT_FAILED && !record_has(record, FIELD_SRC_PORT))
		buf_putc(buf, '*');
	else
		put_end(buf, &record->orig, first);
	buf_puts(buf, arrow);
	put_end(buf, &record->orig, first == INITIATOR ? RESPONDER : INITIATOR);
}

static void put_word(struct buf *buf, const char *label, const struct encode_conf *conf,
		     const struct record *record, unsigned id)
{
	char text[VALUE_SIZE], *end;

	if (!record_has(record, id))
		return;
	end = value_put(text, conf, &field_table[id], record);
	buf_putc(buf, ' ');
	buf_puts(buf, label);
	utf8_make_printable(text, (size_t)(end - text));
	buf_append(buf, text, (size_t)(end - text));
}

static void put_process(struct buf *buf, const struct encode_conf *conf,
			const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_PID)) {
		put_word(buf, "pid ", conf, record, FIELD_CLIENT_PID);
		put_word(buf, "", conf, record, FIELD_CLIENT_COMM);
	}
	if (record_has(record, FIELD_SERVER_PID)) {
		put_word(buf, record_has(record, FIELD_CLIENT_PID) ? "server pid " : "pid ", conf,
			 record, FIELD_SERVER_PID);
		put_word(buf, "", conf, record, FIELD_SERVER_COMM);
	}
}

static void put_counters(struct buf *buf, const struct encode_conf *conf,
			 const struct record *record)
{
	if (!record_has(record, FIELD_BYTES_ORIG))
		return;
	put_word(buf, "sent ", conf, record, FIELD_BYTES_ORIG);
	put_word(buf, "received ", conf, record, FIELD_BYTES_REPLY);
}

/* What a connection came to, as its socket has it. */
static void put_health(struct buf *buf, const struct encode_conf *conf,
		       const struct record *record)
{
	put_word(buf, "payload ", conf, record, FIELD_TCP_PAYLOAD_ORIG);
	put_word(buf, "answered ", conf, record, FIELD_TCP_PAYLOAD_REPLY);
	put_word(buf, "retransmits ", conf, record, FIELD_RETRANSMITS);
}

static void trace_record(struct buf *buf, const struct encode_conf *conf,
			 const struct record *record)
{
	char time[CLOCK_RFC3339_SIZE];
	const bool flow = record->event <= EVENT_END;

	clock_put_rfc3339(time, record->time_wall_ns);
	buf_append(buf, time + 11, 18); /* 12:00:01.123456789 */
	buf_printf(buf, " %s ", value_name(&field_table[FIELD_EVENT], record->event));
	put_ends(buf, record);
	put_word(buf, "netns ", conf, record, FIELD_NETNS);
	put_process(buf, conf, record);
	if (flow) {
		put_word(buf, "", conf, record, FIELD_PROTO);
		put_word(buf, "", conf, record, FIELD_CT_STATE);
		put_counters(buf, conf, record);
		put_word(buf, "nat-src ", conf, record, FIELD_NAT_SRC_IP);
		put_word(buf, "nat-dst ", conf, record, FIELD_NAT_DST_IP);
		put_word(buf, "duration_ms ", conf, record, FIELD_DURATION_MS);
		put_word(buf, "reason ", conf, record, FIELD_END_REASON);
		put_word(buf, "inexact ", conf, record, FIELD_INEXACT_REASON);
	} else {
		if (record->event == EVENT_CONNECT)
			put_word(buf, "connect_us ", conf, record, FIELD_CONNECT_US);
		if (record->event == EVENT_CLOSE)
			put_health(buf, conf, record);
		put_word(buf, "rtt_us ", conf, record, FIELD_RTT_US);
		put_word(buf, "error ", conf, record, FIELD_ERROR);
	}
	buf_putc(buf, '\n');
}

const struct encoder encoder_trace = {
	.name = "trace",
	.help = "one readable line an event",
	.content_type = "text/plain; charset=utf-8",
	.record = trace_record,
};
