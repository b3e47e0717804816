// SPDX-License-Identifier: Apache-2.0
/* A set of namespaces against the plainest one there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "source/netns_set.h"

#define RANGE 200

static void has_what_was_added_and_not_dropped(void **state)
{
	struct netns_set set = { 0 };
	bool has[RANGE] = { false };
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		const uint32_t netns = 1 + rand_r(&seed) % (RANGE - 1);

		if (rand_r(&seed) % 2) {
			assert_int_equal(netns_set_add(&set, netns), 0);
			has[netns] = true;
		} else {
			netns_set_drop(&set, netns);
			has[netns] = false;
		}
		for (uint32_t k = 0; k < RANGE; k++)
			assert_int_equal(netns_set_has(&set, k), has[k]);
	}
	netns_set_fini(&set);
	(void)state;
}

static void forgets_at_once_what_it_found_last(void **state)
{
	struct netns_set set = { 0 };

	assert_int_equal(netns_set_add(&set, 4026531840U), 0);
	assert_true(netns_set_has(&set, 4026531840U));
	netns_set_drop(&set, 4026531840U);
	assert_false(netns_set_has(&set, 4026531840U));
	assert_false(netns_set_has(&set, 0));
	netns_set_fini(&set);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_what_was_added_and_not_dropped),
		cmocka_unit_test(forgets_at_once_what_it_found_last),
	};

	return cmocka_run_group_tests_name("netns_set", tests, NULL, NULL);
}
