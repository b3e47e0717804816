// SPDX-License-Identifier: Apache-2.0
/*
 * Observations as text, one a line: "KIND ORIGIN at=… key=value …". What a
 * recording writes, a replay reads; bytes that would break the line are
 * percent-escaped. One table lists the members for both ways.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/obs.h"

enum member_type {
	MEMBER_U8, MEMBER_U16, MEMBER_U32, MEMBER_U64, MEMBER_BOOL,
	MEMBER_TIME, /* ns that fit 63 bits: differences of two are computed with a sign */
	MEMBER_TUPLE, MEMBER_ADDR, MEMBER_TEXT, MEMBER_LABELS,
};

struct member {
	const char *name;
	enum member_type type;
	size_t offset; /* into struct obs */
	size_t size;   /* of texts */
};

#define AT(member) offsetof(struct obs, member)

static const struct member ct_members[] = {
	{ "orig", MEMBER_TUPLE, AT(ct.key.orig), 0 },
	{ "netns", MEMBER_U32, AT(ct.key.netns), 0 },
	{ "zone", MEMBER_U16, AT(ct.key.zone), 0 },
	{ "scope", MEMBER_U8, AT(ct.key.zone_scope), 0 },
	{ "reply", MEMBER_TUPLE, AT(ct.reply), 0 },
	{ "has", MEMBER_U32, AT(ct.has), 0 },
	{ "mark", MEMBER_U32, AT(ct.mark), 0 },
	{ "status", MEMBER_U32, AT(ct.status), 0 },
	{ "timeout", MEMBER_U32, AT(ct.timeout_s), 0 },
	{ "bytes0", MEMBER_U64, AT(ct.bytes[0]), 0 },
	{ "bytes1", MEMBER_U64, AT(ct.bytes[1]), 0 },
	{ "packets0", MEMBER_U64, AT(ct.packets[0]), 0 },
	{ "packets1", MEMBER_U64, AT(ct.packets[1]), 0 },
	{ "start", MEMBER_TIME, AT(ct.start_wall_ns), 0 },
	{ "stop", MEMBER_TIME, AT(ct.stop_wall_ns), 0 },
	{ "state", MEMBER_U8, AT(ct.tcp_state), 0 },
	{ "labels", MEMBER_LABELS, AT(ct.labels), 0 },
	{ "may_be_old", MEMBER_BOOL, AT(may_be_old), 0 },
	{ NULL, MEMBER_U8, 0, 0 },
};

static const struct member socket_members[] = {
	{ "local", MEMBER_TUPLE, AT(socket.local), 0 },
	{ "netns", MEMBER_U32, AT(socket.netns), 0 },
	{ "uid", MEMBER_U32, AT(socket.uid), 0 },
	{ "cookie", MEMBER_U64, AT(socket.cookie), 0 },
	{ "inode", MEMBER_U32, AT(socket.inode), 0 },
	{ "state", MEMBER_U8, AT(socket.state), 0 },
	{ "role", MEMBER_U8, AT(socket.role), 0 },
	{ "has", MEMBER_U16, AT(socket.has), 0 },
	{ "sent", MEMBER_U64, AT(socket.payload_sent_bytes), 0 },
	{ "received", MEMBER_U64, AT(socket.payload_received_bytes), 0 },
	{ "segs_out", MEMBER_U64, AT(socket.segments_sent), 0 },
	{ "segs_in", MEMBER_U64, AT(socket.segments_received), 0 },
	{ "retrans", MEMBER_U32, AT(socket.retransmitted_segments), 0 },
	{ "srtt", MEMBER_U32, AT(socket.srtt_us), 0 },
	{ "rttvar", MEMBER_U32, AT(socket.rttvar_us), 0 },
	{ "min_rtt", MEMBER_U32, AT(socket.min_rtt_us), 0 },
	{ "cwnd", MEMBER_U32, AT(socket.cwnd), 0 },
	{ "rwnd_limited", MEMBER_U64, AT(socket.rwnd_limited_us), 0 },
	{ "sndbuf_limited", MEMBER_U64, AT(socket.sndbuf_limited_us), 0 },
	{ "connect", MEMBER_U32, AT(socket.connect_us), 0 },
	{ "error", MEMBER_U32, AT(socket.error), 0 },
	{ "may_be_old", MEMBER_BOOL, AT(may_be_old), 0 },
	{ NULL, MEMBER_U8, 0, 0 },
};

static const struct member owner_members[] = {
	{ "cookie", MEMBER_U64, AT(owner.cookie), 0 },
	{ "pid", MEMBER_U32, AT(owner.owner.pid), 0 },
	{ "uid", MEMBER_U32, AT(owner.owner.uid), 0 },
	{ "guess", MEMBER_BOOL, AT(owner.guess), 0 },
	{ "comm", MEMBER_TEXT, AT(owner.owner.comm), OWNER_COMM_SIZE },
	{ "exe", MEMBER_TEXT, AT(owner.owner.exe), OWNER_PATH_SIZE },
	{ "cgroup", MEMBER_TEXT, AT(owner.owner.cgroup), OWNER_PATH_SIZE },
	{ "container", MEMBER_TEXT, AT(owner.owner.container), OWNER_CONTAINER_SIZE },
	{ NULL, MEMBER_U8, 0, 0 },
};

static const struct member address_members[] = {
	{ "addr", MEMBER_ADDR, AT(address.addr), 0 },
	{ "netns", MEMBER_U32, AT(address.netns), 0 },
	{ NULL, MEMBER_U8, 0, 0 },
};

static const struct member sweep_members[] = {
	{ "netns", MEMBER_U32, AT(sweep.netns), 0 },
	{ "gone", MEMBER_BOOL, AT(sweep.gone), 0 },
	{ "still_empty", MEMBER_BOOL, AT(sweep.still_empty), 0 },
	{ "tcp_only", MEMBER_BOOL, AT(sweep.tcp_only), 0 },
	{ "udp_only", MEMBER_BOOL, AT(sweep.udp_only), 0 },
	{ "moved_only", MEMBER_BOOL, AT(sweep.moved_only), 0 },
	{ "began", MEMBER_TIME, AT(sweep.began_boot_ns), 0 },
	{ "owners", MEMBER_TIME, AT(sweep.owners_boot_ns), 0 },
	{ NULL, MEMBER_U8, 0, 0 },
};

static const char *const kind_names[] = {
	[OBS_OPEN] = "open",   [OBS_BASELINE] = "baseline", [OBS_SAMPLE] = "sample",
	[OBS_CLOSE] = "close", [OBS_OWNER] = "owner",       [OBS_ADDRESS] = "address",
	[OBS_SWEEP] = "sweep",
};

static const char *const origin_names[] = {
	[ORIGIN_CONNTRACK] = "conntrack", [ORIGIN_SOCKET] = "socket",
	[ORIGIN_ADDRESS] = "address",
};

static const struct member *members_of(const struct obs *obs)
{
	switch (obs->kind) {
	case OBS_OWNER:
		return owner_members;
	case OBS_ADDRESS:
		return address_members;
	case OBS_SWEEP:
		return sweep_members;
	default:
		return obs->origin == ORIGIN_CONNTRACK ? ct_members : socket_members;
	}
}

static uint64_t integer_at(enum member_type type, const void *value)
{
	switch (type) {
	case MEMBER_U8:
		return *(const uint8_t *)value;
	case MEMBER_BOOL:
		return *(const bool *)value;
	case MEMBER_U16:
		return *(const uint16_t *)value;
	case MEMBER_U32:
		return *(const uint32_t *)value;
	default:
		return *(const uint64_t *)value;
	}
}

static void append_escaped(struct buf *buf, const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text > 0x20 && (unsigned char)*text < 0x7f && *text != '%')
			buf_putc(buf, *text);
		else
			buf_printf(buf, "%%%02x", (unsigned char)*text);
	}
}

/* ADDR,PORT,ADDR,PORT,PROTO,TYPE,CODE */
static void append_tuple(struct buf *buf, const struct tuple *tuple)
{
	for (enum side side = 0; side < SIDES; side++) {
		addr_append(buf, &tuple->addr[side]);
		buf_printf(buf, ",%u,", ntohs(tuple->port_be[side]));
	}
	buf_printf(buf, "%u,%u,%u", tuple->proto, tuple->icmp_type, tuple->icmp_code);
}

static void append_member(struct buf *buf, const struct member *member, const void *value)
{
	buf_printf(buf, " %s=", member->name);
	switch (member->type) {
	case MEMBER_TUPLE:
		append_tuple(buf, value);
		break;
	case MEMBER_ADDR:
		addr_append(buf, value);
		break;
	case MEMBER_TEXT:
		append_escaped(buf, value);
		break;
	case MEMBER_LABELS:
		for (int i = 0; i < 16; i++)
			buf_hex64(buf, ((const uint8_t *)value)[i], 2);
		break;
	default:
		buf_u64(buf, integer_at(member->type, value));
		break;
	}
}

static bool is_zero(const void *value, size_t n)
{
	const char *bytes = value;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static size_t member_size(const struct member *member)
{
	switch (member->type) {
	case MEMBER_U8:
	case MEMBER_BOOL:
		return 1;
	case MEMBER_U16:
		return 2;
	case MEMBER_U32:
		return 4;
	case MEMBER_U64:
	case MEMBER_TIME:
		return 8;
	case MEMBER_TUPLE:
		return sizeof(struct tuple);
	case MEMBER_ADDR:
	case MEMBER_LABELS:
		return 16;
	case MEMBER_TEXT:
		return 1; /* empty when it begins with NUL */
	}
	return 0;
}

void obs_append_text(struct buf *buf, const struct obs *obs)
{
	const struct member *member;

	buf_printf(buf, "%s %s at=%llu", kind_names[obs->kind], origin_names[obs->origin],
		   (unsigned long long)obs->at_boot_ns);
	for (member = members_of(obs); member->name; member++) {
		const void *value = (const char *)obs + member->offset;

		if (!is_zero(value, member_size(member)))
			append_member(buf, member, value);
	}
}

static int parse_integer(const struct member *member, void *value, const char *text, size_t n)
{
	static const uint64_t most[] = { [MEMBER_U8] = UINT8_MAX, [MEMBER_U16] = UINT16_MAX,
					 [MEMBER_U32] = UINT32_MAX, [MEMBER_U64] = UINT64_MAX,
					 [MEMBER_BOOL] = 1, [MEMBER_TIME] = INT64_MAX };
	uint64_t number;

	if (num_parse_u64(&number, text, n) < 0 || number > most[member->type])
		return member->type == MEMBER_TIME ? -ERANGE : -EINVAL;
	switch (member->type) {
	case MEMBER_U8:
		*(uint8_t *)value = (uint8_t)number;
		return 0;
	case MEMBER_BOOL:
		*(bool *)value = number;
		return 0;
	case MEMBER_U16:
		*(uint16_t *)value = (uint16_t)number;
		return 0;
	case MEMBER_U32:
		*(uint32_t *)value = (uint32_t)number;
		return 0;
	default:
		*(uint64_t *)value = number;
		return 0;
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex_byte(const char *text)
{
	const int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

static int parse_text(char *ret, size_t size, const char *text, size_t n)
{
	size_t length = 0;
	int byte;

	for (size_t i = 0; i < n; i++) {
		if (length == size - 1)
			return -EINVAL;
		if (text[i] != '%') {
			ret[length++] = text[i];
			continue;
		}
		byte = n - i > 2 ? parse_hex_byte(text + i + 1) : -1;
		if (byte <= 0)
			return -EINVAL;
		ret[length++] = (char)byte;
		i += 2;
	}
	memset(ret + length, 0, size - length);
	return 0;
}

static int parse_labels(uint8_t *ret, const char *text, size_t n)
{
	int byte;

	if (n != 32)
		return -EINVAL;
	for (int i = 0; i < 16; i++) {
		byte = parse_hex_byte(text + 2 * i);
		if (byte < 0)
			return -EINVAL;
		ret[i] = (uint8_t)byte;
	}
	return 0;
}

static int parse_tuple(struct tuple *ret, const char *text, size_t n)
{
	const char *end = text + n;
	uint64_t number;

	memset(ret, 0, sizeof(*ret));
	for (int part = 0; part < 7; part++) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const size_t length = (size_t)((comma ? comma : end) - text);

		if (!comma != (part == 6))
			return -EINVAL;
		if (part == 0 || part == 2) {
			if (addr_parse(&ret->addr[part / 2], text, length) < 0)
				return -EINVAL;
		} else if (num_parse_u64(&number, text, length) < 0 ||
			   number > (part < 4 ? UINT16_MAX : UINT8_MAX)) {
			return -EINVAL;
		} else if (part < 4) {
			ret->port_be[part / 2] = htons((uint16_t)number);
		} else {
			uint8_t *const last[] = { &ret->proto, &ret->icmp_type, &ret->icmp_code };

			*last[part - 4] = (uint8_t)number;
		}
		text += length + 1;
	}
	return 0;
}

static int parse_member(const struct member *member, void *value, const char *text, size_t n)
{
	switch (member->type) {
	case MEMBER_TUPLE:
		return parse_tuple(value, text, n);
	case MEMBER_ADDR:
		return addr_parse(value, text, n);
	case MEMBER_TEXT:
		return parse_text(value, member->size, text, n);
	case MEMBER_LABELS:
		return parse_labels(value, text, n);
	default:
		return parse_integer(member, value, text, n);
	}
}

static int name_of(const char *const *names, size_t count, const char *text, size_t n)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == n && !memcmp(names[i], text, n))
			return (int)i;
	}
	return -1;
}

static int parse_pair(struct obs *ret, const char *word, size_t n)
{
	static const struct member at = { "at", MEMBER_TIME, offsetof(struct obs, at_boot_ns), 0 };
	const char *equal = memchr(word, '=', n);
	const struct member *member = members_of(ret);
	size_t name, rest;

	if (!equal)
		return -EINVAL;
	name = (size_t)(equal - word);
	rest = n - name - 1;
	if (name == 2 && !memcmp(word, "at", 2))
		return parse_member(&at, (char *)ret + at.offset, equal + 1, rest);
	for (; member->name; member++) {
		if (strlen(member->name) == name && !memcmp(member->name, word, name))
			return parse_member(member, (char *)ret + member->offset, equal + 1, rest);
	}
	return -EINVAL;
}

int obs_parse_text(struct obs *ret, const char *line, struct why *why)
{
	const char *word = line;
	int index = 0, kind = -1, origin = -1;

	memset(ret, 0, sizeof(*ret));
	for (;; index++) {
		size_t n;
		int r = 0;

		word += strspn(word, " \n");
		n = strcspn(word, " \n");
		if (!n)
			break;
		if (index == 0) {
			kind = name_of(kind_names, ARRAY_LEN(kind_names), word, n);
			ret->kind = (uint8_t)kind;
		} else if (index == 1) {
			origin = name_of(origin_names, ARRAY_LEN(origin_names), word, n);
			ret->origin = (uint8_t)origin;
		}
		if (kind < 0 || (index && origin < 0))
			r = -EINVAL;
		else if (index > 1)
			r = parse_pair(ret, word, n);
		if (r < 0)
			return why_set(why, -EINVAL, "column %zu: %s \"%.*s\"",
				       (size_t)(word - line) + 1, r == -ERANGE ?
				       "no time from 0 to 2^63-1 ns:" : "cannot read",
				       (int)(n < 80 ? n : 80), word);
		word += n;
	}
	if (index < 2)
		return why_set(why, -EINVAL, "a line wants a kind and an origin");
	return 0;
}
