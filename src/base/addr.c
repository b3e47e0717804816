// SPDX-License-Identifier: Apache-2.0
/* IP addresses: one form for both families, so that nothing above asks which. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void addr_from_v4(struct addr *ret, const void *four_bytes)
{
	memcpy(ret->byte, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret->byte + 12, four_bytes, 4);
}

void addr_from_v6(struct addr *ret, const void *sixteen_bytes)
{
	memcpy(ret->byte, sixteen_bytes, 16);
}

bool addr_is_v4(const struct addr *addr)
{
	return !memcmp(addr->byte, mapped_prefix, sizeof(mapped_prefix));
}

bool addr_is_loopback(const struct addr *addr)
{
	static const struct addr loopback6 = { .byte = { [15] = 1 } };

	if (addr_is_v4(addr))
		return addr->byte[12] == 127;
	return addr_is_equal(addr, &loopback6);
}

bool addr_is_unspecified(const struct addr *addr)
{
	static const uint8_t zero[16];

	if (addr_is_v4(addr))
		return !memcmp(addr->byte + 12, zero, 4);
	return !memcmp(addr->byte, zero, sizeof(zero));
}

bool addr_is_group(const struct addr *addr)
{
	static const uint8_t everybody[4] = { 255, 255, 255, 255 };

	if (addr_is_v4(addr))
		return addr->byte[12] >> 4 == 14 || !memcmp(addr->byte + 12, everybody, 4);
	return addr->byte[0] == 255;
}

bool addr_is_equal(const struct addr *x, const struct addr *y)
{
	return !memcmp(x, y, sizeof(*x));
}

int addr_compare(const struct addr *x, const struct addr *y)
{
	return memcmp(x, y, sizeof(*x));
}

bool addr_net_has(const struct addr_net *net, const struct addr *addr)
{
	const unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->addr.byte, addr->byte, whole))
		return false;
	return !rest || (net->addr.byte[whole] ^ addr->byte[whole]) >> (8 - rest) == 0;
}

int addr_parse(struct addr *ret, const char *text, size_t n)
{
	char copy[ADDR_TEXT_SIZE];
	uint8_t bytes[16];

	if (!n || n >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strlen(copy) != n)
		return -EINVAL;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		addr_from_v4(ret, bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		addr_from_v6(ret, bytes);
	else
		return -EINVAL;
	return 0;
}

int addr_net_parse(struct addr_net *ret, const char *text, size_t n)
{
	const char *slash = memchr(text, '/', n);
	struct addr_net net;
	uint64_t bits, most;
	int r;

	r = addr_parse(&net.addr, text, slash ? (size_t)(slash - text) : n);
	if (r < 0)
		return r;
	/* what was written as IPv6 counts its bits from the front */
	most = memchr(text, ':', slash ? (size_t)(slash - text) : n) ? 128 : 32;
	bits = most;
	if (slash) {
		r = num_parse_u64(&bits, slash + 1, n - (size_t)(slash - text) - 1);
		if (r < 0 || bits > most)
			return -EINVAL;
	}
	net.bits = (uint8_t)(bits + 128 - most);
	for (unsigned i = net.bits; i < 128; i++)
		net.addr.byte[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	*ret = net;
	return 0;
}

static char *put_octet(char *at, unsigned octet)
{
	if (octet >= 100) {
		*at++ = (char)('0' + octet / 100);
		octet %= 100;
		*at++ = (char)('0' + octet / 10);
	} else if (octet >= 10) {
		*at++ = (char)('0' + octet / 10);
	}
	*at++ = (char)('0' + octet % 10);
	return at;
}

static char *put_v4(char *at, const uint8_t *bytes)
{
	for (int i = 0; i < 4; i++) {
		at = put_octet(at, bytes[i]);
		*at++ = '.';
	}
	return at - 1;
}

static char *put_group(char *at, unsigned group)
{
	static const char hex[] = "0123456789abcdef";
	int shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*at++ = hex[group >> shift & 15];
	return at;
}

/* RFC 5952: lower case, no leading zeros, the first longest run of two or more
 * zero groups as "::". */
static char *put_v6(char *at, const uint8_t *bytes)
{
	int run = -1, run_length = 1, length, i;
	unsigned group[8];

	for (i = 0; i < 8; i++)
		group[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	for (i = 0; i < 8; i += length + 1) {
		for (length = 0; i + length < 8 && !group[i + length];)
			length++;
		if (length > run_length) {
			run = i;
			run_length = length;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == run) {
			*at++ = ':';
			*at++ = ':';
			i += run_length - 1;
			continue;
		}
		if (i && (run < 0 || i != run + run_length))
			*at++ = ':';
		at = put_group(at, group[i]);
	}
	return at;
}

char *addr_put(char *at, const struct addr *addr)
{
	return addr_is_v4(addr) ? put_v4(at, addr->byte + 12) : put_v6(at, addr->byte);
}

char *addr_print(char ret[ADDR_TEXT_SIZE], const struct addr *addr)
{
	*addr_put(ret, addr) = '\0';
	return ret;
}

void addr_append(struct buf *buf, const struct addr *addr)
{
	char *at = buf_reserve(buf, ADDR_TEXT_SIZE);

	if (at)
		buf->len += (size_t)(addr_put(at, addr) - at);
}
