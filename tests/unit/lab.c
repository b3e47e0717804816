// SPDX-License-Identifier: Apache-2.0
/* A flow table on a bench: see lab.h. */
#include "lab.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/why.h"

struct word_bit {
	const char *word;
	uint32_t bit;
};

static const struct word_bit ct_words[] = {
	{ " bytes", CT_COUNTERS }, { " packets", CT_COUNTERS }, { " start=", CT_START },
	{ " stop=", CT_STOP },     { " status=", CT_STATUS },   { " mark=", CT_MARK },
	{ " timeout=", CT_TIMEOUT }, { " state=", CT_STATE },   { " labels=", CT_LABELS },
};

static const struct word_bit socket_words[] = {
	{ " local=", SOCKET_TUPLE }, { " sent=", SOCKET_INFO }, { " received=", SOCKET_INFO },
	{ " srtt=", SOCKET_INFO },   { " uid=", SOCKET_UID },
};

static uint32_t bits_of(const struct word_bit *words, size_t count, const char *line)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		if (strstr(line, words[i].word))
			bits |= words[i].bit;
	}
	return bits;
}

static bool is_flow_kind(const struct obs *obs)
{
	return obs->kind == OBS_OPEN || obs->kind == OBS_BASELINE || obs->kind == OBS_SAMPLE ||
	       obs->kind == OBS_CLOSE;
}

struct obs obs_of(const struct lab *lab, const char *line)
{
	struct why why = { "" };
	struct obs obs;

	if (obs_parse_text(&obs, line, &why) < 0)
		fail_msg("%s: %s", line, why.text);
	if (!obs.at_boot_ns)
		obs.at_boot_ns = lab->now_boot_ns;
	if (obs.kind == OBS_SWEEP && !obs.sweep.began_boot_ns)
		obs.sweep.began_boot_ns = obs.at_boot_ns;
	if (!is_flow_kind(&obs))
		return obs;
	if (obs.origin == ORIGIN_SOCKET) {
		if (!obs.socket.has)
			obs.socket.has = (uint16_t)bits_of(socket_words, ARRAY_LEN(socket_words),
							   line);
		return obs;
	}
	if (!obs.ct.has)
		obs.ct.has = CT_REPLY | bits_of(ct_words, ARRAY_LEN(ct_words), line);
	/* the kernel's NEW and UPDATE events carry no counters */
	if (obs.kind == OBS_OPEN)
		obs.ct.has |= CT_EVENT;
	if (!strstr(line, " reply="))
		obs.ct.reply = tuple_inverse(&obs.ct.key.orig);
	return obs;
}

void see(struct lab *lab, const char *format, ...)
{
	char line[1024];
	va_list args;
	struct obs obs;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	obs = obs_of(lab, line);
	table_observe(lab->table, &obs);
}

void see_obs(struct lab *lab, const struct obs *obs)
{
	table_observe(lab->table, obs);
}

void pass(struct lab *lab, uint64_t ns)
{
	lab->now_boot_ns += ns;
	lab->deadline_boot_ns = table_advance(lab->table, lab->now_boot_ns);
}

void sweep(struct lab *lab, const char *origin, unsigned netns)
{
	see(lab, "sweep %s netns=%u", origin, netns);
}

uint64_t lab_wall_ns(const struct lab *lab)
{
	return lab->now_boot_ns + (uint64_t)lab->conf.wall_minus_boot_ns;
}

static void keep(void *context, const struct record *record)
{
	struct lab *lab = context;

	if (lab->count == lab->capacity) {
		lab->capacity = lab->capacity ? 2 * lab->capacity : 64;
		lab->record = realloc(lab->record, lab->capacity * sizeof(*lab->record));
		assert_non_null(lab->record);
	}
	lab->record[lab->count++] = *record;
}

struct table_conf lab_conf(void)
{
	return (struct table_conf){
		.max_flows = 64,
		.max_sockets = 64,
		.refresh_ns = S,
		.curve = curve_default,
		.index_seed = 1,
		.boot_seed = 2,
		.started_wall_ns = LAB_WALL_NS,
		.wall_minus_boot_ns = (int64_t)(LAB_WALL_NS - LAB_BOOT_NS),
	};
}

void lab_open(struct lab *lab, const struct table_conf *conf)
{
	struct why why = { "" };

	*lab = (struct lab){ .now_boot_ns = LAB_BOOT_NS };
	lab->conf = conf ? *conf : lab_conf();
	if (!lab->conf.out.emit)
		lab->conf.out = (struct record_outlet){ keep, lab };
	if (table_new(&lab->table, &lab->conf, &why) < 0)
		fail_msg("%s", why.text);
}

void lab_close(struct lab *lab)
{
	table_free(lab->table);
	free(lab->record);
}

int lab_setup(void **state)
{
	struct lab *lab = malloc(sizeof(*lab));

	if (!lab)
		return -1;
	lab_open(lab, NULL);
	*state = lab;
	return 0;
}

int lab_teardown(void **state)
{
	assert_identities(*state);
	lab_close(*state);
	free(*state);
	return 0;
}

size_t count_of(const struct lab *lab, enum event event)
{
	size_t n = 0;

	for (size_t i = 0; i < lab->count; i++)
		n += lab->record[i].event == event;
	return n;
}

const struct record *nth(const struct lab *lab, enum event event, size_t n)
{
	for (size_t i = 0; i < lab->count; i++) {
		if (lab->record[i].event == event && n-- == 0)
			return &lab->record[i];
	}
	fail_msg("there is no such record of event %d, %zu are missing", event, n + 1);
	return NULL;
}

const struct record *last(const struct lab *lab)
{
	assert_true(lab->count > 0);
	return &lab->record[lab->count - 1];
}

struct record live(const struct lab *lab, unsigned port, unsigned netns)
{
	struct record record = { 0 };
	uint32_t cursor = 0;

	while (table_next(lab->table, &cursor, lab->now_boot_ns, &record)) {
		if (ntohs(record.orig.port_be[INITIATOR]) == port &&
		    (!netns || record.netns == netns))
			return record;
	}
	fail_msg("no flow from port %u is alive in namespace %u", port, netns);
	return record;
}

size_t live_count(const struct lab *lab)
{
	struct record record;
	uint32_t cursor = 0;
	size_t n = 0;

	while (table_next(lab->table, &cursor, lab->now_boot_ns, &record))
		n++;
	return n;
}

struct table_stats stats_of(const struct lab *lab)
{
	struct table_stats stats;

	table_stats(lab->table, &stats);
	return stats;
}

void assert_identities(const struct lab *lab)
{
	const struct table_stats stats = stats_of(lab);

	assert_int_equal(stats.opened, stats.ended + stats.live + stats.lost_table_full);
	assert_int_equal(stats.grown_bytes, stats.reported_bytes + stats.unreported_bytes);
	assert_int_equal(stats.live, live_count(lab));
}

void assert_totals(const struct record *record, uint64_t bytes_orig, uint64_t bytes_reply)
{
	assert_true(record_has(record, FIELD_BYTES_ORIG));
	assert_int_equal(record->bytes[INITIATOR], bytes_orig);
	assert_int_equal(record->bytes[RESPONDER], bytes_reply);
}

void assert_deltas(const struct record *record, uint64_t bytes_orig, uint64_t bytes_reply)
{
	assert_true(record_has(record, FIELD_DELTA_BYTES_ORIG));
	assert_int_equal(record->delta_bytes[INITIATOR], bytes_orig);
	assert_int_equal(record->delta_bytes[RESPONDER], bytes_reply);
}
