// SPDX-License-Identifier: Apache-2.0
/* The hash index against a plain array, with hashes that collide on purpose. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/index.h"

#define SLOTS 512

static bool has(const struct index *index, uint64_t hash, uint32_t wanted, unsigned *same)
{
	uint32_t slot, at;
	bool found = false;

	*same = 0;
	for (slot = index_first(index, hash, &at); slot != INDEX_END;
	     slot = index_next(index, hash, &at)) {
		++*same;
		found |= slot == wanted;
	}
	return found;
}

static void keeps_every_slot_of_an_equal_hash(void **state)
{
	struct index index;
	unsigned same;

	assert_int_equal(index_init(&index, SLOTS), 0);
	for (uint32_t slot = 0; slot < 10; slot++)
		index_add(&index, 7, slot);
	assert_true(has(&index, 7, 3, &same));
	assert_int_equal(same, 10);
	index_remove(&index, 7, 3);
	assert_false(has(&index, 7, 3, &same));
	assert_int_equal(same, 9);
	assert_false(has(&index, 8, 3, &same));
	assert_int_equal(same, 0);
	index_fini(&index);
	(void)state;
}

static void closes_the_gap_across_the_end_of_the_array(void **state)
{
	struct index index;
	unsigned same;

	/* homes at the last cell, so that entries lie around the corner */
	assert_int_equal(index_init(&index, 4), 0);
	for (uint32_t slot = 0; slot < 4; slot++)
		index_add(&index, index.mask + (uint64_t)slot * (index.mask + 1), slot);
	index_add(&index, 0, 9);
	for (uint32_t slot = 0; slot < 4; slot++) {
		index_remove(&index, index.mask + (uint64_t)slot * (index.mask + 1), slot);
		assert_true(has(&index, 0, 9, &same));
		for (uint32_t later = slot + 1; later < 4; later++)
			assert_true(has(&index, index.mask + (uint64_t)later * (index.mask + 1),
					later, &same));
	}
	assert_int_equal(index.count, 1);
	index_fini(&index);
	(void)state;
}

static void agrees_with_an_array_through_any_sequence(void **state)
{
	for (unsigned seed = 1; seed <= 5; seed++) {
		uint64_t hash[SLOTS] = { 0 };
		bool used[SLOTS] = { false };
		struct index index;
		unsigned same;

		srand(seed);
		assert_int_equal(index_init(&index, SLOTS), 0);
		for (unsigned i = 0; i < 20000; i++) {
			const uint32_t slot = (uint32_t)rand() % SLOTS;

			if (used[slot]) {
				assert_true(has(&index, hash[slot], slot, &same));
				index_remove(&index, hash[slot], slot);
			} else {
				/* few homes near the end: long chains around the corner */
				hash[slot] = (uint64_t)(rand() % 100) + 1000 +
					     ((uint64_t)(rand() % 4) << 12);
				index_add(&index, hash[slot], slot);
			}
			used[slot] = !used[slot];
			if (i % 64)
				continue;
			for (uint32_t j = 0; j < SLOTS; j++)
				assert_int_equal(used[j] && has(&index, hash[j], j, &same),
						 used[j]);
		}
		index_fini(&index);
	}
	(void)state;
}

static void refuses_what_it_cannot_address(void **state)
{
	struct index index = { 0 };

	assert_int_equal(index_init(&index, UINT32_MAX), -ENOMEM);
	index_fini(&index);
	(void)state;
}

static void tells_the_room_of_all_that_it_has_mapped(void **state)
{
	struct index index = { 0 };

	assert_int_equal(index_bytes(&index), 0);
	assert_int_equal(index_init(&index, SLOTS), 0);
	/* it grows from one mapping into the other */
	assert_int_equal(index_bytes(&index), 2 * 2 * SLOTS * sizeof(struct index_entry));
	index_fini(&index);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_every_slot_of_an_equal_hash),
		cmocka_unit_test(closes_the_gap_across_the_end_of_the_array),
		cmocka_unit_test(agrees_with_an_array_through_any_sequence),
		cmocka_unit_test(refuses_what_it_cannot_address),
		cmocka_unit_test(tells_the_room_of_all_that_it_has_mapped),
	};

	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
