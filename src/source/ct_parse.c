// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of ctnetlink (linux/netfilter/nfnetlink_conntrack.h) into an
 * observation.
 *
 * A pure function over one message. The length of the message, of each attribute
 * and of each nested attribute is checked against what encloses it before a byte
 * is read; an attribute that we know and that has not its one right size makes
 * the whole message malformed, since half an observation is worse than none.
 * Attributes that we do not know are passed over: kernels add some.
 */
#include "source/ct_parse.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* What is left of a run of attributes. */
struct attrs {
	const char *at;
	size_t left;
};

static struct attrs attrs_nested(const struct nlattr *attr)
{
	return (struct attrs){ mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr) };
}

/* 1 and *ret, 0 at the end, -EBADMSG when the next one does not fit. */
static int attrs_next(struct attrs *attrs, const struct nlattr **ret)
{
	const struct nlattr *attr = (const void *)attrs->at;
	size_t whole;

	if (!attrs->left)
		return 0;
	/* libmnl compares as int; a netlink message never comes near that */
	if (attrs->left > INT32_MAX || !mnl_attr_ok(attr, (int)attrs->left))
		return -EBADMSG;
	whole = MNL_ALIGN(attr->nla_len);
	/* the last attribute may lack its padding */
	if (whole > attrs->left)
		whole = attrs->left;
	attrs->at += whole;
	attrs->left -= whole;
	*ret = attr;
	return 1;
}

static bool has_size(const struct nlattr *attr, size_t size)
{
	return mnl_attr_get_payload_len(attr) == size;
}

static int get_u8(uint8_t *ret, const struct nlattr *attr)
{
	if (!has_size(attr, sizeof(*ret)))
		return -EBADMSG;
	*ret = mnl_attr_get_u8(attr);
	return 0;
}

/* As it came: network byte order. */
static int get_be16(uint16_t *ret, const struct nlattr *attr)
{
	if (!has_size(attr, sizeof(*ret)))
		return -EBADMSG;
	*ret = mnl_attr_get_u16(attr);
	return 0;
}

static int get_u16(uint16_t *ret, const struct nlattr *attr)
{
	int r = get_be16(ret, attr);

	if (!r)
		*ret = be16toh(*ret);
	return r;
}

static int get_u32(uint32_t *ret, const struct nlattr *attr)
{
	if (!has_size(attr, sizeof(*ret)))
		return -EBADMSG;
	*ret = be32toh(mnl_attr_get_u32(attr));
	return 0;
}

static int get_u64(uint64_t *ret, const struct nlattr *attr)
{
	if (!has_size(attr, sizeof(*ret)))
		return -EBADMSG;
	*ret = be64toh(mnl_attr_get_u64(attr));
	return 0;
}

static int get_v4(struct addr *ret, const struct nlattr *attr)
{
	if (!has_size(attr, 4))
		return -EBADMSG;
	addr_from_v4(ret, mnl_attr_get_payload(attr));
	return 0;
}

static int get_v6(struct addr *ret, const struct nlattr *attr)
{
	if (!has_size(attr, 16))
		return -EBADMSG;
	addr_from_v6(ret, mnl_attr_get_payload(attr));
	return 0;
}

static int parse_ip(struct tuple *tuple, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer);
	const struct nlattr *attr;
	unsigned seen = 0;
	int r;

	while ((r = attrs_next(&attrs, &attr)) > 0) {
		const unsigned type = mnl_attr_get_type(attr);

		switch (type) {
		case CTA_IP_V4_SRC:
		case CTA_IP_V4_DST:
			r = get_v4(&tuple->addr[type == CTA_IP_V4_DST], attr);
			break;
		case CTA_IP_V6_SRC:
		case CTA_IP_V6_DST:
			r = get_v6(&tuple->addr[type == CTA_IP_V6_DST], attr);
			break;
		default:
			continue;
		}
		if (r < 0)
			return r;
		seen |= 1U << type;
	}
	if (r < 0)
		return r;
	/* a source and a destination, both of one family */
	if (seen != (1U << CTA_IP_V4_SRC | 1U << CTA_IP_V4_DST) &&
	    seen != (1U << CTA_IP_V6_SRC | 1U << CTA_IP_V6_DST))
		return -EBADMSG;
	return 0;
}

static int parse_proto(struct tuple *tuple, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer);
	const struct nlattr *attr;
	bool has_number = false;
	int r;

	while ((r = attrs_next(&attrs, &attr)) > 0) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_PROTO_NUM:
			r = get_u8(&tuple->proto, attr);
			has_number = true;
			break;
		case CTA_PROTO_SRC_PORT: /* GRE: a key */
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			r = get_be16(&tuple->port_be[INITIATOR], attr);
			break;
		case CTA_PROTO_DST_PORT:
			r = get_be16(&tuple->port_be[RESPONDER], attr);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			r = get_u8(&tuple->icmp_type, attr);
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE:
			r = get_u8(&tuple->icmp_code, attr);
			break;
		default:
			continue;
		}
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	return has_number ? 0 : -EBADMSG;
}

/* A zone stands inside a tuple where it holds for that direction only. */
static int parse_tuple(struct tuple *tuple, uint16_t *zone, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer);
	const struct nlattr *attr;
	bool has_ip = false, has_proto = false;
	int r;

	memset(tuple, 0, sizeof(*tuple));
	while ((r = attrs_next(&attrs, &attr)) > 0) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_IP:
			r = parse_ip(tuple, attr);
			has_ip = true;
			break;
		case CTA_TUPLE_PROTO:
			r = parse_proto(tuple, attr);
			has_proto = true;
			break;
		case CTA_TUPLE_ZONE:
			r = get_u16(zone, attr);
			break;
		default:
			continue;
		}
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	return has_ip && has_proto ? 0 : -EBADMSG;
}

static int get_u32_as_u64(uint64_t *ret, const struct nlattr *attr)
{
	uint32_t narrow;
	int r = get_u32(&narrow, attr);

	if (!r)
		*ret = narrow;
	return r;
}

static int parse_counters(struct obs_ct *ct, enum side side, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer);
	const struct nlattr *attr;
	int r;

	while ((r = attrs_next(&attrs, &attr)) > 0) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_COUNTERS_PACKETS:
			r = get_u64(&ct->packets[side], attr);
			break;
		case CTA_COUNTERS_BYTES:
			r = get_u64(&ct->bytes[side], attr);
			break;
		case CTA_COUNTERS32_PACKETS:
			r = get_u32_as_u64(&ct->packets[side], attr);
			break;
		case CTA_COUNTERS32_BYTES:
			r = get_u32_as_u64(&ct->bytes[side], attr);
			break;
		default:
			continue;
		}
		if (r < 0)
			return r;
	}
	return r;
}

static int parse_timestamp(struct obs_ct *ct, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer);
	const struct nlattr *attr;
	int r;

	while ((r = attrs_next(&attrs, &attr)) > 0) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TIMESTAMP_START:
			r = get_u64(&ct->start_wall_ns, attr);
			ct->has |= CT_START;
			break;
		case CTA_TIMESTAMP_STOP:
			r = get_u64(&ct->stop_wall_ns, attr);
			ct->has |= CT_STOP;
			break;
		default:
			continue;
		}
		if (r < 0)
			return r;
	}
	return r;
}

static int parse_protoinfo(struct obs_ct *ct, const struct nlattr *outer)
{
	struct attrs attrs = attrs_nested(outer), inner;
	const struct nlattr *attr;
	int r;

	while ((r = attrs_next(&attrs, &attr)) > 0) {
		if (mnl_attr_get_type(attr) != CTA_PROTOINFO_TCP)
			continue;
		inner = attrs_nested(attr);
		while ((r = attrs_next(&inner, &attr)) > 0) {
			if (mnl_attr_get_type(attr) != CTA_PROTOINFO_TCP_STATE)
				continue;
			r = get_u8(&ct->tcp_state, attr);
			if (r < 0)
				return r;
			ct->has |= CT_STATE;
		}
		if (r < 0)
			return r;
	}
	return r;
}

/* The kernel's bitmap is an array of unsigned long in its own byte order. */
static int parse_labels(struct obs_ct *ct, const struct nlattr *attr)
{
	const uint8_t *byte = mnl_attr_get_payload(attr);
	const size_t n = mnl_attr_get_payload_len(attr);
	const size_t flip = htobe16(1) == 1 ? sizeof(long) - 1 : 0;
	size_t i;

	if (n > sizeof(ct->labels) || n % sizeof(long))
		return -EBADMSG;
	for (i = 0; i < n; i++)
		ct->labels[i] = byte[i ^ flip];
	ct->has |= CT_LABELS;
	return 0;
}

/* What is gathered beside the observation while walking the top level. */
struct walk {
	bool has_orig;
	bool has_counters[SIDES];
	uint16_t zone, zone_of[SIDES];
};

static int parse_attr(struct obs_ct *ct, struct walk *walk, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_ORIG:
		walk->has_orig = true;
		return parse_tuple(&ct->key.orig, &walk->zone_of[INITIATOR], attr);
	case CTA_TUPLE_REPLY:
		ct->has |= CT_REPLY;
		return parse_tuple(&ct->reply, &walk->zone_of[RESPONDER], attr);
	case CTA_STATUS:
		ct->has |= CT_STATUS;
		return get_u32(&ct->status, attr);
	case CTA_PROTOINFO:
		return parse_protoinfo(ct, attr);
	case CTA_TIMEOUT:
		ct->has |= CT_TIMEOUT;
		return get_u32(&ct->timeout_s, attr);
	case CTA_MARK:
		ct->has |= CT_MARK;
		return get_u32(&ct->mark, attr);
	case CTA_COUNTERS_ORIG:
		walk->has_counters[INITIATOR] = true;
		return parse_counters(ct, INITIATOR, attr);
	case CTA_COUNTERS_REPLY:
		walk->has_counters[RESPONDER] = true;
		return parse_counters(ct, RESPONDER, attr);
	case CTA_ZONE:
		return get_u16(&walk->zone, attr);
	case CTA_TIMESTAMP:
		return parse_timestamp(ct, attr);
	case CTA_LABELS:
		return parse_labels(ct, attr);
	default:
		return 0;
	}
}

/* Zone 0 is the default and never sent. */
static void set_zone(struct key *key, const struct walk *walk)
{
	if (walk->zone_of[INITIATOR]) {
		key->zone = walk->zone_of[INITIATOR];
		key->zone_scope = ZONE_ORIGINAL;
	} else if (walk->zone_of[RESPONDER]) {
		key->zone = walk->zone_of[RESPONDER];
		key->zone_scope = ZONE_REPLY;
	} else {
		key->zone = walk->zone;
		key->zone_scope = ZONE_BOTH;
	}
}

/* ctnetlink_conntrack_event and ctnetlink_fill_info say which is which. */
static int kind_of(const struct nlmsghdr *header)
{
	if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_CTNETLINK)
		return -ENOMSG;
	switch (NFNL_MSG_TYPE(header->nlmsg_type)) {
	case IPCTNL_MSG_CT_NEW:
		return header->nlmsg_flags & NLM_F_CREATE ? OBS_OPEN : OBS_SAMPLE;
	case IPCTNL_MSG_CT_DELETE:
		return OBS_CLOSE;
	default:
		return -ENOMSG;
	}
}

int ct_parse(struct obs *ret, const void *message, size_t length, uint32_t netns)
{
	const struct nlmsghdr *header = message;
	struct obs_ct *ct = &ret->ct;
	struct walk walk = { 0 };
	const struct nlattr *attr;
	struct attrs attrs;
	int kind, r;

	if (length < sizeof(*header) || header->nlmsg_len < sizeof(*header) ||
	    header->nlmsg_len > length)
		return -EBADMSG;
	kind = kind_of(header);
	if (kind < 0)
		return kind;
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
		return -EBADMSG;

	memset(ret, 0, sizeof(*ret));
	ret->kind = (uint8_t)kind;
	ret->origin = ORIGIN_CONNTRACK;
	attrs.at = (const char *)message + NLMSG_LENGTH(sizeof(struct nfgenmsg));
	attrs.left = header->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg));
	while ((r = attrs_next(&attrs, &attr)) > 0) {
		r = parse_attr(ct, &walk, attr);
		if (r < 0)
			return r;
	}
	if (r < 0 || !walk.has_orig)
		return -EBADMSG;
	if (walk.has_counters[INITIATOR] && walk.has_counters[RESPONDER])
		ct->has |= CT_COUNTERS;
	if (ct->key.orig.proto != IPPROTO_TCP)
		ct->has &= ~(uint32_t)CT_STATE;
	ct->key.netns = netns;
	set_zone(&ct->key, &walk);
	return 0;
}
