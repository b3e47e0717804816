// SPDX-License-Identifier: Apache-2.0
/* A sink whose reader stands still: it costs its queue and nothing else. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/why.h"
#include "encode/encode.h"
#include "flow/record.h"
#include "sink/outbox.h"

#define RECORDS 20000U
#define QUEUE_BYTES (8U * 65536)

static struct outbox *open_outbox(int fd)
{
	struct settings_sink settings;
	const struct outbox_conf conf = {
		.ops = &sink_file,
		.sink = { .settings = &settings, .fd = fd, .encoder = &encoder_json },
	};
	struct outbox *outbox = NULL;
	struct why why = { "" };

	settings_sink_init(&settings, "pipe", SINK_FILE);
	settings.queue_bytes = QUEUE_BYTES;
	assert_int_equal(outbox_new(&outbox, &conf, &why), 0);
	return outbox;
}

/* The number comes back as the line's "seq". */
static enum outbox_fate push(struct outbox *outbox, uint32_t number)
{
	struct record record;

	memset(&record, 0, sizeof(record));
	record.event = EVENT_UPDATE;
	record.seq = number;
	record_set(&record, FIELD_EVENT);
	record_set(&record, FIELD_SEQ);
	return outbox_push(outbox, &record, 0);
}

static struct outbox_stats stats_of(struct outbox *outbox)
{
	struct outbox_stats stats;

	outbox_stats(outbox, &stats);
	assert_int_equal(stats.taken, stats.delivered + stats.dropped_rejected +
					      stats.dropped_closed + stats.queued);
	return stats;
}

/* Reads that many whole lines, whose numbers rise; returns the last one's. */
static uint32_t read_lines(FILE *file, uint64_t count)
{
	char line[256];
	unsigned number = 0, last = 0;

	for (uint64_t i = 0; i < count; i++) {
		assert_non_null(fgets(line, sizeof(line), file));
		assert_int_equal(sscanf(line, "{\"event\":\"update\",\"seq\":%u}\n", &number), 1);
		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_true(!i || number > last);
		last = number;
	}
	return last;
}

static void a_reader_that_stands_still_costs_the_queue_alone(void **state)
{
	uint32_t taken = 0, dropped = 0, number;
	struct outbox_stats stats;
	struct outbox *outbox;
	int ends[2];
	FILE *file;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	outbox = open_outbox(ends[1]);
	for (number = 1; number <= RECORDS; number++) {
		if (push(outbox, number) == OUTBOX_TAKEN)
			taken++;
		else
			dropped++;
	}
	outbox_flush(outbox);
	stats = stats_of(outbox);
	assert_true(dropped > RECORDS / 4);
	assert_int_equal(stats.dropped_full, dropped);
	assert_int_equal(stats.taken, taken);

	/* the reader comes back: what was taken comes, in whole lines */
	file = fdopen(ends[0], "r");
	assert_non_null(file);
	assert_true(read_lines(file, taken) <= RECORDS);
	outbox_drain(outbox, UINT64_MAX);
	stats = stats_of(outbox);
	assert_int_equal(stats.delivered, taken);
	assert_int_equal(stats.queued, 0);
	outbox_free(outbox);
	close(ends[1]);
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
	(void)state;
}

static void a_reader_that_never_comes_does_not_keep_the_end_waiting(void **state)
{
	struct outbox_stats stats;
	struct outbox *outbox;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	outbox = open_outbox(ends[1]);
	for (uint32_t number = 1; number <= RECORDS; number++)
		push(outbox, number);
	outbox_drain(outbox, 1); /* a deadline long past */
	stats = stats_of(outbox);
	assert_int_equal(stats.queued, 0);
	assert_true(stats.dropped_closed > 0);
	outbox_free(outbox);
	close(ends[0]);
	close(ends[1]);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_stands_still_costs_the_queue_alone),
		cmocka_unit_test(a_reader_that_never_comes_does_not_keep_the_end_waiting),
	};

	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
