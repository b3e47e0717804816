// SPDX-License-Identifier: Apache-2.0
/*
 * The flow table alone, with a million live flows: observations merged per second
 * of CPU time, memory that a flow takes, allocations made while observing.
 *
 * A third of the flows is TCP, a fifth IPv6, an eighth translated. Samples come
 * in an order that has nothing to do with the order in which flows came, as
 * conntrack's hash table gives them, and every one moves the counters.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/table.h"
#include "sample.h"

#define FLOWS 1000000U
#define SOCKET_FLOWS 250000U
#define ROUNDS 3
/* Prime, so that i * STEP % n visits every flow once. */
#define STEP 618033989ULL
/* OBS_OPEN, samples and closes are this far apart: what a busy host's beat is. */
#define BATCH 20000

/* --- allocations, by the linker's --wrap -------------------------------------- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

static uint64_t allocations;

void *__wrap_malloc(size_t bytes)
{
	allocations++;
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	allocations++;
	return __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	allocations++;
	return __real_realloc(old, bytes);
}

/* --- the observations --------------------------------------------------------- */

/* splitmix64: flow i has the same random tuple every time. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void tuple_of(struct tuple *ret, uint32_t i)
{
	const uint64_t random = mix(i);
	const uint32_t words[4] = { htonl(0xfd000000), (uint32_t)random, i, 1 };
	const uint32_t other[4] = { htonl(0x20010db8), (uint32_t)(random >> 32), i, 2 };

	memset(ret, 0, sizeof(*ret));
	if (i % 5) {
		addr_from_v4(&ret->addr[INITIATOR], &words[1]);
		addr_from_v4(&ret->addr[RESPONDER], &other[1]);
	} else {
		addr_from_v6(&ret->addr[INITIATOR], words);
		addr_from_v6(&ret->addr[RESPONDER], other);
	}
	ret->port_be[INITIATOR] = (uint16_t)(random >> 16);
	ret->port_be[RESPONDER] = htons(i % 3 ? 53 : 443);
	ret->proto = i % 3 ? IPPROTO_UDP : IPPROTO_TCP;
}

/* What a dump or a DESTROY tells. */
static void obs_of(struct obs *ret, enum obs_kind kind, uint32_t i, uint64_t at_boot_ns,
		   uint64_t packets)
{
	struct obs_ct *ct = &ret->ct;

	ret->kind = (uint8_t)kind;
	ret->origin = ORIGIN_CONNTRACK;
	ret->at_boot_ns = at_boot_ns;
	memset(ct, 0, sizeof(*ct));
	tuple_of(&ct->key.orig, i);
	ct->key.netns = 4026531840U;
	ct->reply = tuple_inverse(&ct->key.orig);
	if (i % 8 == 0)
		ct->reply.port_be[RESPONDER] ^= htons(1);
	ct->status = 14;
	ct->timeout_s = 120;
	ct->tcp_state = 3;
	ct->start_wall_ns = NUM_NS_PER_S + i;
	ct->has = CT_REPLY | CT_STATUS | CT_MARK | CT_TIMEOUT | CT_START;
	if (i % 3 == 0)
		ct->has |= CT_STATE;
	if (kind == OBS_OPEN)
		ct->has |= CT_EVENT;
	if (kind == OBS_OPEN)
		return;
	ct->has |= CT_COUNTERS;
	ct->bytes[0] = ct->bytes[1] = 1000 * packets;
	ct->packets[0] = ct->packets[1] = packets;
}

static void socket_of(struct obs *ret, uint32_t i, uint64_t at_boot_ns, uint64_t packets)
{
	struct obs_socket *socket = &ret->socket;

	ret->kind = OBS_SAMPLE;
	ret->origin = ORIGIN_SOCKET;
	ret->at_boot_ns = at_boot_ns;
	memset(socket, 0, sizeof(*socket));
	tuple_of(&socket->local, i);
	socket->netns = 4026531840U;
	socket->cookie = i + 1;
	socket->state = 1;
	socket->role = SOCKET_ROLE_CLIENT;
	socket->has = SOCKET_INFO | SOCKET_UID | SOCKET_TUPLE;
	socket->payload_sent_bytes = socket->payload_received_bytes = 900 * packets;
	socket->segments_sent = socket->segments_received = packets;
}

/* --- the bench ---------------------------------------------------------------- */

struct bench {
	struct table *table;
	uint64_t now_boot_ns;
	uint64_t records;
};

static void count_record(void *context, const struct record *record)
{
	struct bench *bench = context;

	bench->records += record->schema;
}

static int bench_open(struct bench *bench)
{
	const struct table_conf conf = {
		.max_flows = FLOWS,
		.max_sockets = FLOWS,
		.refresh_ns = 2 * NUM_NS_PER_S,
		.curve = curve_default,
		.index_seed = 42,
		.boot_seed = 43,
		.out = { .emit = count_record, .context = bench },
	};
	struct why why;

	*bench = (struct bench){ .now_boot_ns = NUM_NS_PER_S };
	if (table_new(&bench->table, &conf, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	return 0;
}

static uint64_t anonymous_bytes(void)
{
	char text[8192];
	const char *at;

	if (fs_read_text("/proc/self/status", text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "RssAnon:");
	return at ? 1024 * strtoull(at + 8, NULL, 10) : 0;
}

static void tick(struct bench *bench, uint32_t i)
{
	if (i % BATCH)
		return;
	bench->now_boot_ns += 20 * NUM_NS_PER_MS;
	table_advance(bench->table, bench->now_boot_ns);
}

/* n observations, one of each flow; returns them per second of CPU time. */
static double observe(struct bench *bench, enum obs_kind kind, uint32_t n, uint64_t step,
		      uint64_t packets)
{
	const uint64_t began_ns = clock_thread_cpu_ns();
	struct obs obs;

	for (uint32_t i = 0; i < n; i++) {
		tick(bench, i);
		obs_of(&obs, kind, (uint32_t)(i * step % n), bench->now_boot_ns, packets);
		table_observe(bench->table, &obs);
	}
	return n / ((double)(clock_thread_cpu_ns() - began_ns) / 1e9);
}

static double observe_sockets(struct bench *bench, uint32_t n)
{
	const uint64_t began_ns = clock_thread_cpu_ns();
	struct obs obs;

	for (uint32_t i = 0; i < n; i++) {
		tick(bench, i);
		socket_of(&obs, i, bench->now_boot_ns, 7);
		table_observe(bench->table, &obs);
	}
	return n / ((double)(clock_thread_cpu_ns() - began_ns) / 1e9);
}

/* Each round's counters are above the last one's. */
static double sample(struct bench *bench, uint64_t step, uint64_t *packets)
{
	double rate, best = 0;

	for (int i = 0; i < ROUNDS; i++) {
		rate = observe(bench, OBS_SAMPLE, FLOWS, step, ++*packets);
		if (rate > best)
			best = rate;
	}
	return best;
}

static int rates(void)
{
	struct table_stats stats;
	struct bench bench;
	uint64_t before_bytes, before_allocations, packets = 0;
	double bytes;

	if (bench_open(&bench))
		return 1;
	before_bytes = anonymous_bytes();
	before_allocations = allocations;
	sample_print("table_opens", observe(&bench, OBS_OPEN, FLOWS, 1, 0), "1/s", "-");
	sample_print("table_samples_in_order", sample(&bench, 1, &packets), "1/s", "-");
	sample_print("table_samples", sample(&bench, STEP, &packets), "1/s", ">= 2000000");
	bytes = (double)(anonymous_bytes() - before_bytes) / FLOWS;
	sample_print("table_flow", bytes, "bytes", "<= 256");
	packets++;
	sample_print("table_closes", observe(&bench, OBS_CLOSE, FLOWS, STEP, packets), "1/s", "-");
	sample_print("table_allocations_after_start", (double)(allocations - before_allocations),
		     "", "0");
	table_stats(bench.table, &stats);
	table_free(bench.table);
	/* the figures are of work that was done */
	return stats.opened != FLOWS || stats.ended != FLOWS || stats.live ||
	       stats.reported_bytes != 2000 * packets * FLOWS || stats.unreported_bytes ||
	       bench.records < 2ULL * FLOWS;
}

static int memory_with_sockets(void)
{
	struct table_stats stats;
	struct bench bench;
	uint64_t before_bytes;

	if (bench_open(&bench))
		return 1;
	before_bytes = anonymous_bytes();
	observe(&bench, OBS_SAMPLE, SOCKET_FLOWS, 1, 1);
	sample_print("table_sockets", observe_sockets(&bench, SOCKET_FLOWS), "1/s", "-");
	sample_print("table_flow_with_socket",
		     (double)(anonymous_bytes() - before_bytes) / SOCKET_FLOWS, "bytes", "<= 448");
	table_stats(bench.table, &stats);
	table_free(bench.table);
	return stats.sockets != SOCKET_FLOWS;
}

int main(void)
{
	return rates() | memory_with_sockets();
}
