// SPDX-License-Identifier: Apache-2.0
/* The lines themselves: columns of fixed width, addresses as they lie in memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "encode/nettracer.h"

/* IPv4 as a little-endian word, as that tool printed it: 10.1.168.192 is C0A8010A
 * backwards; IPv6 as its sixteen bytes. */
static void put_addr(char ret[40], const struct addr *addr)
{
	const uint8_t *byte = addr->byte;

	if (addr_is_v4(addr)) {
		snprintf(ret, 40, "%02X%02X%02X%02X", byte[15], byte[14], byte[13], byte[12]);
		return;
	}
	for (int i = 0; i < 16; i++)
		snprintf(ret + 2 * i, 3, "%02X", byte[i]);
}

void nettracer_put_hex(struct buf *buf, const struct nettracer_line *line)
{
	char local[40], remote[40];
	const int family = !addr_is_v4(&line->addr[0]);

	put_addr(local, &line->addr[0]);
	put_addr(remote, &line->addr[1]);
	buf_printf(buf, "%12llu %d %s %04X %d %s %04X %12u%12u %d%d%d ",
		   (unsigned long long)line->now_s, family, local, line->port[0], family, remote,
		   line->port[1], line->pid, line->netns, line->is_established,
		   line->is_accepted, line->is_closed);
	buf_printf(buf, "%22llu%22llu%22llu%22llu%22llu%12u%12u",
		   (unsigned long long)line->bytes[0], (unsigned long long)line->bytes[1],
		   (unsigned long long)line->packets[0], (unsigned long long)line->packets[1],
		   (unsigned long long)line->retransmitted, line->rtt_us, line->rtt_var_us);
	if (line->is_established)
		buf_printf(buf, "%16llu%9llu", (unsigned long long)line->start_s,
			   (unsigned long long)line->duration_s);
	buf_putc(buf, '\n');
}

static int parse_addr(struct addr *ret, int family, const char *text)
{
	const size_t n = family ? 16 : 4;
	uint8_t byte[16];
	unsigned value;

	if (strlen(text) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (sscanf(text + 2 * i, "%2x", &value) != 1)
			return -EINVAL;
		byte[family ? i : 3 - i] = (uint8_t)value;
	}
	if (family)
		addr_from_v6(ret, byte);
	else
		addr_from_v4(ret, byte);
	return 0;
}

int nettracer_parse_hex(struct nettracer_line *ret, const char *text, size_t n)
{
	unsigned long long now, counts[5], start = 0, duration = 0;
	char copy[320], local[40], remote[40], state[4];
	unsigned port[2];
	int family, fields;

	if (n >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*ret = (struct nettracer_line){ 0 };
	fields = sscanf(copy,
			"%llu %d %39s %x %*d %39s %x %u %u %3s "
			"%llu %llu %llu %llu %llu %u %u %llu %llu",
			&now, &family, local, &port[0], remote, &port[1], &ret->pid, &ret->netns,
			state, &counts[0], &counts[1], &counts[2], &counts[3], &counts[4],
			&ret->rtt_us, &ret->rtt_var_us, &start, &duration);
	if (fields != 16 && fields != 18)
		return -EINVAL;
	if (parse_addr(&ret->addr[0], family, local) < 0 ||
	    parse_addr(&ret->addr[1], family, remote) < 0)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		ret->port[i] = (uint16_t)port[i];
		ret->bytes[i] = counts[i];
		ret->packets[i] = counts[2 + i];
	}
	ret->now_s = now;
	ret->retransmitted = counts[4];
	ret->is_established = state[0] == '1';
	ret->is_accepted = state[1] == '1';
	ret->is_closed = state[2] == '1';
	ret->start_s = start;
	ret->duration_s = duration;
	return 0;
}

static void put_cell(struct buf *buf, unsigned width, const char *text)
{
	buf_printf(buf, "%-*s%s", (int)width, text, strlen(text) < width ? "" : " ");
}

static void put_number(struct buf *buf, unsigned width, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put_cell(buf, width, text);
}

void nettracer_put_human(struct buf *buf, const struct nettracer_line *line, unsigned width)
{
	static const char *const titles[] = { "local address", "remote address", "pid",
					      "bytes sent", "bytes received", "rtt" };
	char address[ADDR_TEXT_SIZE], end[ADDR_TEXT_SIZE + 8];

	for (int i = 0; i < 6 && !line; i++)
		put_cell(buf, width, titles[i]);
	for (int i = 0; i < 2 && line; i++) {
		snprintf(end, sizeof(end), "%s:%u", addr_print(address, &line->addr[i]),
			 line->port[i]);
		put_cell(buf, width, end);
	}
	if (line) {
		put_number(buf, width, line->pid);
		put_number(buf, width, line->bytes[0]);
		put_number(buf, width, line->bytes[1]);
		put_number(buf, width, line->rtt_us);
	}
	buf_putc(buf, '\n');
}
