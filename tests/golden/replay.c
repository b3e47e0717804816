// SPDX-License-Identifier: Apache-2.0
/*
 * Replays a recording of observations through the real flow table and prints
 * the records it makes as the real JSON, then the table's own account of itself
 * as one last line. Clock, seeds and host name are the recording's or fixed, so
 * that equal recordings give equal bytes on every machine.
 *
 * A recording is what "weir run --record" wrote: the line "clock", then
 * observations; empty lines and those that begin with # are for the reader. The
 * table is advanced to each of its deadlines before it sees what came later.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/num.h"
#include "base/why.h"
#include "encode/encode.h"
#include "flow/table.h"

#define REFRESH_NS (200 * NUM_NS_PER_MS)
/* How long the table is watched after the last observation. */
#define AFTER_NS (5 * NUM_NS_PER_S)
/* Below this a deadline that does not move would stand still for ever. */
#define STEP_NS NUM_NS_PER_MS

struct replay {
	struct table *table;
	uint64_t now_boot_ns;
	struct buf out;
};

static void on_record(void *context, const struct record *record)
{
	const struct encode_conf conf = { .host = "golden" };
	struct replay *replay = context;

	encoder_json.record(&replay->out, &conf, record);
}

static int begin(struct replay *replay, const char *line, struct why *why)
{
	struct table_conf conf = {
		.max_flows = 64,
		.max_sockets = 64,
		.refresh_ns = REFRESH_NS,
		.curve = { .count = 1, .point = { { 0, 0 } } }, /* whenever a counter moved */
		.index_seed = 1,
		.boot_seed = 2,
		.out = { on_record, replay },
	};

	if (sscanf(line, "clock wall_minus_boot=%" SCNd64 " started=%" SCNu64,
		   &conf.wall_minus_boot_ns, &conf.started_wall_ns) != 2)
		return why_set(why, -EINVAL, "the first line is no clock");
	return table_new(&replay->table, &conf, why);
}

static void advance_to(struct replay *replay, uint64_t boot_ns)
{
	uint64_t next_boot_ns = table_advance(replay->table, replay->now_boot_ns);

	while (next_boot_ns <= boot_ns) {
		if (next_boot_ns < replay->now_boot_ns + STEP_NS)
			next_boot_ns = replay->now_boot_ns + STEP_NS;
		replay->now_boot_ns = next_boot_ns;
		next_boot_ns = table_advance(replay->table, next_boot_ns);
	}
	/* what several sources saw is in the order of arrival, not of time */
	if (boot_ns > replay->now_boot_ns)
		replay->now_boot_ns = boot_ns;
}

static int replay_line(struct replay *replay, const char *line, struct why *why)
{
	struct obs obs;
	int r;

	if (*line == '#' || *line == '\n')
		return 0;
	if (!replay->table)
		return begin(replay, line, why);
	r = obs_parse_text(&obs, line, why);
	if (r < 0)
		return r;
	if (!replay->now_boot_ns)
		replay->now_boot_ns = obs.at_boot_ns;
	advance_to(replay, obs.at_boot_ns);
	table_observe(replay->table, &obs);
	return 0;
}

static void put_stats(struct replay *replay)
{
	struct buf *out = &replay->out;
	struct table_stats stats;

	table_stats(replay->table, &stats);
	json_object_begin(out);
	json_member_u64(out, "opened", stats.opened);
	json_member_u64(out, "ended", stats.ended);
	json_member_u64(out, "live", stats.live);
	json_member_u64(out, "inexact_ends", stats.inexact_ends);
	json_member_u64(out, "resets", stats.resets);
	json_member_u64(out, "duplicate_closes", stats.duplicate_closes);
	json_member_u64(out, "grown_bytes", stats.grown_bytes);
	json_member_u64(out, "reported_bytes", stats.reported_bytes);
	json_member_u64(out, "unreported_bytes", stats.unreported_bytes);
	json_object_end(out);
	buf_putc(out, '\n');
}

static int replay_file(struct replay *replay, FILE *file, struct why *why)
{
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	for (unsigned number = 1; r == 0 && getline(&line, &size, file) >= 0; number++) {
		struct why inner = { "" };

		r = replay_line(replay, line, &inner);
		if (r < 0)
			why_set(why, r, "line %u: %s", number, inner.text);
	}
	free(line);
	if (r == 0 && !replay->table)
		return why_set(why, -EINVAL, "no clock, no observation");
	return r;
}

int main(int argc, char **argv)
{
	struct replay replay = { 0 };
	struct why why = { "" };
	FILE *file;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: replay FILE\n");
		return 2;
	}
	file = fopen(argv[1], "re");
	if (!file) {
		fprintf(stderr, "replay: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	r = replay_file(&replay, file, &why);
	fclose(file);
	if (r < 0) {
		fprintf(stderr, "replay: %s: %s\n", argv[1], why.text);
	} else {
		advance_to(&replay, replay.now_boot_ns + AFTER_NS);
		put_stats(&replay);
		if (replay.out.error ||
		    fwrite(replay.out.data, 1, replay.out.len, stdout) != replay.out.len)
			r = -EIO;
	}
	table_free(replay.table);
	buf_fini(&replay.out);
	return r < 0 || fflush(stdout) ? 1 : 0;
}
