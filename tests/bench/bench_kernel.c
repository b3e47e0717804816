// SPDX-License-Identifier: Apache-2.0
/*
 * bench_kernel [--collector PID] [--packet-probe] [--call-probe] [--count-runs] NAME
 * [KIND ...]: fixed traffic, or those kinds of it, and what it took, in a guest where a
 * nanosecond is an instruction (tests/vm/boot --deterministic). Lines of words:
 *
 *   NAME KIND cost COUNT NS OWN INSIDE NS-TO-REST ALL
 *     NS for COUNT of that kind, OWN of them this process's, with what the kernel did
 *     in its name, and INSIDE the collector's; once that was at rest again NS-TO-REST
 *     had passed, of which the collector had ALL
 *   NAME KIND runs COUNT PROGRAM RUNS NS
 *     of each BPF program that ran meanwhile; with --count-runs, which costs itself,
 *     and in place of the others
 *
 * Before each kind some of it passes that is not counted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "kernel_traffic.h"

/* bpftool 7.1 casts const away from the bytes of the object. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "call_probe.skel.h"
#include "packet_probe.skel.h"
#pragma GCC diagnostic pop

#define PROGRAMS_MAX 128
/* Runs are counted of a part of the traffic. */
#define RUNS_SHARE 4
/* Of both ends of each there is a socket. */
#define IDLE_CONNECTIONS 10000
/* By then they have been told of, and looked at several times. */
#define IDLE_RESTS 4
/* Looking at a collector that stands still takes half of this. */
#define LOOK_NS 100000
/* A collector that is told of something has done what follows by then. */
#define REST_NS (2 * NUM_NS_PER_S)

struct kind {
	const char *name;
	void (*make)(struct traffic *traffic, unsigned count);
	unsigned warm, count;
	bool goes_on; /* the next kind follows at once */
};

/* Ends belong to the begins before them. As many flows are made before as are counted:
 * the memory they take is not taken for the first time. Many show what one more takes. */
static const struct kind kinds[] = {
	{ "round_trip", traffic_round_trips, 100, 4000, false },
	{ "udp_echo", traffic_echoes, 100, 4000, false },
	{ "bulk", traffic_bulk, 8, 32, false },
	{ "connection", traffic_connections, 50, 1000, true },
	{ "connection_end", traffic_flush, 0, 1000, false },
	{ "flow", traffic_flows, 2000, 2000, true },
	{ "flow_end", traffic_flush, 0, 2000, false },
	{ "many_flows", traffic_flows, 8000, 8000, true },
	{ "many_flows_end", traffic_flush, 0, 8000, false },
	{ NULL },
};

struct run {
	uint32_t id;
	char name[BPF_OBJ_NAME_LEN];
	uint64_t runs, ns;
};

static const char *name;
static unsigned collector; /* its process, or 0 */
static struct run runs[PROGRAMS_MAX];
static unsigned programs;

/* What the collector's threads have had of the processor. */
static uint64_t collector_ns(void)
{
	char path[300];
	const struct dirent *entry;
	uint64_t sum = 0, ns;
	DIR *folder;
	FILE *file;

	if (!collector)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/task", collector);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%s/schedstat", collector,
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%lu", &ns) == 1)
			sum += ns;
		fclose(file);
	}
	if (folder)
		closedir(folder);
	return sum;
}

static void rest(void)
{
	poll(NULL, 0, REST_NS / NUM_NS_PER_MS);
}

/* What all have had by now. Begun anew where the collector had its turn meanwhile. */
struct look {
	uint64_t before_ns, own_before_ns, collector_ns, own_after_ns, after_ns;
};

static void look(struct look *ret)
{
	do {
		ret->before_ns = clock_mono_ns();
		ret->own_before_ns = clock_process_cpu_ns();
		ret->collector_ns = collector_ns();
		ret->own_after_ns = clock_process_cpu_ns();
		ret->after_ns = clock_mono_ns();
	} while (ret->after_ns - ret->before_ns > LOOK_NS);
}

static void measure(const struct kind *kind, struct traffic *traffic)
{
	static struct look began, ended, rested;
	static bool follows;

	/* what the collector does meanwhile is somebody's */
	if (follows)
		began = rested;
	else
		look(&began);
	if (kind->make)
		kind->make(traffic, kind->count);
	look(&ended);
	rested = ended;
	if (!kind->goes_on) {
		rest();
		look(&rested);
	}
	follows = kind->goes_on;
	printf("%s %s cost %u %lu %lu %lu %lu %lu\n", name, kind->name, kind->count,
	       ended.before_ns - began.after_ns, ended.own_before_ns - began.own_after_ns,
	       ended.collector_ns - began.collector_ns, rested.before_ns - began.after_ns,
	       rested.collector_ns - began.collector_ns);
}

static bool info_of(uint32_t id, struct bpf_prog_info *info)
{
	const int fd = bpf_prog_get_fd_by_id(id);
	uint32_t size = sizeof(*info);
	int r;

	if (fd < 0)
		return false;
	memset(info, 0, sizeof(*info));
	r = bpf_obj_get_info_by_fd(fd, info, &size);
	close(fd);
	return r == 0;
}

/* The programs that are loaded now, and how often they have run. */
static void look_at_programs(void)
{
	struct bpf_prog_info info;
	uint32_t id = 0;

	programs = 0;
	while (programs < PROGRAMS_MAX && bpf_prog_get_next_id(id, &id) == 0) {
		struct run *run = &runs[programs];

		if (!info_of(id, &info))
			continue;
		*run = (struct run){ id, "", info.run_cnt, info.run_time_ns };
		memcpy(run->name, info.name, sizeof(run->name));
		programs++;
	}
}

static void count_runs(const struct kind *kind, struct traffic *traffic)
{
	const unsigned count = kind->count / RUNS_SHARE;
	struct bpf_prog_info info;

	look_at_programs();
	if (kind->make)
		kind->make(traffic, count);
	else
		rest();
	for (unsigned i = 0; i < programs; i++)
		if (info_of(runs[i].id, &info) && info.run_cnt > runs[i].runs)
			printf("%s %s runs %u %s %lu %lu\n", name, kind->name, count,
			       runs[i].name, (uint64_t)info.run_cnt - runs[i].runs,
			       (uint64_t)info.run_time_ns - runs[i].ns);
	if (!kind->goes_on)
		rest();
}

static void die(const char *what)
{
	fprintf(stderr, "bench_kernel: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void probe_packets(void)
{
	struct packet_probe_bpf *probe = packet_probe_bpf__open_and_load();

	if (!probe || packet_probe_bpf__attach(probe) < 0)
		die("the packet probe");
}

static void probe_calls(void)
{
	struct call_probe_bpf *probe = call_probe_bpf__open_and_load();

	if (!probe || call_probe_bpf__attach(probe) < 0)
		die("the call probe");
}

static bool is_among(char **wanted, const char *kind)
{
	if (!*wanted)
		return true;
	while (*wanted)
		if (!strcmp(*wanted++, kind))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct kind at_rest = { .name = "rest", .count = RUNS_SHARE };
	const struct kind idle = { .name = "idle", .count = RUNS_SHARE };
	struct traffic *traffic;
	bool counts = false;
	char **wanted;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--collector") && i + 1 < argc)
			collector = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--packet-probe"))
			probe_packets();
		else if (!strcmp(argv[i], "--call-probe"))
			probe_calls();
		else if (!strcmp(argv[i], "--count-runs"))
			counts = true;
		else
			break;
	}
	if (!argv[i])
		return 2;
	name = argv[i];
	wanted = argv + i + 1;
	if (counts && bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		return 1;
	traffic = traffic_open();
	for (const struct kind *kind = kinds; kind->name; kind++) {
		if (!is_among(wanted, kind->name))
			continue;
		if (kind->warm) {
			kind->make(traffic, kind->warm);
			if (kind->goes_on)
				traffic_flush(traffic, 0);
			rest();
		}
		if (counts)
			count_runs(kind, traffic);
		else
			measure(kind, traffic);
	}
	if (counts) {
		count_runs(&at_rest, traffic);
		return 0;
	}
	measure(&at_rest, traffic);
	if (is_among(wanted, idle.name)) {
		traffic_idle(IDLE_CONNECTIONS);
		for (i = 0; i < IDLE_RESTS; i++)
			rest();
		measure(&idle, traffic);
	}
	return 0;
}
