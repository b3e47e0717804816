// SPDX-License-Identifier: Apache-2.0
/* Line protocol, as InfluxDB 1.x to 3.x and VictoriaMetrics read it. */
#include "encode/lineproto.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "encode/value.h"

#define TEXT_SIZE 160
#define WELL_KNOWN 1024

/* The text itself, or a copy that is text, whatever it was; *n of it. */
static const char *clean(char copy[TEXT_SIZE], const char *text, size_t *n)
{
	size_t i = 0;

	while (i < TEXT_SIZE - 1 && (unsigned char)text[i] >= ' ' && (unsigned char)text[i] < 0x7f)
		i++;
	if (!text[i] || i == TEXT_SIZE - 1) {
		*n = i;
		return text;
	}
	*n = strnlen(text, TEXT_SIZE - 1);
	memcpy(copy, text, *n);
	copy[*n] = '\0';
	utf8_make_printable(copy, *n + 1);
	return copy;
}

/* Room for a key and its value, each byte of which may be escaped, and what is
 * around them. NULL: no memory. */
static char *begin(struct buf *buf, const char *key, char before)
{
	const size_t n = strlen(key);
	char *at = buf_reserve(buf, n + 2 * TEXT_SIZE + 4);

	if (!at)
		return NULL;
	*at++ = before;
	memcpy(at, key, n);
	at += n;
	*at++ = '=';
	return at;
}

static void end(struct buf *buf, const char *at)
{
	buf->len = (size_t)(at - buf->data);
}

void lineproto_tag(struct buf *buf, const char *key, const char *value)
{
	char copy[TEXT_SIZE], *at;
	size_t n;
	const char *text = clean(copy, value, &n);

	at = n ? begin(buf, key, ',') : NULL;
	if (!at)
		return;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ',' || text[i] == '=' || text[i] == ' ')
			*at++ = '\\';
		*at++ = text[i];
	}
	/* a backslash at the end would take the separator with it */
	if (at[-1] == '\\')
		at[-1] = '/';
	end(buf, at);
}

void lineproto_integer(struct buf *buf, const char *key, uint64_t value, bool is_first)
{
	char *at = begin(buf, key, is_first ? ' ' : ',');

	if (!at)
		return;
	at = num_put_u64(at, value > INT64_MAX ? INT64_MAX : value);
	*at++ = 'i';
	end(buf, at);
}

void lineproto_string(struct buf *buf, const char *key, const char *value, bool is_first)
{
	char copy[TEXT_SIZE], *at = begin(buf, key, is_first ? ' ' : ',');
	const char *text;
	size_t n;

	if (!at)
		return;
	text = clean(copy, value, &n);
	*at++ = '"';
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			*at++ = '\\';
		*at++ = text[i];
	}
	*at++ = '"';
	end(buf, at);
}

const char *lineproto_service(char ret[8], const struct record *record)
{
	const uint16_t port = ntohs(record->orig.port_be[RESPONDER]);

	if (!record_has(record, FIELD_DST_PORT) || port >= WELL_KNOWN)
		return "other";
	*num_put_u64(ret, port) = '\0';
	return ret;
}

static const char *name_of(const struct record *record, unsigned id)
{
	const struct field *field = &field_table[id];

	return record_has(record, id) ?
		       value_name(field, *(const uint8_t *)field_at(field, record)) :
		       "";
}

static void proto_text(char ret[8], uint8_t proto)
{
	const char *name = proto_name(proto);

	if (name)
		memcpy(ret, name, strlen(name) + 1);
	else
		*num_put_u64(ret, proto) = '\0';
}

static void optional(struct buf *buf, const struct record *record, unsigned id)
{
	const struct field *field = &field_table[id];

	if (record_has(record, id))
		lineproto_integer(buf, field->name, value_integer(field, record), false);
}

static void flow_tags(struct buf *buf, const struct lineproto_conf *conf,
		      const struct record *record)
{
	char text[24];

	if (conf->tag_container && record_has(record, FIELD_CLIENT_CONTAINER))
		lineproto_tag(buf, "container", record->owner[INITIATOR].container);
	else if (conf->tag_container && record_has(record, FIELD_SERVER_CONTAINER))
		lineproto_tag(buf, "container", record->owner[RESPONDER].container);
	lineproto_tag(buf, "direction", name_of(record, FIELD_DIRECTION));
	lineproto_tag(buf, "event", name_of(record, FIELD_EVENT));
	if (conf->host)
		lineproto_tag(buf, "host", conf->host);
	if (conf->tag_netns && record_has(record, FIELD_NETNS)) {
		*num_put_u64(text, record->netns) = '\0';
		lineproto_tag(buf, "netns", text);
	}
	lineproto_tag(buf, "process", record_process(record));
	proto_text(text, record->orig.proto);
	lineproto_tag(buf, "proto", text);
	lineproto_tag(buf, "service", lineproto_service(text, record));
}

static void flow_strings(struct buf *buf, const struct record *record)
{
	static const char digits[] = "0123456789abcdef";
	char text[ADDR_TEXT_SIZE], id[17] = "";

	lineproto_string(buf, "dst_ip", addr_print(text, &record->orig.addr[RESPONDER]), false);
	if (record_has(record, FIELD_END_REASON))
		lineproto_string(buf, "end_reason", name_of(record, FIELD_END_REASON), false);
	for (unsigned i = 0; i < 16; i++)
		id[i] = digits[record->flow_id >> (60 - 4 * i) & 15];
	lineproto_string(buf, "flow_id", id, false);
	lineproto_string(buf, "src_ip", addr_print(text, &record->orig.addr[INITIATOR]), false);
}

void lineproto_flow(struct buf *buf, const struct lineproto_conf *conf,
		    const struct record *record)
{
	static const uint8_t integers[] = {
		FIELD_BYTES_ORIG, FIELD_PACKETS_ORIG, FIELD_BYTES_REPLY, FIELD_PACKETS_REPLY,
		FIELD_DELTA_BYTES_ORIG, FIELD_DELTA_PACKETS_ORIG, FIELD_DELTA_BYTES_REPLY,
		FIELD_DELTA_PACKETS_REPLY, FIELD_SRC_PORT, FIELD_DST_PORT, FIELD_CLIENT_PID,
		FIELD_SERVER_PID, FIELD_TCP_PAYLOAD_ORIG, FIELD_TCP_PAYLOAD_REPLY,
		FIELD_RETRANSMITS, FIELD_RTT_US, FIELD_MIN_RTT_US, FIELD_CONNECT_US,
	};

	buf_puts(buf, "weir_flow");
	flow_tags(buf, conf, record);
	/* one field is always there: a point without any would be refused */
	lineproto_integer(buf, "seq", record->seq, true);
	for (size_t i = 0; i < sizeof(integers); i++)
		optional(buf, record, integers[i]);
	if (conf->string_fields)
		flow_strings(buf, record);
	buf_putc(buf, ' ');
	buf_u64(buf, record->time_wall_ns);
	buf_putc(buf, '\n');
}

/* --- the old tool's ---------------------------------------------------------------- */

const char *lineproto_old_proto_name(uint8_t proto)
{
	switch (proto) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 33:
		return "dccp";
	case 47:
		return "gre";
	case 132:
		return "sctp";
	default:
		return "unknown";
	}
}

static uint64_t total(const struct record *record, unsigned id)
{
	return record_has(record, id) ? value_integer(&field_table[id], record) : 0;
}

static void put_number(struct buf *buf, const char *before, uint64_t value)
{
	buf_puts(buf, before);
	buf_u64(buf, value);
}

void lineproto_conntracct(struct buf *buf, const struct lineproto_conf *conf,
			  const struct record *record)
{
	const uint64_t bytes[] = { total(record, FIELD_BYTES_ORIG),
				   total(record, FIELD_BYTES_REPLY) };
	const uint64_t packets[] = { total(record, FIELD_PACKETS_ORIG),
				     total(record, FIELD_PACKETS_REPLY) };

	buf_puts(buf, "ct_acct,connmark=");
	buf_printf(buf, "%x", record_has(record, FIELD_MARK) ? record->mark : 0);
	buf_puts(buf, ",dst_addr=");
	addr_append(buf, &record->orig.addr[RESPONDER]);
	put_number(buf, ",dst_port=", total(record, FIELD_DST_PORT));
	put_number(buf, ",flow_id=", record->flow_id);
	put_number(buf, ",netns=", total(record, FIELD_NETNS));
	buf_puts(buf, ",proto=");
	buf_puts(buf, lineproto_old_proto_name(record->orig.proto));
	buf_puts(buf, ",src_addr=");
	addr_append(buf, &record->orig.addr[INITIATOR]);
	if (conf->source_ports)
		put_number(buf, ",src_port=", total(record, FIELD_SRC_PORT));
	lineproto_integer(buf, "bytes_orig", bytes[0], true);
	lineproto_integer(buf, "bytes_ret", bytes[1], false);
	lineproto_integer(buf, "bytes_total", bytes[0] + bytes[1], false);
	put_number(buf, ",flow_id=\"", record->flow_id);
	buf_putc(buf, '"');
	lineproto_integer(buf, "packets_orig", packets[0], false);
	lineproto_integer(buf, "packets_ret", packets[1], false);
	lineproto_integer(buf, "packets_total", packets[0] + packets[1], false);
	put_number(buf, " ", record->time_wall_ns);
	buf_putc(buf, '\n');
}
