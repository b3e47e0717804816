// SPDX-License-Identifier: Apache-2.0
/* Which entries are read by address between passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/weir_abi.h"
#include "source/ct_hot.h"

#define MAX (4 * CT_HOT_FEW)

struct bench {
	struct ct_hot *hot;
	struct abi_hot_entry *chosen;
	uint32_t count;
};

static int open_bench(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->chosen = calloc(MAX, sizeof(*bench->chosen));
	assert_non_null(bench->chosen);
	assert_int_equal(ct_hot_new(&bench->hot, MAX), 0);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	ct_hot_free(bench->hot);
	free(bench->chosen);
	free(bench);
	return 0;
}

/* The nth entry: its address and port are made of n. */
static struct abi_ct entry_of(uint32_t n, uint64_t packets)
{
	struct abi_ct entry = { .object = 0xffff888000000000ULL + n * 320ULL };

	memcpy(entry.tuple[0].source, &n, sizeof(n));
	entry.count[1].packets = packets;
	return entry;
}

/* A pass over so many entries, of which each `of`th has moved. */
static void pass(struct bench *bench, uint32_t entries, uint32_t of, uint64_t packets)
{
	ct_hot_begin(bench->hot);
	for (uint32_t n = 0; n < entries; n++) {
		const struct abi_ct entry = entry_of(n, of && n % of == 0 ? packets : 1);

		ct_hot_offer(bench->hot, &entry);
	}
	bench->count = ct_hot_end(bench->hot, bench->chosen);
}

static void reads_all_by_address_while_there_are_few(void **state)
{
	struct bench *bench = *state;
	const struct abi_ct last = entry_of(99, 1);

	memset(bench->chosen, 0xff, 256 * sizeof(*bench->chosen));
	pass(bench, 100, 0, 0);
	assert_int_equal(bench->count, 100);
	assert_true(ct_hot_has_all(bench->hot));
	assert_int_equal(bench->chosen[99].object, last.object);
	assert_int_equal(bench->chosen[99].check, abi_tuple_check(&last.tuple[0]));
	/* the rest of the page that the kernel reads is empty */
	for (uint32_t i = 100; i < 128; i++)
		assert_int_equal(bench->chosen[i].object, 0);
}

static void reads_what_moved_by_address_when_there_are_many(void **state)
{
	const uint32_t many = 2 * CT_HOT_FEW;
	struct bench *bench = *state;

	pass(bench, many, 0, 0);
	/* more than it took for few: not all are chosen, and it says so */
	assert_false(ct_hot_has_all(bench->hot));
	assert_int_equal(ct_hot_shown(bench->hot), many);
	pass(bench, many, 0, 0); /* all are new to it */
	pass(bench, many, 100, 2);
	assert_false(ct_hot_has_all(bench->hot));
	/* those that moved, and a few that share a cell with another */
	assert_true(bench->count >= many / 100);
	assert_true(bench->count < many);
	for (uint32_t i = 0, found = 0; i < bench->count; i++) {
		found += (bench->chosen[i].object & 0xffffffffULL) % (100 * 320) == 0;
		if (i + 1 == bench->count)
			assert_int_equal(found, many / 100 + (many % 100 != 0));
	}
	/* few again: all again */
	pass(bench, 10, 0, 0);
	pass(bench, 10, 0, 0);
	assert_true(ct_hot_has_all(bench->hot));
	assert_int_equal(bench->count, 10);
}

static void never_chooses_more_than_there_is_room_for(void **state)
{
	struct bench *bench = *state;

	pass(bench, 2 * MAX, 0, 0);
	pass(bench, 2 * MAX, 1, 2);
	assert_int_equal(bench->count, MAX);
	assert_false(ct_hot_has_all(bench->hot));
}

static void tells_a_tuple_from_another_in_the_same_memory(void **state)
{
	const struct abi_ct x = entry_of(1, 1), y = entry_of(2, 1);
	struct abi_ct z = x;

	assert_true(abi_tuple_check(&x.tuple[0]) != abi_tuple_check(&y.tuple[0]));
	z.tuple[0].source_port_be = 1;
	assert_true(abi_tuple_check(&x.tuple[0]) != abi_tuple_check(&z.tuple[0]));
	assert_true(abi_tuple_check(&z.tuple[0]) != 0);
	(void)state;
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(reads_all_by_address_while_there_are_few),
		BENCH_TEST(reads_what_moved_by_address_when_there_are_many),
		BENCH_TEST(never_chooses_more_than_there_is_room_for),
		cmocka_unit_test(tells_a_tuple_from_another_in_the_same_memory),
	};

	return cmocka_run_group_tests_name("ct_hot", tests, NULL, NULL);
}
