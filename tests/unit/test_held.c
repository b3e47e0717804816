// SPDX-License-Identifier: Apache-2.0
/* Lines that wait: all come out, in the order they came in. */
#include "cmd/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void push(struct held *held, unsigned i, size_t width)
{
	char line[1024];
	const int n = snprintf(line, sizeof(line), "%0*u\n", (int)width, i);

	assert_int_equal(held_push(held, line, (size_t)n, i), 0);
}

static void pops(struct held *held, unsigned i)
{
	const char *line = NULL;
	uint64_t until_boot_ns = 0;
	size_t n = 0;

	assert_true(held_first(held, &line, &n, &until_boot_ns));
	assert_int_equal(until_boot_ns, i);
	assert_int_equal(line[n - 1], '\n');
	assert_int_equal(strtoul(line, NULL, 10), i);
	held_pop(held);
}

static void lines_come_out_as_they_came_in(void **state)
{
	struct held held = { 0 };
	const char *line;
	uint64_t until_boot_ns;
	unsigned in = 0, out = 0;
	size_t n;

	held_pop(&held);
	for (unsigned turn = 0; turn < 20000; turn++) {
		for (unsigned i = 0; i < turn * 7 % 5 && !held_is_full(&held); i++)
			push(&held, in++, 1 + turn % 90);
		for (unsigned i = 0; i < turn * 3 % 4 && out < in; i++)
			pops(&held, out++);
	}
	assert_true(in > 20000);
	assert_true(held.text.capacity < 4 * HELD_BYTES);
	while (out < in)
		pops(&held, out++);
	assert_false(held_first(&held, &line, &n, &until_boot_ns));
	held_fini(&held);
}

static void there_is_room_for_so_many_lines(void **state)
{
	struct held held = { 0 };
	unsigned in = 0;

	while (!held_is_full(&held))
		push(&held, in++, 1);
	assert_int_equal(in, HELD_LINES);
	pops(&held, 0);
	assert_false(held_is_full(&held));
	held_fini(&held);
}

static void there_is_room_for_so_many_bytes(void **state)
{
	struct held held = { 0 };
	unsigned in = 0;

	while (!held_is_full(&held))
		push(&held, in++, 1000);
	assert_int_equal(in, HELD_BYTES / 1001 + 1);
	pops(&held, 0);
	pops(&held, 1);
	assert_false(held_is_full(&held));
	held_fini(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_out_as_they_came_in),
		cmocka_unit_test(there_is_room_for_so_many_lines),
		cmocka_unit_test(there_is_room_for_so_many_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
