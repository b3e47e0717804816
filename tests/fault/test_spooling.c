// SPDX-License-Identifier: Apache-2.0
/* The same receiver, and a spool: outages, restarts, kill -9. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "receiver.h"

#include "base/why.h"

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
	assert_int_equal(outbox_new(&other, &conf, &why), -EBUSY);
	assert_non_null(strstr(why.text, "another weir has it"));
	outbox_free(outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_goes_to_the_disk_and_comes_back_in_order),
		cmocka_unit_test(the_spool_empties_while_records_keep_coming),
		cmocka_unit_test(what_is_left_at_the_end_comes_after_the_next_start),
		cmocka_unit_test(a_part_of_the_spool_that_was_taken_does_not_come_again),
		cmocka_unit_test(killed_in_an_outage_it_loses_no_more_than_the_last_batch),
		cmocka_unit_test(a_second_user_of_a_spool_is_refused),
	};

	return cmocka_run_group_tests_name("spooling", tests, make_folder, remove_folder);
}
