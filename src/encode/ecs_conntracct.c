// SPDX-License-Identifier: Apache-2.0
/*
 * The documents of conntracct's elastic sink, for the dashboards that read them: a
 * document a flow, written over as the flow goes on.
 */
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "encode/ecs.h"
#include "encode/lineproto.h"
#include "encode/value.h"

/* All but the host's name. */
#define DOCUMENT_SIZE 1024

static char *put(char *at, const char *text)
{
	const size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_number(char *at, const char *before, uint64_t value)
{
	return num_put_u64(put(at, before), value > INT64_MAX ? INT64_MAX : value);
}

static char *put_id(char *at, const char *before, uint64_t value)
{
	return num_put_u64(put(at, before), value);
}

static char *put_address(char *at, const char *before, const struct addr *addr)
{
	at = addr_put(put(at, before), addr);
	*at++ = '"';
	return at;
}

static uint64_t total(const struct record *record, unsigned id)
{
	return record_has(record, id) ? value_integer(&field_table[id], record) : 0;
}

/* Twice the time, and one more at the end: an end is later than what has its time. That
 * fits a long until the year 2116. */
static uint64_t version_of(const struct record *record)
{
	return 2 * record->time_wall_ns + (record->event == EVENT_END);
}

void ecs_conntracct(struct buf *buf, const char *host, const struct record *record)
{
	const size_t host_n = strlen(host);
	const uint64_t packets[] = { total(record, FIELD_PACKETS_ORIG),
				     total(record, FIELD_PACKETS_REPLY) };
	const uint64_t bytes[] = { total(record, FIELD_BYTES_ORIG),
				   total(record, FIELD_BYTES_REPLY) };
	char *start = buf_reserve(buf, DOCUMENT_SIZE + 6 * host_n + 2), *at = start;

	if (!start)
		return;
	if (record->event > EVENT_END) {
		*at = '\n';
		buf->len++;
		return;
	}
	at = put_id(at, "{\"index\":{\"_id\":\"", record->flow_id);
	at = put_number(at, "\",\"version\":", version_of(record));
	at = put(at, ",\"version_type\":\"external_gte\"}}\n{\"flow_state\":\"");
	at = put(at, record->event == EVENT_END ? "finished" : "established");
	at = put(at, "\",\"hostname\":");
	at = json_put_string(at, host, host_n);
	at = put_number(at, ",\"start\":", total(record, FIELD_START) / NUM_NS_PER_MS);
	at = put_number(at, ",\"timestamp\":", record->time_wall_ns / NUM_NS_PER_MS);
	at = put_id(at, ",\"flow_id\":", record->flow_id);
	at = put_number(at, ",\"connmark\":", total(record, FIELD_MARK));
	at = put_address(at, ",\"src_addr\":\"", &record->orig.addr[INITIATOR]);
	at = put_address(at, ",\"dst_addr\":\"", &record->orig.addr[RESPONDER]);
	at = put_number(at, ",\"packets_orig\":", packets[INITIATOR]);
	at = put_number(at, ",\"bytes_orig\":", bytes[INITIATOR]);
	at = put_number(at, ",\"packets_ret\":", packets[RESPONDER]);
	at = put_number(at, ",\"bytes_ret\":", bytes[RESPONDER]);
	at = put_number(at, ",\"src_port\":", total(record, FIELD_SRC_PORT));
	at = put_number(at, ",\"dst_port\":", total(record, FIELD_DST_PORT));
	at = put_number(at, ",\"netns\":", total(record, FIELD_NETNS));
	at = put_number(at, ",\"proto\":", record->orig.proto);
	at = put_number(at, ",\"packets_total\":", packets[INITIATOR] + packets[RESPONDER]);
	at = put_number(at, ",\"bytes_total\":", bytes[INITIATOR] + bytes[RESPONDER]);
	at = put(at, ",\"proto_name\":\"");
	at = put(at, lineproto_old_proto_name(record->orig.proto));
	at = put(at, "\"}\n");
	buf->len += (size_t)(at - start);
}
