// SPDX-License-Identifier: Apache-2.0
/* A receiver that answers everything a receiver can answer: what becomes of each
 * record, with a spool and without. The sink is a script in this file. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/record.h"
#include "sink/outbox.h"

#define PATIENCE_NS (60 * NUM_NS_PER_S)
#define SEEN_MAX 100000U

/* The receiver, shared with the outbox's thread; how is atomic. */
static struct {
	enum delivery how; /* what it answers */
	uint32_t largest;  /* SPLIT above so many records; 0: no limit */
	uint32_t partial_each; /* with PARTIAL: every so manieth is taken */
	uint32_t hangs;
	uint32_t tries, seen_count;
	uint32_t seen[SEEN_MAX]; /* seq of what was taken, in order */
	char last[4096];         /* bytes of the last try */
	size_t last_n;
	uint32_t changed_bytes;  /* a RETRY came with other bytes than before */
} receiver;

struct scripted {
	struct sink sink;
};

static int scripted_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	struct scripted *scripted = calloc(1, sizeof(*scripted));

	assert_non_null(scripted);
	scripted->sink.ops = (const struct sink_ops *)conf->encoder; /* see open_outbox */
	*ret = &scripted->sink;
	return 0;
}

static void scripted_encode(struct sink *sink, struct buf *buf, const struct record *record,
			    size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_append(buf, &record[i].seq, sizeof(record[i].seq));
}

/* Between two looks at a condition. */
static void pause_ms(void)
{
	poll(NULL, 0, 1);
}

static void take(const struct batch *batch, size_t i)
{
	uint32_t seq;

	memcpy(&seq, batch->bytes.data + i * sizeof(seq), sizeof(seq));
	assert_true(receiver.seen_count < SEEN_MAX);
	receiver.seen[receiver.seen_count] = seq;
	__atomic_store_n(&receiver.seen_count, receiver.seen_count + 1, __ATOMIC_RELEASE);
}

static enum delivery answer_partly(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->fate[i] = i % receiver.partial_each ? RETRY : DELIVERED;
		if (batch->fate[i] == DELIVERED)
			take(batch, i);
	}
	return PARTIAL;
}

static enum delivery scripted_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	const enum delivery how = __atomic_load_n(&receiver.how, __ATOMIC_ACQUIRE);
	const size_t n = batch->bytes.len < sizeof(receiver.last) ? batch->bytes.len :
								    sizeof(receiver.last);

	assert_int_equal(batch->bytes.len, batch->count * sizeof(uint32_t));
	receiver.changed_bytes += receiver.last_n == batch->bytes.len &&
				  memcmp(receiver.last, batch->bytes.data, n) != 0;
	receiver.last_n = batch->bytes.len;
	memcpy(receiver.last, batch->bytes.data, n);
	__atomic_store_n(&receiver.tries, receiver.tries + 1, __ATOMIC_RELEASE);
	if (receiver.hangs)
		while (!batch->is_given_up(batch->context))
			pause_ms();
	if (receiver.largest && batch->count > receiver.largest)
		return SPLIT;
	why_set(why, 0, "the script says so");
	if (how == RETRY || how == PARKED)
		batch->retry_after_ns = NUM_NS_PER_MS; /* a test is no outage */
	if (how == PARTIAL) {
		batch->retry_after_ns = NUM_NS_PER_MS;
		return answer_partly(batch);
	}
	for (size_t i = 0; how == DELIVERED && i < batch->count; i++)
		take(batch, i);
	return how;
}

static void scripted_close(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops scripted_ops = {
	.name = "scripted",
	.help = "answers what the test wants",
	.open = scripted_open,
	.encode = scripted_encode,
	.deliver = scripted_deliver,
	.close = scripted_close,
};

/* --- the outbox ---------------------------------------------------------------- */

static struct settings_sink settings_of(const char *spool_path)
{
	struct settings_sink settings;

	settings_sink_init(&settings, "scripted", SINK_DUMMY);
	settings.batch_records = 10;
	settings.batch_age_ns = NUM_NS_PER_MS;
	if (spool_path)
		snprintf(settings.spool_path, sizeof(settings.spool_path), "%s", spool_path);
	return settings;
}

static struct outbox *open_with(const struct settings_sink *settings)
{
	const struct outbox_conf conf = {
		.ops = &scripted_ops,
		.sink = { .settings = settings, .fd = -1,
			  .encoder = (const struct encoder *)&scripted_ops },
	};
	struct outbox *outbox = NULL;
	struct why why = { "" };
	const int r = outbox_new(&outbox, &conf, &why);

	if (r < 0)
		fail_msg("%s", why.text);
	return outbox;
}

static void script(enum delivery how)
{
	memset(&receiver, 0, sizeof(receiver));
	receiver.how = how;
	receiver.partial_each = 2;
}

static void now_answer(enum delivery how)
{
	__atomic_store_n(&receiver.how, how, __ATOMIC_RELEASE);
}

static uint32_t push(struct outbox *outbox, uint32_t from, uint32_t n)
{
	struct record record;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < n; i++) {
		memset(&record, 0, sizeof(record));
		record.event = EVENT_UPDATE;
		record.seq = from + i;
		record_set(&record, FIELD_SEQ);
		taken += outbox_push(outbox, &record, 0) == OUTBOX_TAKEN;
	}
	outbox_flush(outbox);
	return taken;
}

/* The identity, each time it is looked at. */
static struct outbox_stats stats_of(struct outbox *outbox)
{
	struct outbox_stats stats;

	outbox_stats(outbox, &stats);
	assert_int_equal(stats.taken + stats.replayed,
			 stats.delivered + stats.dropped_rejected + stats.dropped_closed +
				 stats.dropped_expired + stats.dropped_spool + stats.queued +
				 stats.spooled);
	return stats;
}

#define wait_until(outbox, condition) \
	do { \
		const uint64_t until = clock_boot_ns() + PATIENCE_NS; \
		struct outbox_stats stats __attribute__((unused)) = stats_of(outbox); \
		while (!(condition)) { \
			if (clock_boot_ns() > until) \
				fail_msg("waited for: %s", #condition); \
			pause_ms(); \
			stats = stats_of(outbox); \
		} \
	} while (0)

static void seen_are(uint32_t from, uint32_t n)
{
	assert_int_equal(receiver.seen_count, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(receiver.seen[i], from + i);
}

/* --- a folder for the spool ------------------------------------------------------ */

static char folder[] = "spool-XXXXXX";

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	if (chdir(where ? where : P_tmpdir) < 0)
		return -1;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	empty_folder();
	return rmdir(folder);
}

/* --- without a spool -------------------------------------------------------------- */

static void a_failed_batch_comes_again_with_the_same_bytes(void **state)
{
	const struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	script(RETRY);
	outbox = open_with(&settings);
	push(outbox, 0, 10);
	wait_until(outbox, __atomic_load_n(&receiver.tries, __ATOMIC_ACQUIRE) >= 5);
	push(outbox, 10, 25);
	now_answer(DELIVERED);
	wait_until(outbox, stats.delivered == 35);
	assert_int_equal(receiver.changed_bytes, 0);
	assert_true(stats_of(outbox).retries >= 4);
	assert_true(stats_of(outbox).up);
	outbox_free(outbox);
	seen_are(0, 35);
}

static void what_is_too_large_goes_in_halves(void **state)
{
	struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	settings.batch_records = 1000;
	script(DELIVERED);
	receiver.largest = 3;
	outbox = open_with(&settings);
	push(outbox, 0, 500);
	wait_until(outbox, stats.delivered == 500);
	outbox_free(outbox);
	seen_are(0, 500);
}

static void of_a_batch_that_is_taken_in_part_the_rest_comes_again(void **state)
{
	const struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;
	uint64_t sum = 0;

	script(PARTIAL);
	outbox = open_with(&settings);
	push(outbox, 0, 100);
	wait_until(outbox, stats.delivered == 100);
	outbox_free(outbox);
	assert_int_equal(receiver.seen_count, 100);
	for (uint32_t i = 0; i < 100; i++)
		sum += receiver.seen[i];
	assert_int_equal(sum, 99 * 100 / 2);
}

static void what_is_refused_is_counted_and_the_next_goes_on(void **state)
{
	const struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	script(REJECTED);
	outbox = open_with(&settings);
	push(outbox, 0, 10);
	wait_until(outbox, stats.dropped_rejected == 10);
	now_answer(DELIVERED);
	push(outbox, 10, 10);
	wait_until(outbox, stats.delivered == 10);
	outbox_free(outbox);
	seen_are(10, 10);
}

static void what_cannot_be_delivered_for_too_long_is_given_up(void **state)
{
	struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	settings.give_up_ns = 50 * NUM_NS_PER_MS;
	script(PARKED);
	outbox = open_with(&settings);
	push(outbox, 0, 10);
	wait_until(outbox, stats.dropped_expired == 10);
	assert_false(stats_of(outbox).up);
	outbox_free(outbox);
}

/* The second waits its turn, and is given up for its own age, not the first's. */
static void each_batch_is_given_up_for_its_own_age(void **state)
{
	struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	settings.give_up_ns = 50 * NUM_NS_PER_MS;
	script(RETRY);
	outbox = open_with(&settings);
	push(outbox, 0, 10);
	wait_until(outbox, stats.dropped_expired == 10);
	__atomic_store_n(&receiver.tries, 0, __ATOMIC_RELEASE);
	push(outbox, 10, 10);
	wait_until(outbox, stats.dropped_expired == 20);
	assert_true(__atomic_load_n(&receiver.tries, __ATOMIC_ACQUIRE) >= 2);
	outbox_free(outbox);
}

static void a_receiver_that_hangs_does_not_keep_the_end_waiting(void **state)
{
	const struct settings_sink settings = settings_of(NULL);
	struct outbox *outbox;

	script(RETRY);
	receiver.hangs = 1;
	outbox = open_with(&settings);
	push(outbox, 0, 100);
	wait_until(outbox, __atomic_load_n(&receiver.tries, __ATOMIC_ACQUIRE) == 1);
	outbox_drain(outbox, clock_boot_ns() + 10 * NUM_NS_PER_MS);
	assert_int_equal(stats_of(outbox).dropped_closed, 100);
	assert_int_equal(receiver.tries, 1);
	outbox_free(outbox);
}

/* --- with a spool ------------------------------------------------------------------- */

static void an_outage_goes_to_the_disk_and_comes_back_in_order(void **state)
{
	struct settings_sink settings = settings_of(folder);
	struct outbox *outbox;
	uint32_t taken = 0;

	settings.queue_bytes = 196608;
	empty_folder();
	script(RETRY);
	outbox = open_with(&settings);
	/* far more than the queue holds */
	while (taken < 20000) {
		taken += push(outbox, taken, 100);
		wait_until(outbox, stats.queued < 200);
	}
	wait_until(outbox, stats.spooled == taken);
	assert_int_equal(receiver.seen_count, 0);
	now_answer(DELIVERED);
	wait_until(outbox, stats.delivered == taken);
	push(outbox, taken, 7);
	wait_until(outbox, stats.delivered == taken + 7);
	assert_int_equal(stats_of(outbox).dropped_full, 0);
	outbox_free(outbox);
	seen_are(0, taken + 7);
}

static void the_spool_empties_while_records_keep_coming(void **state)
{
	struct settings_sink settings = settings_of(folder);
	struct outbox *outbox;
	uint32_t taken = 0;

	settings.batch_age_ns = 20 * NUM_NS_PER_MS;
	empty_folder();
	script(RETRY);
	outbox = open_with(&settings);
	while (taken < 2000) {
		taken += push(outbox, taken, 10);
		wait_until(outbox, stats.queued < 100);
	}
	now_answer(DELIVERED);
	/* one at a time, far more often than a batch's age */
	wait_until(outbox, (taken += push(outbox, taken, 1)) && stats.spooled == 0 &&
				   stats.delivered > 2000);
	wait_until(outbox, stats.delivered == taken);
	outbox_free(outbox);
	seen_are(0, taken);
}

static void what_is_left_at_the_end_comes_after_the_next_start(void **state)
{
	const struct settings_sink settings = settings_of(folder);
	struct outbox *outbox;

	empty_folder();
	script(RETRY);
	outbox = open_with(&settings);
	push(outbox, 0, 205);
	outbox_drain(outbox, clock_boot_ns() + 10 * NUM_NS_PER_MS);
	assert_int_equal(stats_of(outbox).spooled, 205);
	outbox_free(outbox);

	now_answer(DELIVERED);
	outbox = open_with(&settings);
	assert_int_equal(stats_of(outbox).replayed, 205);
	push(outbox, 205, 5);
	wait_until(outbox, stats.delivered == 210);
	outbox_free(outbox);
	seen_are(0, 210);
}

static void a_part_of_the_spool_that_was_taken_does_not_come_again(void **state)
{
	const struct settings_sink settings = settings_of(folder);
	struct outbox *outbox;

	empty_folder();
	script(RETRY);
	outbox = open_with(&settings);
	push(outbox, 0, 100);
	wait_until(outbox, stats.spooled == 100);
	now_answer(PARTIAL);
	wait_until(outbox, stats.delivered == 100);
	outbox_free(outbox);
	assert_int_equal(receiver.seen_count, 100);
}

static void killed_in_an_outage_it_loses_no_more_than_the_last_batch(void **state)
{
	const struct settings_sink settings = settings_of(folder);
	struct outbox *outbox;
	int status, ends[2];
	char ready;
	pid_t pid;

	empty_folder();
	script(RETRY);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		outbox = open_with(&settings);
		push(outbox, 0, 1000);
		wait_until(outbox, stats.spooled == 1000);
		if (write(ends[1], "r", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ends[0]);
	close(ends[1]);

	now_answer(DELIVERED);
	outbox = open_with(&settings);
	wait_until(outbox, stats.delivered == 1000);
	outbox_free(outbox);
	seen_are(0, 1000);
}

static void a_second_user_of_a_spool_is_refused(void **state)
{
	const struct settings_sink settings = settings_of(folder);
	const struct outbox_conf conf = {
		.ops = &scripted_ops,
		.sink = { .settings = &settings,
			  .encoder = (const struct encoder *)&scripted_ops },
	};
	struct outbox *outbox, *other;
	struct why why = { "" };

	empty_folder();
	script(DELIVERED);
	outbox = open_with(&settings);
	assert_int_equal(outbox_new(&other, &conf, &why), -16 /* EBUSY */);
	assert_non_null(strstr(why.text, "another weir has it"));
	outbox_free(outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_batch_comes_again_with_the_same_bytes),
		cmocka_unit_test(what_is_too_large_goes_in_halves),
		cmocka_unit_test(of_a_batch_that_is_taken_in_part_the_rest_comes_again),
		cmocka_unit_test(what_is_refused_is_counted_and_the_next_goes_on),
		cmocka_unit_test(what_cannot_be_delivered_for_too_long_is_given_up),
		cmocka_unit_test(each_batch_is_given_up_for_its_own_age),
		cmocka_unit_test(a_receiver_that_hangs_does_not_keep_the_end_waiting),
		cmocka_unit_test(an_outage_goes_to_the_disk_and_comes_back_in_order),
		cmocka_unit_test(the_spool_empties_while_records_keep_coming),
		cmocka_unit_test(what_is_left_at_the_end_comes_after_the_next_start),
		cmocka_unit_test(a_part_of_the_spool_that_was_taken_does_not_come_again),
		cmocka_unit_test(killed_in_an_outage_it_loses_no_more_than_the_last_batch),
		cmocka_unit_test(a_second_user_of_a_spool_is_refused),
	};

	return cmocka_run_group_tests_name("delivery", tests, make_folder, remove_folder);
}
