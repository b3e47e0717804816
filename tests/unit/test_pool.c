// SPDX-License-Identifier: Apache-2.0
/* Slots of fixed-size objects: zeroed, bounded, used again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "flow/pool.h"

#define OBJECTS 100

static void gives_every_slot_once_and_then_none(void **state)
{
	struct pool pool;
	char seen[OBJECTS] = { 0 };

	assert_int_equal(pool_init(&pool, 24, OBJECTS), 0);
	for (unsigned i = 0; i < OBJECTS; i++) {
		const uint32_t slot = pool_take(&pool);

		assert_in_range(slot, 0, OBJECTS - 1);
		assert_int_equal(seen[slot]++, 0);
	}
	assert_int_equal(pool_take(&pool), POOL_NONE);
	assert_int_equal(pool.live, OBJECTS);
	pool_fini(&pool);
	(void)state;
}

static void gives_zeroed_objects_again_and_again(void **state)
{
	static const char zero[24];
	struct pool pool;

	assert_int_equal(pool_init(&pool, 24, OBJECTS), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			const uint32_t slot = pool_take(&pool);

			assert_memory_equal(pool_at(&pool, slot), zero, sizeof(zero));
			memset(pool_at(&pool, slot), 0xff, sizeof(zero));
		}
		for (unsigned i = 0; i < OBJECTS; i++)
			pool_give(&pool, (i * 37) % OBJECTS);
		assert_int_equal(pool.live, 0);
	}
	pool_fini(&pool);
	(void)state;
}

static void uses_the_last_freed_slot_first(void **state)
{
	struct pool pool;
	uint32_t a, b, c;

	assert_int_equal(pool_init(&pool, 8, OBJECTS), 0);
	a = pool_take(&pool);
	b = pool_take(&pool);
	c = pool_take(&pool);
	pool_give(&pool, a);
	pool_give(&pool, c);
	assert_int_equal(pool_take(&pool), c);
	assert_int_equal(pool_take(&pool), a);
	assert_int_equal(pool.high, 3);
	assert_int_not_equal(b, pool_take(&pool));
	pool_fini(&pool);
	(void)state;
}

static void refuses_more_than_the_address_space(void **state)
{
	struct pool pool;

	assert_int_equal(pool_init(&pool, UINT32_MAX, UINT32_MAX), -ENOMEM);
	pool_fini(&pool);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_every_slot_once_and_then_none),
		cmocka_unit_test(gives_zeroed_objects_again_and_again),
		cmocka_unit_test(uses_the_last_freed_slot_first),
		cmocka_unit_test(refuses_more_than_the_address_space),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
