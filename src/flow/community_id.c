// SPDX-License-Identifier: Apache-2.0
/*
 * Community ID version 1: SHA-1 over seed, addresses, protocol and ports in a
 * canonical order, in base64.
 */
#include "flow/community_id.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sha1.h>
#include <string.h>

#include "base/array.h"

/* The specification maps an ICMP query's type to its reply's, so that both
 * directions have the same pair of "ports"; other types are one-way. */
struct icmp_pair {
	uint8_t type, counterpart;
};

static const struct icmp_pair icmp4_pairs[] = {
	{ 8, 0 }, { 0, 8 }, { 13, 14 }, { 14, 13 }, { 15, 16 }, { 16, 15 },
	{ 10, 9 }, { 9, 10 }, { 17, 18 }, { 18, 17 },
};

static const struct icmp_pair icmp6_pairs[] = {
	{ 128, 129 }, { 129, 128 }, { 133, 134 }, { 134, 133 }, { 135, 136 }, { 136, 135 },
	{ 130, 131 }, { 131, 130 }, { 139, 140 }, { 140, 139 }, { 144, 145 }, { 145, 144 },
};

/* True when the flow has a reverse direction under the same id. */
static bool icmp_ports(const struct tuple *tuple, uint16_t port[2])
{
	const bool v4 = tuple->proto == IPPROTO_ICMP;
	const struct icmp_pair *pair = v4 ? icmp4_pairs : icmp6_pairs;
	const size_t n = v4 ? ARRAY_LEN(icmp4_pairs) : ARRAY_LEN(icmp6_pairs);

	port[0] = tuple->icmp_type;
	for (size_t i = 0; i < n; i++) {
		if (pair[i].type == tuple->icmp_type) {
			port[1] = pair[i].counterpart;
			return true;
		}
	}
	port[1] = tuple->icmp_code;
	return false;
}

static char *base64(char *at, const uint8_t *bytes, size_t n)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		const uint32_t group = (uint32_t)bytes[i] << 16 |
				       (i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0) |
				       (i + 2 < n ? bytes[i + 2] : 0);

		*at++ = digit[group >> 18];
		*at++ = digit[group >> 12 & 63];
		*at++ = i + 1 < n ? digit[group >> 6 & 63] : '=';
		*at++ = i + 2 < n ? digit[group & 63] : '=';
	}
	return at;
}

char *community_id_print(char ret[COMMUNITY_ID_SIZE], const struct tuple *tuple)
{
	const bool v4 = tuple_is_v4(tuple), icmp = proto_is_icmp(tuple->proto);
	const size_t skip = v4 ? 12 : 0, length = 16 - skip;
	uint16_t port[2] = { ntohs(tuple->port_be[0]), ntohs(tuple->port_be[1]) };
	uint8_t text[2 + 32 + 2 + 4] = { 0, 0 }, digest[SHA1_DIGEST_LENGTH];
	bool both_ways = true, swap;
	size_t n = 2; /* seed 0, 16 bits */
	SHA1_CTX sha1;
	int order;

	if (icmp)
		both_ways = icmp_ports(tuple, port);
	order = memcmp(tuple->addr[0].byte + skip, tuple->addr[1].byte + skip, length);
	swap = both_ways && (order > 0 || (order == 0 && port[0] > port[1]));
	for (int i = 0; i < 2; i++, n += length)
		memcpy(text + n, tuple->addr[swap ? !i : i].byte + skip, length);
	text[n++] = tuple->proto;
	text[n++] = 0;
	if (icmp || proto_has_ports(tuple->proto)) {
		for (int i = 0; i < 2; i++) {
			text[n++] = (uint8_t)(port[swap ? !i : i] >> 8);
			text[n++] = (uint8_t)port[swap ? !i : i];
		}
	}
	SHA1Init(&sha1);
	SHA1Update(&sha1, text, n);
	SHA1Final(digest, &sha1);
	memcpy(ret, "1:", 2);
	*base64(ret + 2, digest, sizeof(digest)) = '\0';
	return ret;
}
