// SPDX-License-Identifier: Apache-2.0
/* What a service manager hears. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/notify.h"

static void says_nothing_where_nobody_listens(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_is_wanted());
	assert_int_equal(notify_send("READY=1\n"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_send("READY=1\n"), 0);
	setenv("NOTIFY_SOCKET", "@nobody.ever.listens.here", 1);
	assert_int_equal(notify_send("READY=1\n"), -ECONNREFUSED);
	(void)state;
}

static void one_datagram_arrives_at_an_abstract_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[32], got[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	snprintf(name, sizeof(name), "@weir.test.%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					  strlen(name))), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_true(notify_is_wanted());
	assert_int_equal(notify_send("READY=1\nSTATUS=%d flows\n", 3), 1);
	n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_int_equal(n, (int)strlen("READY=1\nSTATUS=3 flows\n"));
	assert_memory_equal(got, "READY=1\nSTATUS=3 flows\n", (size_t)n);
	close(fd);
	(void)state;
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
	char path[200];

	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_send("READY=1\n"), -ENAMETOOLONG);
	(void)state;
}

static void the_watchdog_is_of_this_process_alone(void **state)
{
	char pid[24];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ns(), 30000000000);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ns(), 30000000000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ns(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_watchdog_ns(), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_where_nobody_listens),
		cmocka_unit_test(one_datagram_arrives_at_an_abstract_socket),
		cmocka_unit_test(a_path_that_is_too_long_is_an_error),
		cmocka_unit_test(the_watchdog_is_of_this_process_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
