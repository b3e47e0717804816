// SPDX-License-Identifier: Apache-2.0
/* Names by a name server that answers well, badly and not at all. Addresses are those that
 * stand in no hosts file (RFC 5737, RFC 3849). */
#include "ui/names.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "answerer.h"
#include "base/addr.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"

#define S NUM_NS_PER_S
#define BEGIN (1000 * S)

struct bench {
	struct answerer answerer;
	struct names *names;
};

static void bench_open(struct bench *bench, struct names_conf conf)
{
	answerer_open(&bench->answerer);
	conf.servers = bench->answerer.servers;
	assert_int_equal(names_new(&bench->names, &conf, NULL), 0);
}

static void bench_close(struct bench *bench)
{
	names_free(bench->names);
	answerer_close(&bench->answerer);
}

static struct addr address(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text, strlen(text)), 0);
	return addr;
}

static const char *name_of(struct bench *bench, const char *text, uint64_t now)
{
	const struct addr addr = address(text);

	return names_of(bench->names, &addr, now);
}

/* The i-th of many. */
static void want(struct bench *bench, unsigned i, uint64_t now)
{
	char text[32];

	snprintf(text, sizeof(text), "2001:db8::%x", i + 1);
	name_of(bench, text, now);
}

/* One turn of both at a time that stands still. */
static void turn(struct bench *bench, uint64_t now, int wait_ms)
{
	struct pollfd fds[NAMES_FDS_MAX + 1];
	unsigned n;

	names_process(bench->names, NULL, 0, now);
	n = names_fds(bench->names, fds, NAMES_FDS_MAX);
	fds[n] = (struct pollfd){ .fd = bench->answerer.fd, .events = POLLIN };
	poll(fds, n + 1, wait_ms);
	answerer_serve(&bench->answerer);
	names_process(bench->names, fds, n, now);
}

/* Until nothing is awaited any more. */
static void settle(struct bench *bench, uint64_t now)
{
	const uint64_t until_boot_ns = clock_boot_ns() + 20 * S;

	while (names_awaited(bench->names)) {
		assert_true(clock_boot_ns() < until_boot_ns);
		turn(bench, now, 100);
	}
}

/* Until the answerer was asked so often in all. */
static void settle_questions(struct bench *bench, uint64_t now, unsigned questions)
{
	const uint64_t until_boot_ns = clock_boot_ns() + 20 * S;

	while (bench->answerer.questions < questions) {
		assert_true(clock_boot_ns() < until_boot_ns);
		turn(bench, now, 100);
	}
	turn(bench, now, 20); /* is there one more? */
	assert_int_equal(bench->answerer.questions, questions);
}

static void a_name_is_asked_for_once_and_then_known(void **state)
{
	struct bench bench;
	uint64_t generation;

	bench_open(&bench, (struct names_conf){ 0 });
	generation = names_generation(bench.names);
	bench.answerer.text = "web-1.example_2.org";
	assert_int_equal(names_timeout_ms(bench.names, BEGIN), -1);
	assert_null(name_of(&bench, "192.0.2.7", BEGIN));
	assert_null(name_of(&bench, "192.0.2.7", BEGIN));
	assert_int_equal(names_timeout_ms(bench.names, BEGIN), 0);
	assert_int_equal(names_awaited(bench.names), 1);
	assert_int_equal(names_generation(bench.names), generation);
	settle(&bench, BEGIN);
	assert_string_equal(bench.answerer.asked, "7.2.0.192.in-addr.arpa");
	assert_string_equal(name_of(&bench, "192.0.2.7", BEGIN), "web-1.example_2.org");
	assert_int_not_equal(names_generation(bench.names), generation);
	assert_string_equal(name_of(&bench, "192.0.2.7", BEGIN + 299 * S), "web-1.example_2.org");
	assert_int_equal(names_awaited(bench.names), 0);
	assert_int_equal(names_timeout_ms(bench.names, BEGIN), -1);
	assert_int_equal(bench.answerer.questions, 1);
	assert_null(name_of(&bench, "2001:db8::5", BEGIN));
	settle(&bench, BEGIN);
	assert_string_equal(bench.answerer.asked,
			    "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
			    "ip6.arpa");
	assert_string_equal(name_of(&bench, "2001:db8::5", BEGIN), "web-1.example_2.org");
	bench_close(&bench);
}

static void an_old_name_stays_while_it_is_asked_for_anew(void **state)
{
	struct bench bench;
	uint64_t generation, now = BEGIN;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.text = "old.example";
	name_of(&bench, "192.0.2.7", now);
	settle(&bench, now);
	generation = names_generation(bench.names);
	now += 301 * S;
	assert_string_equal(name_of(&bench, "192.0.2.7", now), "old.example");
	settle(&bench, now); /* the same */
	assert_int_equal(bench.answerer.questions, 2);
	assert_int_equal(names_generation(bench.names), generation);
	now += 301 * S;
	bench.answerer.reply = REPLY_SILENCE;
	name_of(&bench, "192.0.2.7", now);
	while (names_timeout_ms(bench.names, now) >= 0) /* as long as c-ares tries */
		turn(&bench, now, 100);
	assert_string_equal(name_of(&bench, "192.0.2.7", now), "old.example");
	assert_int_equal(names_generation(bench.names), generation);
	now += 61 * S;
	bench.answerer.reply = REPLY_NXDOMAIN;
	name_of(&bench, "192.0.2.7", now);
	settle(&bench, now);
	assert_null(name_of(&bench, "192.0.2.7", now));
	assert_int_not_equal(names_generation(bench.names), generation);
	bench_close(&bench);
}

static void is_no_name(enum reply reply, const char *text)
{
	struct bench bench;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.reply = reply;
	bench.answerer.text = text;
	name_of(&bench, "192.0.2.7", BEGIN);
	settle(&bench, BEGIN);
	if (name_of(&bench, "192.0.2.7", BEGIN))
		fail_msg("\"%s\" became a name", text);
	bench.answerer.reply = REPLY_NAME;
	bench.answerer.text = "good.example";
	bench.answerer.questions = 0;
	name_of(&bench, "192.0.2.7", BEGIN + 59 * S);
	settle(&bench, BEGIN + 59 * S);
	assert_int_equal(bench.answerer.questions, 0);
	name_of(&bench, "192.0.2.7", BEGIN + 60 * S);
	settle(&bench, BEGIN + 60 * S);
	assert_int_equal(bench.answerer.questions, 1);
	assert_string_equal(name_of(&bench, "192.0.2.7", BEGIN + 61 * S), "good.example");
	bench_close(&bench);
}

static void that_there_is_none_is_remembered_for_a_minute(void **state)
{
	is_no_name(REPLY_NXDOMAIN, NULL);
	is_no_name(REPLY_NO_DATA, NULL);
	is_no_name(REPLY_SERVFAIL, NULL);
	is_no_name(REPLY_GARBAGE, NULL);
	is_no_name(REPLY_CUT, NULL);
	is_no_name(REPLY_LOOP, NULL);
}

static void what_is_no_host_name_is_not_shown(void **state)
{
	static const char *const hostile[] = {
		"", "\x1b[31mred.example", "bell\a.example", "line\nbreak.example", "tab\t.example",
		"\x7f.example", "\xc2\x9bq.example", "caf\xc3\xa9.example", "\xff\xfe.example",
		"a b.example", "a/b.example", "[::1]:443", "a:80.example", "<script>.example",
		"192.0.2.8", "8", "1.2.3", "-n.example", "a.-b", "*.example", "a\\b.example",
	};

	for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
		is_no_name(REPLY_NAME, hostile[i]);
}

static void a_name_may_have_253_characters(void **state)
{
	struct bench bench;
	char text[254];

	for (size_t i = 0; i < 253; i++)
		text[i] = (char)(i % 64 == 63 ? '.' : 'a' + i % 26);
	text[253] = '\0';
	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.text = text;
	name_of(&bench, "192.0.2.7", BEGIN);
	settle(&bench, BEGIN);
	assert_string_equal(name_of(&bench, "192.0.2.7", BEGIN), text);
	bench_close(&bench);
}

static void silence_is_not_waited_for_but_a_late_answer_is_taken(void **state)
{
	struct bench bench;
	const struct addr addr = address("192.0.2.7");
	uint64_t now = BEGIN;
	int timeout_ms;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.reply = REPLY_SILENCE;
	names_of(bench.names, &addr, now);
	settle_questions(&bench, now, 1);
	timeout_ms = names_timeout_ms(bench.names, now);
	assert_in_range(timeout_ms, 1, 700);
	assert_true(names_is_awaited(bench.names, &addr));
	now += 2 * S;
	turn(&bench, now, 0);
	assert_false(names_is_awaited(bench.names, &addr));
	assert_int_equal(names_awaited(bench.names), 0);
	assert_null(names_of(bench.names, &addr, now));
	answerer_reply_late(&bench.answerer, "late.example");
	for (int i = 0; i < 100 && !names_of(bench.names, &addr, now); i++)
		turn(&bench, now, 100);
	assert_string_equal(names_of(bench.names, &addr, now), "late.example");
	bench_close(&bench);
}

static void nobody_else_may_answer(void **state)
{
	struct bench bench;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.reply = REPLY_STRANGER;
	name_of(&bench, "192.0.2.7", BEGIN);
	settle_questions(&bench, BEGIN, 1);
	turn(&bench, BEGIN, 20);
	turn(&bench, BEGIN + 2 * S, 0);
	assert_null(name_of(&bench, "192.0.2.7", BEGIN + 2 * S));
	bench_close(&bench);
}

static void no_second_has_more_than_ten_questions(void **state)
{
	struct bench bench;
	uint64_t now = BEGIN;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.reply = REPLY_NXDOMAIN;
	for (unsigned i = 0; i < 4; i++)
		want(&bench, i, now);
	settle(&bench, now);
	for (unsigned i = 4; i < 30; i++)
		want(&bench, i, now + S / 2);
	settle_questions(&bench, now + S / 2, 10);
	assert_int_equal(names_timeout_ms(bench.names, now + S / 2), 500);
	settle_questions(&bench, now + S - 1, 10);
	settle_questions(&bench, now + S, 14);
	settle_questions(&bench, now + 3 * S / 2 - 1, 14);
	settle_questions(&bench, now + 3 * S / 2, 20);
	bench_close(&bench);
}

static void no_more_than_agreed_are_under_way(void **state)
{
	struct bench bench;

	bench_open(&bench, (struct names_conf){ .per_second = 1000, .under_way = 4 });
	bench.answerer.reply = REPLY_SILENCE;
	for (unsigned i = 0; i < 20; i++)
		want(&bench, i, BEGIN);
	settle_questions(&bench, BEGIN, 4);
	assert_int_equal(names_awaited(bench.names), 20);
	turn(&bench, BEGIN + 2 * S, 0); /* late ones hold their places */
	assert_int_equal(bench.answerer.questions, 4);
	assert_int_equal(names_awaited(bench.names), 16);
	bench_close(&bench);
}

static void what_nobody_wants_any_more_is_not_asked(void **state)
{
	struct bench bench;

	bench_open(&bench, (struct names_conf){ 0 });
	bench.answerer.reply = REPLY_NXDOMAIN;
	for (unsigned i = 0; i < 30; i++)
		want(&bench, i, BEGIN);
	settle_questions(&bench, BEGIN, 10);
	want(&bench, 20, BEGIN + 9 * S);
	settle_questions(&bench, BEGIN + 11 * S, 11);
	assert_int_equal(names_awaited(bench.names), 0);
	bench_close(&bench);
}

static void what_was_wanted_longest_ago_is_forgotten(void **state)
{
	struct bench bench;
	const unsigned many = 300;

	bench_open(&bench, (struct names_conf){ .entries = 100, .per_second = 256 });
	bench.answerer.text = "many.example";
	for (unsigned i = 0; i < many; i++) {
		want(&bench, i, BEGIN + i * S);
		settle(&bench, BEGIN + i * S);
		want(&bench, 0, BEGIN + i * S);
	}
	assert_int_equal(bench.answerer.questions, many);
	want(&bench, 0, BEGIN + many * S - 1);
	want(&bench, many - 50, BEGIN + many * S - 1);
	assert_int_equal(names_awaited(bench.names), 0);
	want(&bench, 1, BEGIN + many * S - 1);
	assert_int_equal(names_awaited(bench.names), 1);
	/* as many as there are at once: what waits is not forgotten */
	for (unsigned i = 0; i < 5000; i++)
		want(&bench, 1000 + i, BEGIN + many * S - 1);
	assert_int_equal(names_awaited(bench.names), 100);
	bench_close(&bench);
}

static void the_queue_is_bounded(void **state)
{
	struct bench bench;

	bench_open(&bench, (struct names_conf){ 0 });
	for (unsigned i = 0; i < 5000; i++)
		want(&bench, i, BEGIN);
	assert_int_equal(names_awaited(bench.names), 512);
	bench_close(&bench);
}

static void some_addresses_are_not_asked_for(void **state)
{
	static const char *const silent[] = { "0.0.0.0", "::", "224.0.0.251", "255.255.255.255",
					      "ff02::fb", "127.0.0.53", "fe80::1", "febf::1" };
	struct bench bench;

	bench_open(&bench, (struct names_conf){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		assert_null(name_of(&bench, silent[i], BEGIN));
	assert_string_equal(name_of(&bench, "127.0.0.1", BEGIN), "localhost");
	assert_string_equal(name_of(&bench, "::1", BEGIN), "localhost");
	assert_int_equal(names_awaited(bench.names), 0);
	bench_close(&bench);
}

static void write_file(char *path, const char *text)
{
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void services_and_users_are_those_of_the_files(void **state)
{
	char services[] = "weir_services.XXXXXX", users[] = "weir_users.XXXXXX";
	struct names_conf conf = { .servers = "127.0.0.1:9" };
	struct names *names;

	write_file(services, "# comment 1/tcp\nhttps\t443/tcp\nhttp2 443/tcp # later\n"
			     "quic 443/udp\n\nnonsense\nbad 99999/tcp\nworse x/tcp\nodd 7/xyz\n"
			     "e\x1b[1mvil 8/tcp\nssh 22/tcp");
	write_file(users, "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nbroken\n+::::::\n"
			  "-no:x:9:9::/:\nann:x:1000:1000::/home:/bin/sh\n"
			  "big:x:4294967294:0::/:\n");
	conf.services_path = services;
	conf.users_path = users;
	assert_int_equal(names_new(&names, &conf, NULL), 0);
	unlink(services);
	unlink(users);
	assert_string_equal(names_service(names, "tcp", 443), "https");
	assert_string_equal(names_service(names, "udp", 443), "quic");
	assert_string_equal(names_service(names, "tcp", 22), "ssh");
	assert_string_equal(names_service(names, "tcp", 8), "e?[1mvil");
	assert_null(names_service(names, "sctp", 443));
	assert_null(names_service(names, "tcp", 1));
	assert_null(names_service(names, "tcp", 99999 & 0xffff));
	assert_null(names_service(names, "icmp", 443));
	assert_null(names_service(names, "47", 443));
	assert_string_equal(names_user(names, 0), "root");
	assert_string_equal(names_user(names, 1000), "ann");
	assert_string_equal(names_user(names, 4294967294), "big");
	assert_null(names_user(names, 9));
	assert_null(names_user(names, 1001));
	names_free(names);
	conf.services_path = conf.users_path = "weir.there/is/none";
	assert_int_equal(names_new(&names, &conf, NULL), 0);
	assert_null(names_service(names, "tcp", 443));
	assert_null(names_user(names, 0));
	names_free(names);
}

static void without_names_nothing_has_one(void **state)
{
	struct names_conf conf = { .servers = "not a server" };
	struct addr addr = address("127.0.0.1");
	struct names *names = NULL;

	assert_null(names_of(NULL, &addr, BEGIN));
	assert_null(names_service(NULL, "tcp", 443));
	assert_null(names_user(NULL, 0));
	names_free(NULL);
	assert_int_equal(names_new(&names, &conf, NULL), -EINVAL);
	assert_null(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_asked_for_once_and_then_known),
		cmocka_unit_test(an_old_name_stays_while_it_is_asked_for_anew),
		cmocka_unit_test(that_there_is_none_is_remembered_for_a_minute),
		cmocka_unit_test(what_is_no_host_name_is_not_shown),
		cmocka_unit_test(a_name_may_have_253_characters),
		cmocka_unit_test(silence_is_not_waited_for_but_a_late_answer_is_taken),
		cmocka_unit_test(nobody_else_may_answer),
		cmocka_unit_test(no_second_has_more_than_ten_questions),
		cmocka_unit_test(no_more_than_agreed_are_under_way),
		cmocka_unit_test(what_nobody_wants_any_more_is_not_asked),
		cmocka_unit_test(what_was_wanted_longest_ago_is_forgotten),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(some_addresses_are_not_asked_for),
		cmocka_unit_test(services_and_users_are_those_of_the_files),
		cmocka_unit_test(without_names_nothing_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
