/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_METER_H
#define WEIR_ENGINE_METER_H

#include <stdbool.h>
#include <stdint.h>

struct metrics;
struct record;
struct settings_ports;

/* What all flows have moved, added up from their records for /metrics: each byte
 * once, since deltas are added, and of a connection that two namespaces see the
 * primary one. Closed sets are arrays, of which every series is there from the
 * beginning; processes are told apart up to the budget. One thread. */
struct meter;

struct meter_conf {
	bool processes;                        /* bytes by name of the process */
	const struct settings_ports *services; /* borrowed for its life */
	uint32_t max_series;                   /* that the meter may have in all */
};

/* 0 or -ENOMEM. */
int meter_new(struct meter **ret, const struct meter_conf *conf);
void meter_free(struct meter *meter); /* NULL is a no-op */
/* Any record of the table; events of sockets are passed over. */
void meter_take(struct meter *meter, const struct record *record);
/* So many records of flows, of all of them: starts and updates, ends. */
void meter_records(const struct meter *meter, uint64_t *updates, uint64_t *ends);
/* Its families. */
void meter_print(const struct meter *meter, struct metrics *metrics);

#endif
