// SPDX-License-Identifier: Apache-2.0
/* The watch over namespaces, in this one: when a listener is called again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/why.h"
#include "source/netns.h"

#define S NUM_NS_PER_S
#define BEGAN_NS (1000 * S)

struct listening {
	unsigned calls;
	uint32_t refused; /* these parts are */
	uint32_t asked;   /* for these, by the last call */
	uint64_t found_boot_ns;
};

static void entered(void *context, struct netns_place *place, int r)
{
	struct listening *listening = context;

	assert_int_equal(r, 0);
	assert_true(place->own);
	listening->calls++;
	listening->asked = place->missing;
	listening->found_boot_ns = place->found_boot_ns;
	place->missing &= listening->refused;
	place->reason = place->missing ? -EMFILE : 0;
}

static void gone(void *context, uint32_t netns)
{
	fail_msg("namespace %u is gone", netns);
}

static struct netns_watch *watch_new(struct listening *listening)
{
	const struct netns_listener listener = { entered, gone, listening };
	struct netns_watch *watch;
	struct why why = { "" };

	if (netns_watch_new(&watch, false, &listener, &why) < 0)
		fail_msg("%s", why.text);
	return watch;
}

static void is_unwatched(const struct netns_watch *watch, uint32_t count, int reason)
{
	int got;

	assert_int_equal(netns_watch_unwatched(watch, &got), count);
	assert_int_equal(got, reason);
}

static void a_namespace_that_lets_all_in_is_entered_once(void **state)
{
	struct listening listening = { 0 };
	struct netns_watch *watch = watch_new(&listening);
	struct stat own;

	assert_int_equal(stat("/proc/thread-self/ns/net", &own), 0);
	assert_int_equal(netns_watch_own(watch), own.st_ino);
	assert_true(netns_watch_tick(watch, BEGAN_NS) == UINT64_MAX);
	assert_true(netns_watch_tick(watch, BEGAN_NS + 1000 * S) == UINT64_MAX);
	assert_int_equal(listening.calls, 1);
	is_unwatched(watch, 0, 0);
	netns_watch_free(watch);
	(void)state;
}

static void what_is_refused_is_tried_again_later_and_later(void **state)
{
	static const unsigned pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct listening listening = { .refused = 1 };
	struct netns_watch *watch = watch_new(&listening);
	uint64_t now_ns = BEGAN_NS, next_ns;

	for (unsigned i = 0; i < sizeof(pauses_s) / sizeof(pauses_s[0]); i++) {
		next_ns = netns_watch_tick(watch, now_ns);
		assert_int_equal(listening.calls, i + 1);
		assert_int_equal(next_ns - now_ns, pauses_s[i] * S);
		assert_int_equal(netns_watch_tick(watch, next_ns - 1), next_ns);
		assert_int_equal(listening.calls, i + 1);
		is_unwatched(watch, 1, -EMFILE);
		now_ns = next_ns;
	}
	assert_int_equal(listening.found_boot_ns, BEGAN_NS);
	netns_watch_free(watch);
	(void)state;
}

static void only_the_parts_that_are_missing_are_asked_for(void **state)
{
	struct listening listening = { .refused = 6 };
	struct netns_watch *watch = watch_new(&listening);
	uint64_t next_ns = netns_watch_tick(watch, BEGAN_NS);

	assert_int_equal(listening.asked, UINT32_MAX);
	listening.refused = 4;
	next_ns = netns_watch_tick(watch, next_ns);
	assert_int_equal(listening.asked, 6);
	listening.refused = 0;
	assert_true(netns_watch_tick(watch, next_ns) == UINT64_MAX);
	assert_int_equal(listening.asked, 4);
	assert_int_equal(listening.calls, 3);
	is_unwatched(watch, 0, 0);
	netns_watch_free(watch);
	(void)state;
}

static void parts_that_came_later_are_led_in_at_the_next_tick(void **state)
{
	struct listening listening = { 0 };
	struct netns_watch *watch = watch_new(&listening);

	netns_watch_tick(watch, BEGAN_NS);
	netns_watch_reenter(watch, 9);
	is_unwatched(watch, 1, 0);
	assert_true(netns_watch_tick(watch, BEGAN_NS + 1) == UINT64_MAX);
	assert_int_equal(listening.asked, 9);
	assert_int_equal(listening.calls, 2);
	assert_int_equal(listening.found_boot_ns, BEGAN_NS);
	/* what is refused then is tried again from the first pause on */
	listening.refused = 8;
	netns_watch_reenter(watch, 9);
	assert_int_equal(netns_watch_tick(watch, BEGAN_NS + S), BEGAN_NS + 2 * S);
	is_unwatched(watch, 1, -EMFILE);
	netns_watch_free(watch);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_namespace_that_lets_all_in_is_entered_once),
		cmocka_unit_test(what_is_refused_is_tried_again_later_and_later),
		cmocka_unit_test(only_the_parts_that_are_missing_are_asked_for),
		cmocka_unit_test(parts_that_came_later_are_led_in_at_the_next_tick),
	};

	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
