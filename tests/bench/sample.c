// SPDX-License-Identifier: Apache-2.0
/* What the encoder and filter benches work on. */
#include "sample.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void sample_record(struct record *ret)
{
	static const uint8_t fields[] = {
		FIELD_EVENT, FIELD_TIME, FIELD_START, FIELD_DURATION_MS, FIELD_FLOW_ID, FIELD_SEQ,
		FIELD_COMMUNITY_ID, FIELD_HOST, FIELD_FAMILY, FIELD_PROTO, FIELD_SRC_IP,
		FIELD_SRC_PORT, FIELD_DST_IP, FIELD_DST_PORT, FIELD_DIRECTION, FIELD_BYTES_ORIG,
		FIELD_PACKETS_ORIG, FIELD_BYTES_REPLY, FIELD_PACKETS_REPLY, FIELD_DELTA_BYTES_ORIG,
		FIELD_DELTA_PACKETS_ORIG, FIELD_DELTA_BYTES_REPLY, FIELD_DELTA_PACKETS_REPLY,
		FIELD_RATE_ORIG_BPS, FIELD_RATE_REPLY_BPS, FIELD_COUNTED_BY, FIELD_CT_STATE,
		FIELD_TCP_STATE, FIELD_TIMEOUT_S, FIELD_NETNS, FIELD_ZONE, FIELD_MARK,
		FIELD_STATUS, FIELD_CLIENT_PID, FIELD_CLIENT_COMM, FIELD_CLIENT_UID,
		FIELD_TCP_PAYLOAD_ORIG, FIELD_TCP_PAYLOAD_REPLY, FIELD_TCP_SEGMENTS_ORIG,
		FIELD_TCP_SEGMENTS_REPLY, FIELD_RETRANSMITS, FIELD_RTT_US, FIELD_RTTVAR_US,
		FIELD_MIN_RTT_US, FIELD_SCHEMA,
	};
	static const uint8_t src[4] = { 10, 128, 33, 7 }, dst[4] = { 198, 51, 100, 23 };

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < sizeof(fields); i++)
		record_set(ret, fields[i]);
	ret->event = EVENT_UPDATE;
	ret->direction = DIRECTION_OUTBOUND;
	ret->ct_state = 3;
	ret->tcp_state = 1;
	addr_from_v4(&ret->orig.addr[INITIATOR], src);
	addr_from_v4(&ret->orig.addr[RESPONDER], dst);
	ret->orig.port_be[INITIATOR] = htons(40522);
	ret->orig.port_be[RESPONDER] = htons(443);
	ret->orig.proto = IPPROTO_TCP;
	ret->nat = ret->orig;
	ret->time_wall_ns = 1790000000123456789ULL;
	ret->start_wall_ns = 1790000000000000001ULL;
	ret->duration_ms = 123.456;
	ret->flow_id = 0x0123456789abcdefULL;
	ret->seq = 7;
	ret->schema = RECORD_SCHEMA;
	for (enum side side = 0; side < SIDES; side++) {
		ret->bytes[side] = 1234567 + side;
		ret->packets[side] = 2345;
		ret->delta_bytes[side] = 54321;
		ret->delta_packets[side] = 42;
		ret->rate_bps[side] = 1000000;
		ret->tcp_payload_bytes[side] = 1200000;
		ret->tcp_segments[side] = 2300;
	}
	ret->timeout_s = 432000;
	ret->netns = 4026531840U;
	ret->mark = 7;
	ret->status = 1 << 1 | 1 << 2 | 1 << 3;
	ret->rtt_us[0] = 12345;
	ret->rttvar_us[0] = 678;
	ret->min_rtt_us[0] = 11111;
	ret->owner[INITIATOR].pid = 2101;
	ret->owner[INITIATOR].uid = 1000;
	memcpy(ret->owner[INITIATOR].comm, "curl", 5);
}

void sample_print(const char *name, double value, const char *unit, const char *target)
{
	printf("%-34s %14.0f %-12s %s\n", name, value, unit, target);
	fflush(stdout);
}
