// SPDX-License-Identifier: Apache-2.0
/* A receiver that answers everything a receiver can answer: what becomes of each
 * record, without a spool. */
#include "receiver.h"

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
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
