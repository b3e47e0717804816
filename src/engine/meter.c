// SPDX-License-Identifier: Apache-2.0
#include "engine/meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/num.h"
#include "config/settings.h"
#include "base/openmetrics.h"
#include "base/utf8.h"
#include "flow/field.h"
#include "flow/record.h"

enum transport { TCP, UDP, ICMP, SCTP, GRE, OTHER, TRANSPORTS };
enum { IPV4, IPV6, FAMILIES };
/* One more than their enums have: not known. */
enum { DIRECTIONS = DIRECTION_LOCAL + 2, REASONS = END_UNREACHABLE + 2 };

/* From 100 us to 10 s, in steps of 1, 2 and 5 (ns). */
static const uint64_t bound_ns[] = {
	100000,    200000,    500000,    1000000,    2000000,	 5000000,    10000000,	 20000000,
	50000000, 100000000, 200000000, 500000000, 1000000000, 2000000000, 5000000000, 10000000000,
};

/* What the closed sets can have, and what /metrics has beside the meter. */
#define OTHER_SERIES 1100

/* What has no series of its own. */
#define OTHERS_NAME "_other"

struct moved {
	uint64_t bytes[SIDES];
};

struct histogram {
	uint64_t count[ARRAY_LEN(bound_ns) + 1], sum_ns;
};

struct process {
	char name[OWNER_COMM_SIZE]; /* empty: nobody */
	struct moved moved;
};

struct meter {
	struct meter_conf conf;
	uint64_t bytes[TRANSPORTS][FAMILIES][DIRECTIONS][SIDES];
	uint64_t packets[TRANSPORTS][FAMILIES][DIRECTIONS][SIDES];
	uint64_t records[EVENT_END + 1];
	uint64_t started[TRANSPORTS], ended[TRANSPORTS][REASONS];
	uint64_t sent[DIRECTIONS], retransmitted[DIRECTIONS];
	struct histogram rtt[DIRECTIONS], connect;
	struct moved service[SETTINGS_PORTS_MAX], other_services;
	struct process *process; /* owned: open addressing; NULL: none are told apart */
	uint32_t process_cells, process_count, process_max; /* cells: a power of two */
	struct moved other_processes;
	uint64_t limited; /* records whose process had no series left */
};

int meter_new(struct meter **ret, const struct meter_conf *conf)
{
	struct meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return -ENOMEM;
	meter->conf = *conf;
	if (conf->processes) {
		meter->process_max = conf->max_series > OTHER_SERIES ?
					     (conf->max_series - OTHER_SERIES) / SIDES : 0;
		meter->process_cells = 64;
		while (meter->process_cells < 2 * meter->process_max)
			meter->process_cells *= 2;
		/* pages that no process needs are never touched */
		meter->process = calloc(meter->process_cells, sizeof(*meter->process));
	}
	if (conf->processes && !meter->process) {
		free(meter);
		return -ENOMEM;
	}
	*ret = meter;
	return 0;
}

void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	free(meter->process);
	free(meter);
}

/* --- counting ------------------------------------------------------------------- */

static enum transport transport_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return TCP;
	case IPPROTO_UDP:
		return UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ICMP;
	case IPPROTO_SCTP:
		return SCTP;
	case IPPROTO_GRE:
		return GRE;
	default:
		return OTHER;
	}
}

static void add_moved(struct moved *moved, const struct record *record)
{
	for (enum side side = 0; side < SIDES; side++)
		moved->bytes[side] += record->delta_bytes[side];
}

/* The cell of that name: its own, or an empty one. */
static struct process *process_cell(const struct meter *meter, const char *name)
{
	const uint32_t mask = meter->process_cells - 1;
	const size_t n = strlen(name);
	uint32_t i = (uint32_t)hash_bytes(name, n, 0) & mask;

	while (meter->process[i].name[0] && strcmp(meter->process[i].name, name))
		i = (i + 1) & mask;
	return &meter->process[i];
}

static void add_process(struct meter *meter, const struct record *record)
{
	char name[OWNER_COMM_SIZE] = "unknown";
	struct process *process;

	/* whoever runs a program names it: any bytes but NUL */
	if (*record_process(record))
		snprintf(name, sizeof(name), "%s", record_process(record));
	utf8_make_printable(name, strlen(name));
	if (!strcmp(name, OTHERS_NAME)) {
		add_moved(&meter->other_processes, record);
		return;
	}
	process = process_cell(meter, name);
	if (!process->name[0]) {
		if (meter->process_count == meter->process_max) {
			meter->limited++;
			add_moved(&meter->other_processes, record);
			return;
		}
		meter->process_count++;
		memcpy(process->name, name, sizeof(name));
	}
	add_moved(&process->moved, record);
}

static void add_service(struct meter *meter, const struct record *record)
{
	const struct settings_ports *services = meter->conf.services;
	const uint16_t port = ntohs(record->orig.port_be[RESPONDER]);
	unsigned i = 0;

	if (record_has(record, FIELD_DST_PORT))
		while (i < services->count && services->port[i] != port)
			i++;
	else
		i = services->count;
	add_moved(i < services->count ? &meter->service[i] : &meter->other_services, record);
}

static void observe(struct histogram *histogram, uint64_t ns)
{
	unsigned i = 0;

	while (i < ARRAY_LEN(bound_ns) && ns > bound_ns[i])
		i++;
	histogram->count[i]++;
	histogram->sum_ns += ns;
}

/* Of what its sockets here sent: whose they are the direction tells. */
static void add_health(struct meter *meter, const struct record *record, unsigned direction)
{
	const uint64_t *segments = record->tcp_segments;

	if (record_has(record, FIELD_CONNECT_US))
		observe(&meter->connect, record->connect_us * NUM_NS_PER_US);
	if (!record_has(record, FIELD_RTT_US))
		return;
	if (record->rtt_us[INITIATOR])
		observe(&meter->rtt[direction], record->rtt_us[INITIATOR] * NUM_NS_PER_US);
	meter->retransmitted[direction] += record->retransmits[INITIATOR];
	if (direction != DIRECTION_INBOUND)
		meter->sent[direction] += segments[INITIATOR];
	if (direction == DIRECTION_INBOUND || record_has(record, FIELD_SERVER_RETRANSMITS))
		meter->sent[direction] += segments[RESPONDER];
	if (record_has(record, FIELD_SERVER_RETRANSMITS))
		meter->retransmitted[direction] += record->retransmits[RESPONDER];
}

void meter_take(struct meter *meter, const struct record *record)
{
	const unsigned direction = record_has(record, FIELD_DIRECTION) ? record->direction :
									 DIRECTIONS - 1;
	const unsigned reason = record_has(record, FIELD_END_REASON) ? record->end_reason :
								       REASONS - 1;
	const enum transport transport = transport_of(record->orig.proto);
	const unsigned family = tuple_is_v4(&record->orig) ? IPV4 : IPV6;

	if (record->event > EVENT_END)
		return;
	meter->records[record->event]++;
	if (record_has(record, FIELD_PRIMARY) && !record->primary)
		return;
	/* one that ends before its first report has no other record */
	meter->started[transport] += record->event == EVENT_START ||
				     (record->event == EVENT_END &&
				      record_has(record, FIELD_SEQ) && !record->seq);
	if (record_has(record, FIELD_DELTA_BYTES_ORIG)) {
		for (enum side side = 0; side < SIDES; side++) {
			meter->bytes[transport][family][direction][side] +=
				record->delta_bytes[side];
			meter->packets[transport][family][direction][side] +=
				record->delta_packets[side];
		}
		if (meter->process)
			add_process(meter, record);
		if (meter->conf.services->count)
			add_service(meter, record);
	}
	if (record->event != EVENT_END)
		return;
	meter->ended[transport][reason]++;
	add_health(meter, record, direction);
}

void meter_records(const struct meter *meter, uint64_t *updates, uint64_t *ends)
{
	*updates = meter->records[EVENT_START] + meter->records[EVENT_UPDATE];
	*ends = meter->records[EVENT_END];
}

/* --- printing ------------------------------------------------------------------- */

static const char *const transport_names[] = { "tcp", "udp", "icmp", "sctp", "gre", "other" };
static const char *const family_names[] = { "ipv4", "ipv6" };
static const char *const side_names[] = { "orig", "reply" };

static const char *name_of(enum field_id id, unsigned value, unsigned known)
{
	return value < known ? field_table[id].names[value] : "unknown";
}

static const char *direction_name(unsigned direction)
{
	return name_of(FIELD_DIRECTION, direction, DIRECTIONS - 1);
}

static void print_traffic(struct metrics *metrics,
			  const uint64_t count[TRANSPORTS][FAMILIES][DIRECTIONS][SIDES])
{
	for (unsigned i = 0; i < TRANSPORTS * FAMILIES * DIRECTIONS * SIDES; i++) {
		const unsigned side = i % SIDES, direction = i / SIDES % DIRECTIONS;
		const unsigned family = i / SIDES / DIRECTIONS % FAMILIES;
		const unsigned transport = i / SIDES / DIRECTIONS / FAMILIES;
		const struct metrics_label label[] = {
			{ "transport", transport_names[transport] },
			{ "family", family_names[family] },
			{ "flow_direction", direction_name(direction) },
			{ "side", side_names[side] },
		};

		metrics_u64(metrics, label, ARRAY_LEN(label),
			    count[transport][family][direction][side]);
	}
}

static void print_flows(const struct meter *meter, struct metrics *metrics)
{
	struct metrics_label label[2] = { { .name = "transport" }, { .name = "reason" } };

	metrics_family(metrics, METRIC_COUNTER, "weir_flows_started",
		       "Flows that began, or were there when weir came.");
	for (unsigned i = 0; i < TRANSPORTS; i++) {
		label[0].value = transport_names[i];
		metrics_u64(metrics, label, 1, meter->started[i]);
	}
	metrics_family(metrics, METRIC_COUNTER, "weir_flows_ended", "Flows that ended.");
	for (unsigned i = 0; i < TRANSPORTS * REASONS; i++) {
		label[0].value = transport_names[i / REASONS];
		label[1].value = name_of(FIELD_END_REASON, i % REASONS, REASONS - 1);
		metrics_u64(metrics, label, 2, meter->ended[i / REASONS][i % REASONS]);
	}
}

static void print_moved(struct metrics *metrics, struct metrics_label *label, unsigned labels,
			const struct moved *moved)
{
	for (enum side side = 0; side < SIDES; side++) {
		label[labels - 1].value = side_names[side];
		metrics_u64(metrics, label, labels, moved->bytes[side]);
	}
}

static void print_processes(const struct meter *meter, struct metrics *metrics)
{
	struct metrics_label label[] = { { .name = "process" }, { .name = "side" } };

	if (!meter->process)
		return;
	metrics_family(metrics, METRIC_COUNTER, "weir_process_bytes",
		       "Bytes by the name of the client's process, else of the server's.");
	for (uint32_t i = 0; i < meter->process_cells; i++) {
		label[0].value = meter->process[i].name;
		if (*label[0].value)
			print_moved(metrics, label, 2, &meter->process[i].moved);
	}
	label[0].value = OTHERS_NAME;
	print_moved(metrics, label, 2, &meter->other_processes);
}

static void print_services(const struct meter *meter, struct metrics *metrics)
{
	struct metrics_label label[] = { { .name = "port" }, { .name = "side" } };
	char port[NUM_U64_SIZE + 1];

	if (!meter->conf.services->count)
		return;
	metrics_family(metrics, METRIC_COUNTER, "weir_service_bytes",
		       "Bytes by the port that was connected to.");
	for (uint32_t i = 0; i < meter->conf.services->count; i++) {
		*num_put_u64(port, meter->conf.services->port[i]) = '\0';
		label[0].value = port;
		print_moved(metrics, label, 2, &meter->service[i]);
	}
	label[0].value = "other";
	print_moved(metrics, label, 2, &meter->other_services);
}

static struct metrics_histogram printable(const struct histogram *histogram)
{
	return (struct metrics_histogram){ bound_ns, ARRAY_LEN(bound_ns), histogram->count,
					   histogram->sum_ns };
}

static void print_health(const struct meter *meter, struct metrics *metrics)
{
	struct metrics_label label = { .name = "flow_direction" };
	struct metrics_histogram histogram = printable(&meter->connect);

	metrics_family(metrics, METRIC_HISTOGRAM, "weir_tcp_connect_seconds",
		       "How long connects took, of connections that have ended.");
	metrics_histogram(metrics, NULL, 0, &histogram);
	metrics_family(metrics, METRIC_HISTOGRAM, "weir_tcp_rtt_seconds",
		       "The last smoothed round trip time of connections that have ended.");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		histogram = printable(&meter->rtt[i]);
		label.value = direction_name(i);
		metrics_histogram(metrics, &label, 1, &histogram);
	}
	metrics_family(metrics, METRIC_COUNTER, "weir_tcp_segments_sent",
		       "Segments that the sockets here sent, of connections that have ended.");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		label.value = direction_name(i);
		metrics_u64(metrics, &label, 1, meter->sent[i]);
	}
	metrics_family(metrics, METRIC_COUNTER, "weir_tcp_segments_retransmitted",
		       "Of those, the ones that were sent again.");
	for (unsigned i = 0; i < DIRECTIONS; i++) {
		label.value = direction_name(i);
		metrics_u64(metrics, &label, 1, meter->retransmitted[i]);
	}
}

void meter_print(const struct meter *meter, struct metrics *metrics)
{
	metrics_family(metrics, METRIC_COUNTER, "weir_flow_bytes",
		       "Bytes of flows, as their records have told them.");
	print_traffic(metrics, meter->bytes);
	metrics_family(metrics, METRIC_COUNTER, "weir_flow_packets",
		       "Packets of flows, as their records have told them.");
	print_traffic(metrics, meter->packets);
	print_flows(meter, metrics);
	print_health(meter, metrics);
	print_processes(meter, metrics);
	print_services(meter, metrics);
	metrics_family(metrics, METRIC_COUNTER, "weir_series_limited",
		       "Records whose process had no series of its own any more.");
	metrics_u64(metrics, NULL, 0, meter->limited);
}
