/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_ADDR_H
#define WEIR_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define ADDR_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

/* An IP address, in network byte order. IPv4 is kept as ::ffff:a.b.c.d
 * (RFC 4291 section 2.5.5.2), so that a mapped socket and its IPv4 packets are
 * the same address without a special case. */
struct addr {
	uint8_t byte[16];
};

/* A prefix: the first `bits` of 128 count (an IPv4 /24 is 96 + 24). */
struct addr_net {
	struct addr addr;
	uint8_t bits;
};

void addr_from_v4(struct addr *ret, const void *four_bytes);
void addr_from_v6(struct addr *ret, const void *sixteen_bytes);
bool addr_is_v4(const struct addr *addr);
bool addr_is_loopback(const struct addr *addr); /* 127.0.0.0/8, ::1 */
bool addr_is_unspecified(const struct addr *addr); /* 0.0.0.0, :: */
bool addr_is_group(const struct addr *addr); /* multicast, 255.255.255.255 */
bool addr_is_equal(const struct addr *x, const struct addr *y);
/* memcmp order: <0, 0, >0. */
int addr_compare(const struct addr *x, const struct addr *y);
bool addr_net_has(const struct addr_net *net, const struct addr *addr);

/* -EINVAL when the n bytes are not an address (dotted quad, RFC 4291 text). */
int addr_parse(struct addr *ret, const char *text, size_t n);
/* ADDRESS or ADDRESS/BITS; bits beyond the prefix are cleared. */
int addr_net_parse(struct addr_net *ret, const char *text, size_t n);
/* RFC 5952 text into the caller's ADDR_TEXT_SIZE bytes; returns ret. */
char *addr_print(char ret[ADDR_TEXT_SIZE], const struct addr *addr);
/* The same without the NUL, at most ADDR_TEXT_SIZE; returns its end. */
char *addr_put(char *at, const struct addr *addr);
void addr_append(struct buf *buf, const struct addr *addr);

#endif
