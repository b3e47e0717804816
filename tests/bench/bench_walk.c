// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to read N conntrack entries: the walk, by either way of reading
 * kernel memory, and a ctnetlink dump, whose messages are parsed. Nothing is done with
 * what was read. CPU time of this thread, the best of some rounds.
 *
 * It runs in a network namespace of its own and fills it with UDP packets over the
 * loopback, many ports and addresses: ctnetlink inserts would carry no counters.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/why.h"
#include "sample.h"
#include "source/ct_socket.h"
#include "source/ct_walker.h"
#include "source/track.h"

#define ROUNDS 3
#define PORTS_PER_ADDRESS 50000U
#define FIRST_PORT 10000U

static char part[CT_WALKER_PART_BYTES] __attribute__((aligned(8)));

static void die(const char *what)
{
	fprintf(stderr, "bench_walk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	close(fd);
}

static struct sockaddr_in address_of(uint32_t host, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(0x7f000000U + host) };
}

/* One datagram from each port: a flow each. Nobody reads them. */
static void make_flows(unsigned flows)
{
	const struct sockaddr_in sink = address_of(1, 9);
	const int drain = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in from;
	char byte = 0;

	if (drain < 0 || bind(drain, (const struct sockaddr *)&sink, sizeof(sink)) < 0)
		die("a sink");
	for (unsigned i = 0; i < flows; i++) {
		const int fd = socket(AF_INET, SOCK_DGRAM, 0);

		from = address_of(2 + i / PORTS_PER_ADDRESS,
				  (uint16_t)(FIRST_PORT + i % PORTS_PER_ADDRESS));
		if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0 ||
		    sendto(fd, &byte, 1, 0, (const struct sockaddr *)&sink, sizeof(sink)) < 0)
			die("a flow");
		close(fd);
	}
	close(drain);
}

static void keep_longer(void)
{
	if (fs_write_text("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", "600") < 0 ||
	    fs_write_text("/proc/sys/net/netfilter/nf_conntrack_acct", "1") < 0)
		die("conntrack's switches");
}

static void print(const char *name, unsigned flows, uint64_t cpu_ns, const char *target)
{
	char text[64];

	snprintf(text, sizeof(text), "%s_%uk_flows", name, flows / 1000);
	sample_print(text, (double)cpu_ns / flows, "ns/flow", target);
}

static uint64_t walk_once(struct ct_walker *walker, uint64_t *entries)
{
	const uint64_t began_ns = clock_thread_cpu_ns();
	ssize_t n;

	*entries = 0;
	if (ct_walker_begin(walker) < 0)
		die("a pass");
	while ((n = ct_walker_read(walker, part, sizeof(part))) > 0)
		*entries += (size_t)n / 192;
	if (n < 0)
		die("reading a pass");
	return clock_thread_cpu_ns() - began_ns;
}

static uint64_t bench_walk(enum ct_walker_way way, unsigned flows, const char *name,
			   const char *target)
{
	uint64_t best_ns = UINT64_MAX, cpu_ns, entries;
	struct ct_walker *walker;
	struct why why = { "" };

	if (ct_walker_new(&walker, way, 0, &why) < 0) {
		printf("# SKIP %s: %s\n", name, why.text);
		return 0;
	}
	for (int i = 0; i < ROUNDS; i++) {
		cpu_ns = walk_once(walker, &entries);
		if (entries < flows)
			printf("# %s showed %llu of %u\n", name, (unsigned long long)entries,
			       flows);
		if (cpu_ns < best_ns)
			best_ns = cpu_ns;
	}
	if (way == CT_WALKER_BEST || way == CT_WALKER_CAST)
		sample_print("walk_kernel_memory", (double)ct_walker_map_bytes(walker) / 1024,
			     "KiB", "<= 12288");
	ct_walker_free(walker);
	print(name, flows, best_ns, target);
	return best_ns;
}

static void ignore(void *context, const struct obs *obs)
{
	++*(uint64_t *)context;
}

static uint64_t bench_dump(unsigned flows)
{
	uint64_t best_ns = UINT64_MAX, began_ns, cpu_ns, entries;
	const struct obs_outlet outlet = { ignore, &entries };
	struct why why = { "" };
	struct ct_inbox *inbox;
	const int fd = ct_socket_open(&why);

	if (fd < 0 || ct_inbox_new(&inbox, &outlet) < 0)
		die("ctnetlink");
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct ct_dump dump = { .fd = fd, .seq = i + 1, .netns = 1,
					      .kind = OBS_SAMPLE };
		bool interrupted = false;
		int r;

		entries = 0;
		began_ns = clock_thread_cpu_ns();
		if (ct_socket_request_dump(fd, i + 1) < 0)
			die("a dump");
		do
			r = ct_inbox_dump(inbox, &dump, &interrupted);
		while (r > 0);
		cpu_ns = clock_thread_cpu_ns() - began_ns;
		if (entries < flows)
			printf("# the dump showed %llu of %u\n", (unsigned long long)entries,
			       flows);
		if (cpu_ns < best_ns)
			best_ns = cpu_ns;
	}
	ct_inbox_free(inbox);
	close(fd);
	print("ctnetlink_dump", flows, best_ns, "-");
	return best_ns;
}

/* Keeps the entries until the standard input ends: for others to look at. */
static int hold(void)
{
	char byte;

	puts("held");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	const unsigned flows = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
	uint64_t cast_ns, read_ns, dump_ns;
	struct track *track;
	struct why why = { "" };

	raise_loopback();
	if (track_open_private(&track, &why) < 0) {
		fprintf(stderr, "bench_walk: %s\n", why.text);
		return 1;
	}
	keep_longer();
	make_flows(flows);
	if (argc > 2 && !strcmp(argv[2], "hold"))
		return hold();
	cast_ns = bench_walk(CT_WALKER_CAST, flows, "walk_by_cast", "<= 600");
	read_ns = bench_walk(CT_WALKER_READ, flows, "walk_by_read", "<= 900");
	dump_ns = bench_dump(flows);
	if (cast_ns)
		sample_print("dump_to_walk_by_cast", (double)dump_ns / (double)cast_ns, "times",
			     ">= 4");
	if (read_ns)
		sample_print("dump_to_walk_by_read", (double)dump_ns / (double)read_ns, "times",
			     ">= 3");
	track_close(track);
	return 0;
}
