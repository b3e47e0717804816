// SPDX-License-Identifier: Apache-2.0
/* Names in the place of numbers, and nothing else changed. */
#include "cmd/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/array.h"
#include "base/buf.h"

/* 192.0.2.1 and 2001:db8::1 have a name, 443 of TCP and 53 of UDP, and the users below 10. */
static const char *host(void *context, const struct addr *addr)
{
	char text[ADDR_TEXT_SIZE];

	addr_print(text, addr);
	if (!strcmp(text, "192.0.2.1"))
		return "web.example";
	return strcmp(text, "2001:db8::1") ? NULL : "six.example";
}

static const char *service(void *context, const char *proto, uint16_t port)
{
	if (port == 443 && !strcmp(proto, "tcp"))
		return "https";
	return port == 53 && !strcmp(proto, "udp") ? "domain" : NULL;
}

static const char *user(void *context, uint32_t uid)
{
	return uid < 10 ? "daemon" : NULL;
}

static const struct rewrite usual = { .host = host, .service = service, .user = user };

/* The text lies in memory of its own, so that a look past it is seen. */
static void becomes(void (*function)(struct buf *, const struct rewrite *, const char *, size_t),
		    const struct rewrite *rewrite, const char *text, const char *wanted)
{
	const size_t n = strlen(text);
	char *copy = n ? memcpy(malloc(n), text, n) : malloc(1);
	struct buf out = { 0 };

	function(&out, rewrite, copy, n);
	free(copy);
	buf_putc(&out, '\0');
	assert_string_equal(out.data, wanted);
	buf_fini(&out);
}

static void tcp_end(struct buf *out, const struct rewrite *rewrite, const char *word, size_t n)
{
	rewrite_end(out, rewrite, "tcp", word, n);
}

static void an_end_is_an_address_and_perhaps_a_port(void **state)
{
	static const char *const ends[][2] = {
		{ "192.0.2.1:443", "web.example:https" },
		{ "192.0.2.1:80", "web.example:80" },
		{ "192.0.2.2:443", "192.0.2.2:https" },
		{ "192.0.2.2:80", "192.0.2.2:80" },
		{ "192.0.2.1", "web.example" },
		{ "[2001:db8::1]:443", "six.example:https" },
		{ "[2001:db8::2]:443", "[2001:db8::2]:https" },
		{ "[2001:db8::2]:53", "[2001:db8::2]:53" },
		{ "2001:db8::1", "six.example" },
		{ "2001:db8::2", "2001:db8::2" },
		{ "", "" }, { "*", "*" }, { "-", "-" }, { ":", ":" }, { "[", "[" }, { "[]", "[]" },
		{ "[]:443", "[]:443" }, { ":443", ":443" }, { "192.0.2.1:", "192.0.2.1:" },
		{ "192.0.2.1:0x1bb", "192.0.2.1:0x1bb" }, { "192.0.2.1:65536", "192.0.2.1:65536" },
		{ "192.0.2.1:+443", "192.0.2.1:+443" }, { "[192.0.2.1]:443", "web.example:https" },
		{ "192.0.2.1.:443", "192.0.2.1.:443" }, { "curl", "curl" }, { "443", "443" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		becomes(tcp_end, &usual, ends[i][0], ends[i][1]);
}

static void a_long_name_keeps_its_end(void **state)
{
	struct rewrite rewrite = usual;

	rewrite.host_max = 11;
	becomes(tcp_end, &rewrite, "192.0.2.1:443", "web.example:https");
	rewrite.host_max = 10;
	becomes(tcp_end, &rewrite, "192.0.2.1:443", "...example:https");
	rewrite.host_max = 5;
	becomes(tcp_end, &rewrite, "192.0.2.1", "..ple");
}

static void a_table_is_read_by_its_titles(void **state)
{
	becomes(rewrite_table, &usual, "", "");
	becomes(rewrite_table, &usual, "PROTO\tSOURCE", "PROTO\tSOURCE");
	becomes(rewrite_table, &usual,
		"PROTO\tSOURCE\tDESTINATION\tPROCESS\n"
		"tcp\t192.0.2.1:4000\t[2001:db8::2]:443\t192.0.2.1:443\n"
		"udp\t192.0.2.2:53\t192.0.2.1:443\t-\n"
		"gre\t192.0.2.1\t2001:db8::1\t-\n"
		"89\t192.0.2.2\t-\n"
		"tcp\t192.0.2.1:443",
		"PROTO\tSOURCE\tDESTINATION\tPROCESS\n"
		"tcp\tweb.example:4000\t[2001:db8::2]:https\t192.0.2.1:443\n"
		"udp\t192.0.2.2:domain\tweb.example:443\t-\n"
		"gre\tweb.example\tsix.example\t-\n"
		"89\t192.0.2.2\t-\n"
		"tcp\tweb.example:https");
	becomes(rewrite_table, &usual,
		"SRC-IP\tSRC-PORT\tCLIENT-UID\tMARK\tNAT\tPROTO\n"
		"2001:db8::1\t443\t7\t7\tsrc 192.0.2.1:443 dst 192.0.2.2:443\ttcp\n"
		"2001:db8::2\t53\t10\t10\tdst [2001:db8::1]:1\ttcp\n"
		"-\t-\t-\t-\t-\t-\n",
		"SRC-IP\tSRC-PORT\tCLIENT-UID\tMARK\tNAT\tPROTO\n"
		"six.example\thttps\tdaemon\t7\tsrc web.example:https dst 192.0.2.2:https\ttcp\n"
		"2001:db8::2\t53\t10\t10\tdst six.example:1\ttcp\n"
		"-\t-\t-\t-\t-\t-\n");
}

static void without_a_protocol_ports_stay_numbers(void **state)
{
	becomes(rewrite_table, &usual, "SOURCE\n192.0.2.1:443\n", "SOURCE\nweb.example:443\n");
}

static void what_was_asked_for_beside_is_hidden(void **state)
{
	struct rewrite rewrite = usual;

	rewrite.hides_first_column = true;
	becomes(rewrite_table, &rewrite, "PROTO\tSOURCE\tAGE\ntcp\t192.0.2.1:443\t1s\n",
		"SOURCE\tAGE\nweb.example:https\t1s\n");
	rewrite.hides_header = true;
	becomes(rewrite_table, &rewrite, "PROTO\tSOURCE\tAGE\ntcp\t192.0.2.1:443\t1s\n",
		"web.example:https\t1s\n");
	becomes(rewrite_table, &rewrite, "PROTO\tSOURCE\tAGE\n", "");
	rewrite.hides_first_column = false;
	becomes(rewrite_table, &rewrite, "PROTO\tSOURCE\ntcp\t192.0.2.1:443\n",
		"tcp\tweb.example:https\n");
}

static void more_columns_than_there_are_stay_as_they_are(void **state)
{
	struct buf text = { 0 };

	for (int row = 0; row < 2; row++) {
		for (int i = 0; i < 400; i++)
			buf_printf(&text, "%s%s", i ? "\t" : "", row ? "192.0.2.9" : "SOURCE");
		buf_putc(&text, '\n');
	}
	buf_putc(&text, '\0');
	becomes(rewrite_table, &usual, text.data, text.data);
	buf_fini(&text);
}

static void a_trace_line_has_names_at_its_ends_only(void **state)
{
#define AT "12:00:01.123456789 "
	static const char *const lines[][2] = {
		{ AT "connect 192.0.2.1:40522 -> [2001:db8::1]:443 netns 402 pid 21 curl\n",
		  AT "connect web.example:40522 -> six.example:https netns 402 pid 21 curl\n" },
		{ AT "failed * -> 192.0.2.1:53 netns 4 pid 7 192.0.2.1:443 error EPERM\n",
		  AT "failed * -> web.example:53 netns 4 pid 7 192.0.2.1:443 error EPERM\n" },
		{ AT "end 192.0.2.1:53 -> 192.0.2.2:53 netns 4 udp sent 1 received 2 "
		  "nat-src 192.0.2.1 nat-dst 192.0.2.3 duration_ms 1.000 reason timeout\n",
		  AT "end web.example:domain -> 192.0.2.2:domain netns 4 udp sent 1 received 2 "
		  "nat-src web.example nat-dst 192.0.2.3 duration_ms 1.000 reason timeout\n" },
		{ AT "start 192.0.2.1:443 -> 192.0.2.2:443 netns 4 pid 1 udp tcp nat-src "
		  "192.0.2.1 tcp established\n",
		  AT "start web.example:https -> 192.0.2.2:https netns 4 pid 1 udp tcp nat-src "
		  "192.0.2.1 tcp established\n" },
		{ AT "update 192.0.2.1 -> 2001:db8::1 netns 4 icmp sent 1 received 2\n",
		  AT "update web.example -> six.example netns 4 icmp sent 1 received 2\n" },
		{ AT "end 192.0.2.1 -> 192.0.2.2 netns 4 89 sent 1\n",
		  AT "end web.example -> 192.0.2.2 netns 4 89 sent 1\n" },
		{ AT "close 192.0.2.1:443 <- 192.0.2.1:1",
		  AT "close web.example:https <- web.example:1" },
		{ "", "" }, { "\n", "\n" }, { " ", " " }, { "a  b\n", "a  b\n" }, { "end", "end" },
		{ "192.0.2.1 192.0.2.1", "192.0.2.1 192.0.2.1" },
	};
#undef AT

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		becomes(rewrite_trace, &usual, lines[i][0], lines[i][1]);
}

static void a_line_of_very_many_words_is_whole(void **state)
{
	struct buf text = { 0 };

	for (int i = 0; i < 500; i++)
		buf_printf(&text, "%sw%d", i ? " " : "", i);
	buf_puts(&text, "\n");
	buf_putc(&text, '\0');
	becomes(rewrite_trace, &usual, text.data, text.data);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_an_address_and_perhaps_a_port),
		cmocka_unit_test(a_long_name_keeps_its_end),
		cmocka_unit_test(a_table_is_read_by_its_titles),
		cmocka_unit_test(without_a_protocol_ports_stay_numbers),
		cmocka_unit_test(what_was_asked_for_beside_is_hidden),
		cmocka_unit_test(more_columns_than_there_are_stay_as_they_are),
		cmocka_unit_test(a_trace_line_has_names_at_its_ends_only),
		cmocka_unit_test(a_line_of_very_many_words_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
