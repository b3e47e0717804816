// SPDX-License-Identifier: Apache-2.0
/*
 * ctnetlink messages built by hand, good ones and hostile ones. Every message is
 * parsed from memory of exactly its size, so that the sanitizer sees any byte
 * read beyond its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/array.h"
#include "source/ct_parse.h"

#define NETNS 4026531840U

struct message {
	union {
		struct nlmsghdr header;
		char bytes[2048];
	};
};

static struct nlmsghdr *begin(struct message *message, unsigned type, uint16_t flags)
{
	struct nlmsghdr *header;
	struct nfgenmsg *generic;

	memset(message, 0, sizeof(*message));
	header = mnl_nlmsg_put_header(message->bytes);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	header->nlmsg_flags = flags;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->nfgen_family = AF_INET;
	return header;
}

static void put_ip(struct nlmsghdr *header, const char *source, const char *destination)
{
	struct nlattr *ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
	const bool is_v6 = strchr(source, ':');
	const int family = is_v6 ? AF_INET6 : AF_INET;
	const size_t size = is_v6 ? 16 : 4;
	uint8_t bytes[16];

	assert_int_equal(inet_pton(family, source, bytes), 1);
	mnl_attr_put(header, is_v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, size, bytes);
	assert_int_equal(inet_pton(family, destination, bytes), 1);
	mnl_attr_put(header, is_v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, size, bytes);
	mnl_attr_nest_end(header, ip);
}

static void put_ports(struct nlmsghdr *header, uint8_t proto, uint16_t source,
		      uint16_t destination)
{
	struct nlattr *nest = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(header, CTA_PROTO_NUM, proto);
	mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(source));
	mnl_attr_put_u16(header, CTA_PROTO_DST_PORT, htons(destination));
	mnl_attr_nest_end(header, nest);
}

static void put_icmp(struct nlmsghdr *header, bool is_v6, uint8_t type, uint16_t id)
{
	struct nlattr *nest = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(header, CTA_PROTO_NUM, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	mnl_attr_put_u16(header, is_v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(id));
	mnl_attr_put_u8(header, is_v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, type);
	mnl_attr_put_u8(header, is_v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, 0);
	mnl_attr_nest_end(header, nest);
}

static void put_tcp_tuples(struct nlmsghdr *header, uint16_t orig_zone, uint16_t reply_zone)
{
	struct nlattr *tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);

	put_ip(header, "192.0.2.1", "198.51.100.7");
	put_ports(header, IPPROTO_TCP, 40522, 443);
	if (orig_zone)
		mnl_attr_put_u16(header, CTA_TUPLE_ZONE, htons(orig_zone));
	mnl_attr_nest_end(header, tuple);
	tuple = mnl_attr_nest_start(header, CTA_TUPLE_REPLY);
	put_ip(header, "198.51.100.7", "203.0.113.9");
	put_ports(header, IPPROTO_TCP, 443, 1025);
	if (reply_zone)
		mnl_attr_put_u16(header, CTA_TUPLE_ZONE, htons(reply_zone));
	mnl_attr_nest_end(header, tuple);
}

static void put_counters(struct nlmsghdr *header, uint16_t type, uint64_t packets, uint64_t bytes)
{
	struct nlattr *nest = mnl_attr_nest_start(header, type);

	mnl_attr_put_u64(header, CTA_COUNTERS_PACKETS, htobe64(packets));
	mnl_attr_put_u64(header, CTA_COUNTERS_BYTES, htobe64(bytes));
	mnl_attr_nest_end(header, nest);
}

/* Everything that a TCP entry can have. */
static void build_full(struct message *message)
{
	struct nlmsghdr *header = begin(message, IPCTNL_MSG_CT_NEW, NLM_F_MULTI);
	struct nlattr *outer, *inner;
	uint8_t labels[16] = { 0 };

	labels[htobe16(1) == 1 ? sizeof(long) - 1 : 0] = 1 << 3;
	put_tcp_tuples(header, 0, 0);
	mnl_attr_put_u32(header, CTA_STATUS, htonl(0x1be));
	outer = mnl_attr_nest_start(header, CTA_PROTOINFO);
	inner = mnl_attr_nest_start(header, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(header, CTA_PROTOINFO_TCP_STATE, 3);
	mnl_attr_put_u16(header, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, 0x0123);
	mnl_attr_nest_end(header, inner);
	mnl_attr_nest_end(header, outer);
	mnl_attr_put_u32(header, CTA_TIMEOUT, htonl(432000));
	mnl_attr_put_u32(header, CTA_MARK, htonl(0x1234));
	put_counters(header, CTA_COUNTERS_ORIG, 5000000000ULL, 7000000000001ULL);
	put_counters(header, CTA_COUNTERS_REPLY, 3, 152);
	mnl_attr_put_u32(header, CTA_USE, htonl(1));
	mnl_attr_put_u16(header, CTA_ZONE, htons(77));
	outer = mnl_attr_nest_start(header, CTA_TIMESTAMP);
	mnl_attr_put_u64(header, CTA_TIMESTAMP_START, htobe64(1795491513111516742ULL));
	mnl_attr_put_u64(header, CTA_TIMESTAMP_STOP, htobe64(1795491515348896662ULL));
	mnl_attr_nest_end(header, outer);
	mnl_attr_put(header, CTA_LABELS, sizeof(labels), labels);
	mnl_attr_put_u32(header, 999, 0); /* of a kernel to come */
}

static int parse(struct obs *ret, const void *bytes, size_t n)
{
	void *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	r = ct_parse(ret, copy, n, NETNS);
	free(copy);
	return r;
}

static int parse_message(struct obs *ret, const struct message *message)
{
	return parse(ret, message->bytes, message->header.nlmsg_len);
}

static void reads_everything_a_tcp_entry_has(void **state)
{
	struct addr addr;
	struct message message;
	struct obs obs;

	build_full(&message);
	assert_int_equal(parse_message(&obs, &message), 0);
	assert_int_equal(obs.kind, OBS_SAMPLE);
	assert_int_equal(obs.origin, ORIGIN_CONNTRACK);
	assert_int_equal(obs.ct.has, CT_COUNTERS | CT_REPLY | CT_START | CT_STOP | CT_STATUS |
					     CT_MARK | CT_TIMEOUT | CT_STATE | CT_LABELS);
	addr_from_v4(&addr, "\xc0\x00\x02\x01");
	assert_memory_equal(&obs.ct.key.orig.addr[INITIATOR], &addr, sizeof(addr));
	addr_from_v4(&addr, "\xcb\x00\x71\x09");
	assert_memory_equal(&obs.ct.reply.addr[RESPONDER], &addr, sizeof(addr));
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[INITIATOR]), 40522);
	assert_int_equal(ntohs(obs.ct.key.orig.port_be[RESPONDER]), 443);
	assert_int_equal(ntohs(obs.ct.reply.port_be[RESPONDER]), 1025);
	assert_int_equal(obs.ct.key.orig.proto, IPPROTO_TCP);
	assert_int_equal(obs.ct.key.netns, NETNS);
	assert_int_equal(obs.ct.key.zone, 77);
	assert_int_equal(obs.ct.key.zone_scope, ZONE_BOTH);
	assert_int_equal(obs.ct.packets[INITIATOR], 5000000000ULL);
	assert_int_equal(obs.ct.bytes[INITIATOR], 7000000000001ULL);
	assert_int_equal(obs.ct.packets[RESPONDER], 3);
	assert_int_equal(obs.ct.bytes[RESPONDER], 152);
	assert_int_equal(obs.ct.start_wall_ns, 1795491513111516742ULL);
	assert_int_equal(obs.ct.stop_wall_ns, 1795491515348896662ULL);
	assert_int_equal(obs.ct.status, 0x1be);
	assert_int_equal(obs.ct.mark, 0x1234);
	assert_int_equal(obs.ct.timeout_s, 432000);
	assert_int_equal(obs.ct.tcp_state, 3);
	assert_int_equal(obs.ct.labels[0], 1 << 3);
}

static void tells_a_beginning_an_update_and_an_end_apart(void **state)
{
	const struct {
		unsigned type;
		uint16_t flags;
		int kind;
	} rows[] = {
		{ IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, OBS_OPEN },
		{ IPCTNL_MSG_CT_NEW, 0, OBS_SAMPLE },
		{ IPCTNL_MSG_CT_NEW, NLM_F_MULTI, OBS_SAMPLE },
		{ IPCTNL_MSG_CT_DELETE, 0, OBS_CLOSE },
	};
	struct message message;
	struct obs obs;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		put_tcp_tuples(begin(&message, rows[i].type, rows[i].flags), 0, 0);
		assert_int_equal(parse_message(&obs, &message), 0);
		assert_int_equal(obs.kind, rows[i].kind);
	}
}

static void keeps_a_zone_of_one_direction_apart_from_one_of_both(void **state)
{
	struct message message;
	struct obs obs;

	put_tcp_tuples(begin(&message, IPCTNL_MSG_CT_NEW, 0), 8, 0);
	assert_int_equal(parse_message(&obs, &message), 0);
	assert_int_equal(obs.ct.key.zone, 8);
	assert_int_equal(obs.ct.key.zone_scope, ZONE_ORIGINAL);
	put_tcp_tuples(begin(&message, IPCTNL_MSG_CT_NEW, 0), 0, 9);
	assert_int_equal(parse_message(&obs, &message), 0);
	assert_int_equal(obs.ct.key.zone, 9);
	assert_int_equal(obs.ct.key.zone_scope, ZONE_REPLY);
}

static void reads_icmp_of_both_families(void **state)
{
	struct nlmsghdr *header;
	struct message message;
	struct nlattr *tuple;
	struct obs obs;
	int is_v6;

	for (is_v6 = 0; is_v6 < 2; is_v6++) {
		header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
		tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
		if (is_v6)
			put_ip(header, "2001:db8::1", "2001:db8::2");
		else
			put_ip(header, "192.0.2.1", "192.0.2.2");
		put_icmp(header, is_v6, is_v6 ? 128 : 8, 4711);
		mnl_attr_nest_end(header, tuple);
		assert_int_equal(parse_message(&obs, &message), 0);
		assert_int_equal(obs.ct.key.orig.icmp_type, is_v6 ? 128 : 8);
		assert_int_equal(ntohs(obs.ct.key.orig.port_be[INITIATOR]), 4711);
		assert_int_equal(obs.ct.key.orig.port_be[RESPONDER], 0);
		assert_int_equal(addr_is_v4(&obs.ct.key.orig.addr[INITIATOR]), !is_v6);
	}
}

static void reads_the_narrow_counters_of_old_kernels(void **state)
{
	struct nlmsghdr *header;
	struct message message;
	struct nlattr *nest;
	struct obs obs;
	int side;

	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	put_tcp_tuples(header, 0, 0);
	for (side = 0; side < 2; side++) {
		nest = mnl_attr_nest_start(header, side ? CTA_COUNTERS_REPLY : CTA_COUNTERS_ORIG);
		mnl_attr_put_u32(header, CTA_COUNTERS32_PACKETS, htonl(7));
		mnl_attr_put_u32(header, CTA_COUNTERS32_BYTES, htonl(4294967295U));
		mnl_attr_nest_end(header, nest);
	}
	assert_int_equal(parse_message(&obs, &message), 0);
	assert_true(obs.ct.has & CT_COUNTERS);
	assert_int_equal(obs.ct.packets[RESPONDER], 7);
	assert_int_equal(obs.ct.bytes[INITIATOR], 4294967295U);
}

static void has_no_counters_when_one_direction_lacks_them(void **state)
{
	struct nlmsghdr *header;
	struct message message;
	struct obs obs;

	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	put_tcp_tuples(header, 0, 0);
	put_counters(header, CTA_COUNTERS_ORIG, 1, 60);
	assert_int_equal(parse_message(&obs, &message), 0);
	assert_false(obs.ct.has & CT_COUNTERS);
}

static void passes_over_what_is_not_about_an_entry(void **state)
{
	struct message message;
	struct obs obs;

	begin(&message, IPCTNL_MSG_CT_GET_STATS, 0);
	assert_int_equal(parse_message(&obs, &message), -ENOMSG);
	begin(&message, IPCTNL_MSG_CT_NEW, 0)->nlmsg_type = NLMSG_DONE;
	assert_int_equal(parse_message(&obs, &message), -ENOMSG);
	begin(&message, IPCTNL_MSG_CT_NEW, 0)->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8;
	assert_int_equal(parse_message(&obs, &message), -ENOMSG);
}

static void refuses_an_entry_without_addresses_or_protocol(void **state)
{
	struct nlmsghdr *header;
	struct message message;
	struct nlattr *tuple;
	struct obs obs;

	begin(&message, IPCTNL_MSG_CT_NEW, 0);
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);

	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
	put_ports(header, IPPROTO_UDP, 1, 2);
	mnl_attr_nest_end(header, tuple);
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);

	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
	put_ip(header, "192.0.2.1", "192.0.2.2");
	mnl_attr_nest_end(header, tuple);
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);
}

/* The first n bytes end behind a whole attribute, or in its padding. */
static bool is_between_attributes(const struct message *message, uint32_t n)
{
	size_t at = NLMSG_LENGTH(sizeof(struct nfgenmsg)), end;

	while (at < message->header.nlmsg_len) {
		end = at + ((const struct nlattr *)(const void *)(message->bytes + at))->nla_len;
		at = MNL_ALIGN(end);
		if (n >= end && n <= at)
			return true;
	}
	return false;
}

/* Cut anywhere, with the header's length left alone and with it corrected. */
static void survives_being_cut_at_every_byte(void **state)
{
	struct message message, cut;
	struct obs obs;
	uint32_t n;

	build_full(&message);
	for (n = 0; n < message.header.nlmsg_len; n++) {
		assert_int_equal(parse(&obs, message.bytes, n), -EBADMSG);
		if (n < sizeof(struct nlmsghdr))
			continue;
		cut = message;
		cut.header.nlmsg_len = n;
		/* whole attributes may be missing, never parts of one */
		assert_int_equal(parse(&obs, cut.bytes, n),
				 is_between_attributes(&message, n) ? 0 : -EBADMSG);
	}
}

/* Each 16-bit word in turn becomes each of the lengths that hurt. */
static void survives_every_length_that_lies(void **state)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 5, 7, 8, 0x7fff, 0x8000, 0xfffc, 0xffff };
	struct message message, hostile;
	struct obs obs;
	size_t i, at;
	int r;

	build_full(&message);
	for (at = sizeof(struct nlmsghdr); at < message.header.nlmsg_len; at += 2) {
		for (i = 0; i < ARRAY_LEN(lies); i++) {
			hostile = message;
			memcpy(hostile.bytes + at, &lies[i], sizeof(lies[i]));
			r = parse_message(&obs, &hostile);
			assert_true(r == 0 || r == -EBADMSG);
		}
	}
}

/* An inner attribute that claims more than its nest, inside the message. */
static void refuses_an_inner_length_beyond_its_nest(void **state)
{
	struct nlattr *tuple, *ip, *inner;
	struct nlmsghdr *header;
	struct message message;
	struct obs obs;

	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	tuple = mnl_attr_nest_start(header, CTA_TUPLE_ORIG);
	ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
	inner = mnl_nlmsg_get_payload_tail(header);
	mnl_attr_put_u32(header, CTA_IP_V4_SRC, 1);
	mnl_attr_put_u32(header, CTA_IP_V4_DST, 2);
	mnl_attr_nest_end(header, ip);
	put_ports(header, IPPROTO_TCP, 1, 2);
	mnl_attr_nest_end(header, tuple);
	assert_int_equal(parse_message(&obs, &message), 0);
	inner->nla_len = 40;
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);
	inner->nla_len = 3;
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);
}

static void refuses_a_known_attribute_of_a_wrong_size(void **state)
{
	static const uint16_t types[] = { CTA_STATUS, CTA_TIMEOUT, CTA_MARK, CTA_ZONE };
	static const uint8_t bytes[24] = { 0 };
	struct nlmsghdr *header;
	struct message message;
	struct obs obs;
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
		put_tcp_tuples(header, 0, 0);
		mnl_attr_put(header, types[i], 3, bytes);
		assert_int_equal(parse_message(&obs, &message), -EBADMSG);
	}
	header = begin(&message, IPCTNL_MSG_CT_NEW, 0);
	put_tcp_tuples(header, 0, 0);
	mnl_attr_put(header, CTA_LABELS, 24, bytes);
	assert_int_equal(parse_message(&obs, &message), -EBADMSG);
}

static void leaves_no_byte_of_a_key_undefined(void **state)
{
	struct message message;
	struct obs x, y;

	build_full(&message);
	memset(&x, 0x55, sizeof(x));
	memset(&y, 0xaa, sizeof(y));
	assert_int_equal(parse_message(&x, &message), 0);
	assert_int_equal(parse_message(&y, &message), 0);
	assert_memory_equal(&x.ct.key, &y.ct.key, sizeof(x.ct.key));
	assert_memory_equal(&x.ct.reply, &y.ct.reply, sizeof(x.ct.reply));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything_a_tcp_entry_has),
		cmocka_unit_test(tells_a_beginning_an_update_and_an_end_apart),
		cmocka_unit_test(keeps_a_zone_of_one_direction_apart_from_one_of_both),
		cmocka_unit_test(reads_icmp_of_both_families),
		cmocka_unit_test(reads_the_narrow_counters_of_old_kernels),
		cmocka_unit_test(has_no_counters_when_one_direction_lacks_them),
		cmocka_unit_test(passes_over_what_is_not_about_an_entry),
		cmocka_unit_test(refuses_an_entry_without_addresses_or_protocol),
		cmocka_unit_test(survives_being_cut_at_every_byte),
		cmocka_unit_test(survives_every_length_that_lies),
		cmocka_unit_test(refuses_an_inner_length_beyond_its_nest),
		cmocka_unit_test(refuses_a_known_attribute_of_a_wrong_size),
		cmocka_unit_test(leaves_no_byte_of_a_key_undefined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
