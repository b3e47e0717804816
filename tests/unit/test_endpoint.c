// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/endpoint.h"
#include "base/why.h"

static void is(const char *text, const char *address, uint16_t port)
{
	struct sockaddr_storage storage;
	struct sockaddr_in *v4 = (void *)&storage;
	struct sockaddr_in6 *v6 = (void *)&storage;
	char printed[INET6_ADDRSTRLEN];
	struct why why = { "" };

	assert_int_equal(endpoint_parse(&storage, text, &why), 0);
	if (storage.ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, printed, sizeof(printed));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, printed, sizeof(printed));
	assert_string_equal(printed, address);
	assert_int_equal(ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port), port);
}

static void addresses_are_read(void **state)
{
	is("127.0.0.1:9477", "127.0.0.1", 9477);
	is("localhost:1", "127.0.0.1", 1);
	is("[::1]:65535", "::1", 65535);
	is("[2001:db8::7]:80", "2001:db8::7", 80);
	is("*:80", "::", 80);
	is(":80", "::", 80);
	is("0.0.0.0:80", "0.0.0.0", 80);
}

static void what_is_none_is_told(void **state)
{
	static const char *const bad[] = {
		"", "nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
		"127.0.0.1:x", "127.0.0.1:-1", "::1:80", "[::1]", "[::1:80", "[]:80", "[*]:80",
		"name:80", "300.0.0.1:80", "[127.0.0.1]:80", ":", "[:80",
		"1111111111111111111111111111111111111111111111111111111111111111111:80",
	};
	struct sockaddr_storage storage;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct why why = { "" };

		if (endpoint_parse(&storage, bad[i], &why) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
		assert_true(why.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(what_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
