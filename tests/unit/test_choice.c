// SPDX-License-Identifier: Apache-2.0
/* Flags that choose flows: the terms they become, the arguments they refuse. */
#include "cmd/choice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/why.h"
#include "cmd/flags.h"

static void has_terms(const struct choice *choice, const char *wanted)
{
	assert_int_equal(choice->terms.error, 0);
	if (choice->terms.len != strlen(wanted) ||
	    (*wanted && memcmp(choice->terms.data, wanted, choice->terms.len)))
		fail_msg("%.*s, not %s", (int)choice->terms.len, choice->terms.data, wanted);
}

static void becomes(int letter, const char *argument, const char *wanted)
{
	struct choice choice = { .v4 = false };
	struct why why = { "" };

	if (choice_take(&choice, letter, argument, &why))
		fail_msg("%s", why.text);
	assert_string_equal(why.text, "");
	has_terms(&choice, wanted);
	choice_fini(&choice);
}

static void refuses(int letter, const char *argument, int error, const char *sentence)
{
	struct choice choice = { .v4 = false };
	struct why why = { "" };

	assert_int_equal(choice_take(&choice, letter, argument, &why), error);
	assert_string_equal(why.text, sentence);
	assert_int_equal(choice.terms.len, 0);
	choice_fini(&choice);
}

static void each_flag_becomes_its_term(void **state)
{
	becomes(OPTION_PID, "4194304", "(pid = \"4194304\")");
	becomes(OPTION_COMM, "nginx", "(comm = \"nginx\")");
	becomes(OPTION_USER, "0", "(user = \"0\")");
	becomes(OPTION_USER, "root", "(user = \"root\")");
	becomes(OPTION_CONTAINER, "3f2a", "(container = \"3f2a\")");
	becomes(OPTION_ZONE, "65535", "(zone = \"65535\")");
	becomes(OPTION_MARK, "1", "(mark = 1)");
}

static void a_value_may_hold_blanks_brackets_and_one_kind_of_quote(void **state)
{
	becomes(OPTION_COMM, "", "(comm = \"\")");
	becomes(OPTION_COMM, "a) or (b", "(comm = \"a) or (b\")");
	becomes(OPTION_COMM, "it's", "(comm = \"it's\")");
	becomes(OPTION_COMM, "\"a\"", "(comm = '\"a\"')");
	refuses(OPTION_COMM, "'\"", -EINVAL, "--comm: a value with both kinds of quotes");
	refuses(OPTION_PID, "\"'", -EINVAL, "--pid: a value with both kinds of quotes");
}

static void an_argument_that_is_wrong_is_named_with_its_flag(void **state)
{
	refuses(OPTION_PID, "abc", -EINVAL,
		"--pid: \"abc\" is not a number like 443, 0x1f or 10k");
	refuses(OPTION_PID, "", -EINVAL, "--pid: \"\" is not a number like 443, 0x1f or 10k");
	refuses(OPTION_ZONE, "-1", -EINVAL,
		"--zone: \"-1\" is not a number like 443, 0x1f or 10k");
	refuses(OPTION_ZONE, "70000", -EINVAL,
		"--zone: 70000 is too large, 65535 is the most here");
	refuses(OPTION_USER, "no such user", -EINVAL,
		"--user: \"no such user\" is not a user of this host or a user id");
}

static void a_mark_may_have_a_mask(void **state)
{
	becomes(OPTION_MARK, "0", "(mark = 0)");
	becomes(OPTION_MARK, "0xffffffff", "(mark = 0xffffffff)");
	becomes(OPTION_MARK, "4294967295", "(mark = 4294967295)");
	becomes(OPTION_MARK, "1/0xff", "(mark & 0xff = 1)");
	becomes(OPTION_MARK, "0x10/4294967295", "(mark & 4294967295 = 0x10)");
}

static void what_is_no_mark_of_32_bits_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "/", "1/", "/1", "x", "1/x", "x/1", "1/2/3", "-1", "1 ", "1.0", "4294967296",
		"1/4294967296", "0x100000000", "99999999999999999999",
	};
	char sentence[128];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		snprintf(sentence, sizeof(sentence),
			 "--mark: \"%s\" is not MARK or MARK/MASK, numbers of 32 bits", texts[i]);
		refuses(OPTION_MARK, texts[i], -EINVAL, sentence);
	}
}

static void a_namespace_is_a_process_or_an_inode_number(void **state)
{
	char pid[24], wanted[64];
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	snprintf(wanted, sizeof(wanted), "(netns = %llu)", (unsigned long long)st.st_ino);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	becomes('N', pid, wanted);
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)st.st_ino);
	becomes('N', pid, wanted);
}

static void a_namespace_that_is_none_is_refused(void **state)
{
	static const char *const texts[] = {
		"", ".", "..", "../netns", "no/such", "no such namespace", "-1",
		"4194305", "18446744073709551615", "18446744073709551616",
	};
	char sentence[160], wide[300];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		snprintf(sentence, sizeof(sentence), "--netns: there is no network namespace "
			 "\"%s\": give a name of ip netns, a PID or an inode number", texts[i]);
		refuses('N', texts[i], -ENOENT, sentence);
	}
	memset(wide, 'a', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	snprintf(sentence, sizeof(sentence), "--netns: there is no network namespace \"%.60s\": "
		 "give a name of ip netns, a PID or an inode number", wide);
	refuses('N', wide, -ENOENT, sentence);
}

/* Every letter of -46tu in flags, and what they are together. */
static void means(const char *flags, const char *wanted)
{
	struct choice choice = { .v4 = false };
	struct why why = { "" };

	for (; *flags; flags++)
		assert_int_equal(choice_take(&choice, *flags, NULL, &why), 0);
	has_terms(&choice, "");
	choice_add_protocols(&choice);
	has_terms(&choice, wanted);
	choice_fini(&choice);
}

static void families_and_protocols_are_added_together(void **state)
{
	means("", "");
	means("4", "(ipv4)");
	means("6", "(ipv6)");
	means("46", "");
	means("44", "(ipv4)");
	means("t", "(tcp)");
	means("u", "(udp)");
	means("ut", "(tcp or udp)");
	means("6t", "(ipv6) and (tcp)");
	means("u4t6", "(tcp or udp)");
}

static void terms_are_joined_by_and(void **state)
{
	struct choice choice = { .v4 = false };
	struct why why = { "" };

	assert_int_equal(choice_take(&choice, OPTION_COMM, "%s", &why), 0);
	assert_int_equal(choice_take(&choice, OPTION_MARK, "1/3", &why), 0);
	choice_add(&choice, "port %d or port %s", 53, "853");
	has_terms(&choice, "(comm = \"%s\") and (mark & 3 = 1) and (port 53 or port 853)");
	assert_int_equal(choice_take(&choice, OPTION_PID, "x", &why), -EINVAL);
	has_terms(&choice, "(comm = \"%s\") and (mark & 3 = 1) and (port 53 or port 853)");
	choice_fini(&choice);
	assert_null(choice.terms.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_flag_becomes_its_term),
		cmocka_unit_test(a_value_may_hold_blanks_brackets_and_one_kind_of_quote),
		cmocka_unit_test(an_argument_that_is_wrong_is_named_with_its_flag),
		cmocka_unit_test(a_mark_may_have_a_mask),
		cmocka_unit_test(what_is_no_mark_of_32_bits_is_refused),
		cmocka_unit_test(a_namespace_is_a_process_or_an_inode_number),
		cmocka_unit_test(a_namespace_that_is_none_is_refused),
		cmocka_unit_test(families_and_protocols_are_added_together),
		cmocka_unit_test(terms_are_joined_by_and),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
