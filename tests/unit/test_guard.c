// SPDX-License-Identifier: Apache-2.0
/*
 * The guard with real netlink sockets, in this namespace. Whether reliability is
 * on is asked of the socket itself: NETLINK_BROADCAST_ERROR is a flag of the
 * socket and so the same through every duplicate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/num.h"
#include "base/why.h"
#include "source/ct_socket.h"
#include "source/guard.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define PATIENCE_NS (250 * NUM_NS_PER_MS)
#define LIMIT_NS (10 * NUM_NS_PER_S)

static void pause_ms(unsigned ms)
{
	poll(NULL, 0, (int)ms);
}

static bool is_reliable(int fd)
{
	socklen_t size = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &value, &size), 0);
	return value;
}

static int reliable_socket(void)
{
	struct why why = { 0 };
	int fd = ct_socket_open(&why);

	if (fd < 0)
		fail_msg("%s", why.text);
	assert_int_equal(ct_socket_set_reliable(fd, true), 0);
	return fd;
}

static struct guard *guard_begin(uint64_t patience_ns)
{
	struct why why = { 0 };
	struct guard *guard;

	if (guard_new_patient(&guard, patience_ns, &why) < 0)
		fail_msg("%s", why.text);
	return guard;
}

/* What /proc/PID/fd/N leads to, for N below 64: does one lead to `target`? */
static bool has_descriptor(int pid, const char *target)
{
	char path[64], link[64];
	ssize_t n;
	int fd;

	for (fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (!strcmp(link, target))
			return true;
	}
	return false;
}

static void name_of(char ret[64], int fd)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, ret, 63);
	assert_true(n > 0);
	ret[n] = '\0';
}

static void await_descriptor(int pid, const char *target, bool there)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;

	while (has_descriptor(pid, target) != there) {
		assert_true(clock_boot_ns() < limit);
		pause_ms(5);
	}
}

static void gives_up_when_the_ticks_stop(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();

	assert_int_equal(guard_watch(guard, fd, 7), 0);
	guard_tick(guard, clock_boot_ns());
	while (is_reliable(fd)) {
		assert_true(clock_boot_ns() < limit);
		pause_ms(5);
	}
	while (!guard_give_ups(guard)) {
		assert_true(clock_boot_ns() < limit);
		pause_ms(5);
	}
	assert_int_equal(guard_give_ups(guard), 1);
	close(fd);
	guard_free(guard);
}

static void leaves_a_ticking_collector_alone(void **state)
{
	struct guard *guard = guard_begin(PATIENCE_NS);
	const uint64_t end = clock_boot_ns() + 4 * PATIENCE_NS;
	int fd = reliable_socket();

	assert_int_equal(guard_watch(guard, fd, 7), 0);
	while (clock_boot_ns() < end) {
		guard_tick(guard, clock_boot_ns());
		pause_ms(5);
	}
	assert_true(is_reliable(fd));
	assert_int_equal(guard_give_ups(guard), 0);
	close(fd);
	guard_free(guard);
}

/* Ticks until it is stopped; its own guard has the default patience. */
static _Noreturn void collect(int fd, int ready_fd)
{
	struct guard *guard;

	if (guard_new(&guard, NULL) < 0 || guard_watch(guard, fd, 1) < 0)
		_exit(1);
	for (;;) {
		guard_tick(guard, clock_boot_ns());
		if (ready_fd >= 0 && write(ready_fd, "", 1) == 1)
			ready_fd = -1;
		pause_ms(20);
	}
}

static void gives_up_for_a_collector_that_was_stopped(void **state)
{
	uint64_t stopped_ns, took_ns;
	int fd = reliable_socket(), ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (!child)
		collect(fd, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	kill(child, SIGSTOP);
	stopped_ns = clock_boot_ns();
	while (is_reliable(fd)) {
		assert_true(clock_boot_ns() < stopped_ns + LIMIT_NS);
		pause_ms(20);
	}
	took_ns = clock_boot_ns() - stopped_ns;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	assert_in_range(took_ns, 4 * NUM_NS_PER_S, 7 * NUM_NS_PER_S);
}

static void ends_with_its_collector(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	int report[2], pid = 0;
	struct guard *guard;
	pid_t child;

	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	child = fork();
	if (!child) {
		if (guard_new_patient(&guard, PATIENCE_NS, NULL) < 0)
			_exit(1);
		pid = guard_pid(guard);
		_exit(write(report[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid));
	}
	close(report[1]);
	assert_int_equal(read(report[0], &pid, sizeof(pid)), sizeof(pid));
	/* nor does it hold what it inherited: the pipe has come to its end */
	assert_int_equal(read(report[0], &pid, 1), 0);
	close(report[0]);
	waitpid(child, NULL, 0);
	while (!kill(pid, 0)) {
		char path[64], stat[256];

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if (fs_read_text(path, stat, sizeof(stat)) < 0 || strstr(stat, ") Z "))
			break; /* nobody may be there to reap it */
		assert_true(clock_boot_ns() < limit);
		pause_ms(5);
	}
}

static int switch_at(const char *value)
{
	int fd = memfd_create("switch", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, value, strlen(value), 0), strlen(value));
	return fd;
}

static char value_of(int fd)
{
	char value;

	assert_int_equal(pread(fd, &value, 1, 0), 1);
	return value;
}

static void puts_switches_back_for_a_collector_that_was_killed(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	int ours = switch_at("1\n"), changed = switch_at("2\n"), returned = switch_at("1\n");
	struct guard *guard;
	pid_t child = fork();

	if (!child) {
		if (guard_new(&guard, NULL) < 0 || guard_watch_switch(guard, returned, 1) < 0)
			_exit(1);
		guard_unwatch(guard, 1);
		if (guard_watch_switch(guard, changed, 2) < 0 ||
		    guard_watch_switch(guard, ours, 3) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	while (value_of(ours) != '0') { /* the last of them */
		assert_true(clock_boot_ns() < limit);
		pause_ms(5);
	}
	assert_int_equal(value_of(changed), '2');
	assert_int_equal(value_of(returned), '1');
	close(ours);
	close(changed);
	close(returned);
}

static void lets_go_of_what_it_no_longer_watches(void **state)
{
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();
	char name[64];

	name_of(name, fd);
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true);
	guard_unwatch(guard, 7);
	await_descriptor(guard_pid(guard), name, false);
	close(fd);
	guard_free(guard);
}

static void is_told_again_what_it_had_no_room_for(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket(), other = reliable_socket(), r;
	uint32_t id = 100;
	char name[64];

	name_of(name, fd);
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true);
	kill(guard_pid(guard), SIGSTOP);
	do
		r = guard_watch(guard, other, id++);
	while (!r);
	assert_int_equal(r, -EAGAIN);
	guard_unwatch(guard, 7);
	/* nor may the old order meet a new namespace of the same number */
	assert_int_equal(guard_watch(guard, other, 7), -EAGAIN);
	kill(guard_pid(guard), SIGCONT);
	while (has_descriptor(guard_pid(guard), name)) {
		assert_true(clock_boot_ns() < limit);
		guard_tick(guard, clock_boot_ns());
		pause_ms(5);
	}
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true);
	close(fd);
	close(other);
	guard_free(guard);
}

static void survives_the_signals_meant_for_its_collector(void **state)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1 };
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();
	char name[64];
	size_t i;

	name_of(name, fd);
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		kill(guard_pid(guard), signals[i]);
	guard_unwatch(guard, 7);
	await_descriptor(guard_pid(guard), name, false);
	guard_tick(guard, clock_boot_ns());
	assert_true(guard_is_alive(guard));
	close(fd);
	guard_free(guard);
}

static void is_found_dead_when_it_was_killed(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();

	assert_true(guard_is_alive(guard));
	kill(guard_pid(guard), SIGKILL);
	while (guard_is_alive(guard)) {
		assert_true(clock_boot_ns() < limit);
		guard_tick(guard, clock_boot_ns());
		pause_ms(5);
	}
	assert_true(guard_watch(guard, fd, 7) < 0);
	close(fd);
	guard_free(guard);
}

/* Its collector then switches reliability off, as when it was killed. */
static void ends_when_it_cannot_hold_what_it_should_guard(void **state)
{
	const uint64_t limit = clock_boot_ns() + LIMIT_NS;
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();
	struct rlimit room;
	char name[64];

	name_of(name, fd);
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true);
	assert_int_equal(prlimit(guard_pid(guard), RLIMIT_NOFILE, NULL, &room), 0);
	room.rlim_cur = 5; /* the standard three, the socket to it and the one above */
	assert_int_equal(prlimit(guard_pid(guard), RLIMIT_NOFILE, &room, NULL), 0);
	assert_int_equal(guard_watch(guard, fd, 8), 0);
	while (guard_is_alive(guard)) {
		assert_true(clock_boot_ns() < limit);
		guard_tick(guard, clock_boot_ns());
		pause_ms(5);
	}
	close(fd);
	guard_free(guard);
}

static void has_a_name_and_the_right_to_put_back_at_most(void **state)
{
	struct guard *guard = guard_begin(PATIENCE_NS);
	int fd = reliable_socket();
	char path[64], text[4096], name[64];
	const char *effective;

	name_of(name, fd);
	assert_int_equal(guard_watch(guard, fd, 7), 0);
	await_descriptor(guard_pid(guard), name, true); /* so it has set itself up */
	snprintf(path, sizeof(path), "/proc/%d/status", guard_pid(guard));
	assert_true(fs_read_text(path, text, sizeof(text)) > 0);
	assert_memory_equal(text, "Name:\tweir-guard\n", 17);
	effective = strstr(text, "CapEff:\t");
	assert_non_null(effective);
	assert_int_equal(strtoull(effective + 8, NULL, 16) & ~(1ULL << CAP_NET_ADMIN), 0);
	close(fd);
	guard_free(guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_when_the_ticks_stop),
		cmocka_unit_test(leaves_a_ticking_collector_alone),
		cmocka_unit_test(gives_up_for_a_collector_that_was_stopped),
		cmocka_unit_test(ends_with_its_collector),
		cmocka_unit_test(puts_switches_back_for_a_collector_that_was_killed),
		cmocka_unit_test(lets_go_of_what_it_no_longer_watches),
		cmocka_unit_test(is_told_again_what_it_had_no_room_for),
		cmocka_unit_test(survives_the_signals_meant_for_its_collector),
		cmocka_unit_test(is_found_dead_when_it_was_killed),
		cmocka_unit_test(ends_when_it_cannot_hold_what_it_should_guard),
		cmocka_unit_test(has_a_name_and_the_right_to_put_back_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
