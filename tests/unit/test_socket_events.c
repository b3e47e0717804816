// SPDX-License-Identifier: Apache-2.0
/* Sockets that are told of as they connect, fail and close, and shown as they move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/array.h"
#include "flow/field.h"
#include "lab.h"

#define CLIENT "local=10.0.0.1,1000,10.0.0.2,80,6,0,0"
#define SERVER "local=10.0.0.2,80,10.0.0.1,1000,6,0,0"
#define FLOW "orig=10.0.0.1,1000,10.0.0.2,80,6,0,0"
/* tuple, tcp_info, made or failed: enum of obs.h */
#define HAS_MADE "has=39"
#define HAS_FAILED "has=22"
#define EVERY_TCP "sweep socket netns=0 tcp_only=1"

static void a_scan_of_what_moved_proves_no_absence(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 " HAS_MADE);
	for (int i = 0; i < 5; i++) {
		pass(lab, S);
		see(lab, EVERY_TCP " moved_only=1");
	}
	assert_int_equal(count_of(lab, EVENT_CLOSE), 0);
	assert_int_equal(stats_of(lab).sockets, 1);
	/* a scan of all of them does, once it has missed it twice */
	for (int i = 0; i < 2; i++) {
		pass(lab, S);
		see(lab, EVERY_TCP);
	}
	assert_int_equal(count_of(lab, EVENT_CLOSE), 1);
}

static void a_pass_over_udp_says_nothing_of_tcp(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=1 role=1 " HAS_MADE);
	for (int i = 0; i < 5; i++) {
		pass(lab, S);
		see(lab, "sweep socket netns=1 udp_only=1");
	}
	assert_int_equal(count_of(lab, EVENT_CLOSE), 0);
}

/* Its process is looked for once it is accepted: until then it is not told without. */
static void an_accept_waits_for_who_accepts(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket " SERVER " netns=1 cookie=6 state=1 role=2 " HAS_MADE);
	pass(lab, S);
	see(lab, EVERY_TCP " moved_only=1 owners=1");
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 0);
	pass(lab, S);
	see(lab, EVERY_TCP " moved_only=1 owners=%llu",
	    (unsigned long long)(lab->now_boot_ns - S));
	assert_int_equal(count_of(lab, EVENT_ACCEPT), 1);
	/* at the time that it was */
	assert_int_equal(nth(lab, EVENT_ACCEPT, 0)->time_wall_ns, lab_wall_ns(lab) - 2 * S);
}

static void fail_to_connect(struct lab *lab)
{
	see(lab, "sample socket " CLIENT " netns=1 cookie=5 state=2 role=1 has=6");
	see(lab, "owner socket cookie=5 pid=33 comm=curl");
	see(lab, "close socket " CLIENT " netns=1 cookie=5 state=7 role=1 error=%d " HAS_FAILED,
	    ECONNREFUSED);
}

/* An entry of status confirmed, with a packet each way, in state CLOSE. */
static void refuse(struct lab *lab)
{
	see(lab, "close conntrack " FLOW " netns=1 state=8 status=8 bytes0=60 bytes1=40 "
		 "packets0=1 packets1=1");
}

static void a_failure_is_told_once_by_its_socket(void **state)
{
	struct lab *lab = *state;

	fail_to_connect(lab);
	refuse(lab);
	assert_int_equal(count_of(lab, EVENT_FAILED), 1);
	assert_int_equal(nth(lab, EVENT_FAILED, 0)->error, ECONNREFUSED);
	assert_int_equal(nth(lab, EVENT_FAILED, 0)->owner[INITIATOR].pid, 33);
	assert_int_equal(count_of(lab, EVENT_CLOSE), 0);
	assert_int_equal(count_of(lab, EVENT_END), 1);
	assert_identities(lab);
}

static void a_failure_before_there_is_a_port_has_none(void **state)
{
	struct lab *lab = *state;

	see(lab, "sample socket local=0.0.0.0,0,192.0.2.1,80,6,0,0 netns=1 cookie=5 state=2 "
		 "role=1 has=6");
	see(lab, "close socket local=0.0.0.0,0,192.0.2.1,80,6,0,0 netns=1 cookie=5 state=7 "
		 "role=1 error=%d " HAS_FAILED, ENETUNREACH);
	assert_int_equal(count_of(lab, EVENT_FAILED), 1);
	assert_false(record_has(nth(lab, EVENT_FAILED, 0), FIELD_SRC_PORT));
	assert_false(record_has(nth(lab, EVENT_FAILED, 0), FIELD_SRC_IP));
	assert_true(record_has(nth(lab, EVENT_FAILED, 0), FIELD_DST_PORT));
	assert_int_equal(live_count(lab), 0);
}

static void what_nobody_wants_is_not_made(void **state)
{
	struct lab *lab = *state;

	table_want(lab->table, 1U << EVENT_START | 1U << EVENT_UPDATE | 1U << EVENT_END);
	fail_to_connect(lab);
	refuse(lab);
	assert_int_equal(count_of(lab, EVENT_FAILED), 0);
	assert_int_equal(count_of(lab, EVENT_END), 1);
}

/* Two pairs of namespaces with equal addresses: the flow's server is the one whose
 * connection was made as it began. */
static void of_equal_tuples_the_one_made_as_the_flow_began_is_its_own(void **state)
{
	struct lab *lab = *state;
	const uint64_t start_wall_ns = lab_wall_ns(lab);

	see(lab, "sample conntrack " FLOW " netns=1 start=%llu bytes0=500 bytes1=300",
	    (unsigned long long)start_wall_ns);
	see(lab, "sample socket " SERVER " netns=2 cookie=6 state=1 role=2 " HAS_MADE);
	see(lab, "owner socket cookie=6 pid=66 comm=first");
	pass(lab, S);
	see(lab, "sample socket " SERVER " netns=4 cookie=7 state=1 role=2 " HAS_MADE);
	see(lab, "owner socket cookie=7 pid=77 comm=second");
	assert_int_equal(live(lab, 1000, 1).owner[RESPONDER].pid, 66);
}

static void a_later_look_at_the_nearer_one_puts_it_right(void **state)
{
	struct lab *lab = *state;
	const uint64_t start_wall_ns = lab_wall_ns(lab) + S;

	see(lab, "sample socket " SERVER " netns=4 cookie=7 state=1 role=2 " HAS_MADE);
	see(lab, "owner socket cookie=7 pid=77 comm=second");
	pass(lab, S);
	see(lab, "sample conntrack " FLOW " netns=1 start=%llu bytes0=500 bytes1=300",
	    (unsigned long long)start_wall_ns);
	see(lab, "sample socket " SERVER " netns=2 cookie=6 state=1 role=2 " HAS_MADE);
	see(lab, "owner socket cookie=6 pid=66 comm=first");
	assert_int_equal(live(lab, 1000, 1).owner[RESPONDER].pid, 66);
}

/* An event can be read after what came after it: what it counts has been counted. */
static void what_is_read_late_is_counted_once(void **state)
{
	/* a late one can also be what first tells of its retransmits */
	static const struct { unsigned at_ms, segments, retransmits; } seen[] = {
		{ 500, 100, 5 }, { 400, 90, 3 }, { 450, 95, 7 }, { 600, 120, 7 }, { 550, 110, 9 },
		{ 700, 150, 9 }, { 700, 150, 9 },
	};
	struct lab *lab = *state;

	see(lab, "open socket " CLIENT " netns=1 cookie=7 role=1 state=1");
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		see(lab, "sample socket " CLIENT " netns=1 cookie=7 state=1 at=%llu sent=1 "
			 "segs_out=%u retrans=%u",
		    (unsigned long long)(LAB_BOOT_NS + seen[i].at_ms * MS), seen[i].segments,
		    seen[i].retransmits);
	assert_int_equal(stats_of(lab).segments_sent, 150);
	assert_int_equal(stats_of(lab).segments_retransmitted, 9);
	pass(lab, S);
	sweep(lab, "conntrack", 1);
	sweep(lab, "conntrack", 1);
	assert_int_equal(live(lab, 1000, 1).retransmits[INITIATOR], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_scan_of_what_moved_proves_no_absence),
		LAB_TEST(a_pass_over_udp_says_nothing_of_tcp),
		LAB_TEST(an_accept_waits_for_who_accepts),
		LAB_TEST(a_failure_is_told_once_by_its_socket),
		LAB_TEST(a_failure_before_there_is_a_port_has_none),
		LAB_TEST(what_nobody_wants_is_not_made),
		LAB_TEST(of_equal_tuples_the_one_made_as_the_flow_began_is_its_own),
		LAB_TEST(a_later_look_at_the_nearer_one_puts_it_right),
		LAB_TEST(what_is_read_late_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
