// SPDX-License-Identifier: Apache-2.0
/*
 * abi/weir_abi.h's conntrack entry into an observation.
 *
 * A pure function. The record was read without a lock from memory that the
 * kernel recycles; the programs drop what they saw change, and here what no entry
 * can be is dropped, so that a wrong offset or address shows as void records and
 * not as flows.
 */
#include "source/ct_record.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/weir_abi.h"
#include "base/array.h"
#include "base/num.h"

/* NF_CT_ZONE_DIR_ORIG, NF_CT_ZONE_DIR_REPL: nf_conntrack_zones.h */
enum { ZONE_DIR_ORIGINAL = 1, ZONE_DIR_REPLY = 2 };
/* enum tcp_conntrack ends before this (nf_conntrack_tcp.h: TCP_CONNTRACK_MAX + …) */
#define TCP_STATES 14
/* No link passes an exabyte while a host is up; no packet is smaller than its header. */
#define BYTES_MOST (1ULL << 60)
#define PACKET_LEAST_BYTES 20
/* Clocks that stand before 2000 or after 2200 are no start of a flow. */
#define WALL_LEAST_NS (946684800ULL * NUM_NS_PER_S)
#define WALL_MOST_NS (7258118400ULL * NUM_NS_PER_S)

static void parse_address(struct addr *ret, const uint8_t bytes[16], bool v4)
{
	if (v4)
		addr_from_v4(ret, bytes);
	else
		addr_from_v6(ret, bytes);
}

static void parse_tuple(struct tuple *ret, const struct abi_tuple *from, bool v4)
{
	memset(ret, 0, sizeof(*ret));
	parse_address(&ret->addr[INITIATOR], from->source, v4);
	parse_address(&ret->addr[RESPONDER], from->destination, v4);
	ret->proto = from->proto;
	if (proto_is_icmp(from->proto)) {
		const uint8_t *type_code = (const uint8_t *)&from->destination_port_be;

		ret->port_be[INITIATOR] = from->source_port_be;
		ret->icmp_type = type_code[0];
		ret->icmp_code = type_code[1];
	} else if (proto_has_ports(from->proto) || from->proto == IPPROTO_GRE) {
		ret->port_be[INITIATOR] = from->source_port_be;
		ret->port_be[RESPONDER] = from->destination_port_be;
	}
}

/* What a reader without a lock could take for an entry and is none. */
static bool is_plausible(const struct abi_ct *record)
{
	const struct abi_tuple *orig = &record->tuple[0], *reply = &record->tuple[1];

	if (record->family != AF_INET && record->family != AF_INET6)
		return false;
	if (orig->proto != reply->proto || record->zone_flags > 3 ||
	    record->tcp_state >= TCP_STATES || !record->netns)
		return false;
	if (record->has & ABI_CT_START && record->start_wall_ns &&
	    (record->start_wall_ns < WALL_LEAST_NS || record->start_wall_ns > WALL_MOST_NS))
		return false;
	for (int i = 0; record->has & ABI_CT_COUNTERS && i < 2; i++) {
		const struct abi_count *count = &record->count[i];

		if (count->bytes > BYTES_MOST || count->packets > count->bytes / PACKET_LEAST_BYTES)
			return false;
	}
	return true;
}

static void parse_zone(struct key *key, const struct abi_ct *record)
{
	key->zone = record->zone;
	if (record->zone_flags == ZONE_DIR_ORIGINAL)
		key->zone_scope = ZONE_ORIGINAL;
	else if (record->zone_flags == ZONE_DIR_REPLY)
		key->zone_scope = ZONE_REPLY;
}

static void parse_extensions(struct obs_ct *ct, const struct abi_ct *record)
{
	if (record->has & ABI_CT_COUNTERS) {
		for (enum side i = 0; i < SIDES; i++) {
			ct->packets[i] = record->count[i].packets;
			ct->bytes[i] = record->count[i].bytes;
		}
		ct->has |= CT_COUNTERS;
	}
	if (record->has & ABI_CT_START && record->start_wall_ns) {
		ct->start_wall_ns = record->start_wall_ns;
		ct->has |= CT_START;
		if (record->stop_wall_ns) {
			ct->stop_wall_ns = record->stop_wall_ns;
			ct->has |= CT_STOP;
		}
	}
	if (record->has & ABI_CT_LABELS &&
	    (record->labels[0] | record->labels[1] | record->labels[2] | record->labels[3])) {
		memcpy(ct->labels, record->labels, sizeof(ct->labels));
		ct->has |= CT_LABELS;
	}
}

int ct_record_parse(struct obs *ret, const struct abi_ct *record, unsigned hz)
{
	const bool v4 = record->family == AF_INET;
	struct obs_ct *ct = &ret->ct;

	if (!is_plausible(record))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->origin = ORIGIN_CONNTRACK;
	parse_tuple(&ct->key.orig, &record->tuple[0], v4);
	parse_tuple(&ct->reply, &record->tuple[1], v4);
	ct->key.netns = record->netns;
	parse_zone(&ct->key, record);
	ct->has = CT_REPLY | CT_STATUS | CT_MARK;
	ct->status = record->status;
	ct->mark = record->mark;
	if (hz && record->has & ABI_CT_TIMEOUT) {
		ct->timeout_s = record->timeout_jiffies > 0 ?
					(uint32_t)record->timeout_jiffies / hz : 0;
		ct->has |= CT_TIMEOUT;
	}
	if (record->tuple[0].proto == IPPROTO_TCP) {
		ct->tcp_state = record->tcp_state;
		ct->has |= CT_STATE;
	}
	parse_extensions(ct, record);
	return 0;
}

unsigned ct_record_hz(uint64_t jiffies, uint64_t mono_ns)
{
	static const unsigned choices[] = { 100, 250, 300, 1000 };

	double nearest_s = 1.0;
	unsigned ret = 0;

	/* five minutes after boot all are near: the nearest is right */
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		const unsigned hz = choices[i];
		const uint64_t since_boot = jiffies - (uint32_t)(-300 * (int32_t)hz);
		double apart_s = (double)since_boot / hz - (double)mono_ns / 1e9;

		if (apart_s < 0)
			apart_s = -apart_s;
		if (apart_s >= nearest_s)
			continue;
		nearest_s = apart_s;
		ret = hz;
	}
	return ret;
}
