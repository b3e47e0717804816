// SPDX-License-Identifier: Apache-2.0
/*
 * Replays a recording of observations through the real flow table and prints
 * the records it makes as the real JSON, then the table's own account of itself
 * as one last line. Clock, seeds and host name are the recording's or fixed, so
 * that equal recordings give equal bytes on every machine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/num.h"
#include "base/why.h"
#include "encode/encode.h"
#include "flow/replay.h"

#define REFRESH_NS (200 * NUM_NS_PER_MS)
/* How long the table is watched after the last observation. */
#define AFTER_NS (5 * NUM_NS_PER_S)

struct golden {
	struct replay replay;
	struct buf out;
};

static void on_record(void *context, const struct record *record)
{
	const struct encode_conf conf = { .host = "golden" };
	struct golden *golden = context;

	encoder_json.record(&golden->out, &conf, record);
}

static void put_stats(struct golden *golden)
{
	struct buf *out = &golden->out;
	struct table_stats stats;

	table_stats(golden->replay.table, &stats);
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

int main(int argc, char **argv)
{
	struct golden golden = { 0 };
	const struct table_conf conf = {
		.max_flows = 64,
		.max_sockets = 64,
		.refresh_ns = REFRESH_NS,
		.curve = { .count = 1, .point = { { 0, 0 } } }, /* whenever a counter moved */
		.index_seed = 1,
		.boot_seed = 2,
		.out = { on_record, &golden },
	};
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
	r = replay_file(&golden.replay, &conf, file, &why);
	fclose(file);
	if (r < 0) {
		fprintf(stderr, "replay: %s: %s\n", argv[1], why.text);
	} else {
		replay_advance(&golden.replay, golden.replay.now_boot_ns + AFTER_NS);
		put_stats(&golden);
		if (golden.out.error ||
		    fwrite(golden.out.data, 1, golden.out.len, stdout) != golden.out.len)
			r = -EIO;
	}
	table_free(golden.replay.table);
	buf_fini(&golden.out);
	return r < 0 || fflush(stdout) ? 1 : 0;
}
