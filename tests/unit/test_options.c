// SPDX-License-Identifier: Apache-2.0
/* Command lines as they are typed: what they mean, or what is said of them. */
#include "cmd/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "cmd/flags.h"
#include "encode/encode.h"

#define LIST (TAKES_FILTER | TAKES_TABLE | TAKES_INTERVAL | TAKES_NAMES)
#define TRACE (TAKES_FILTER | TAKES_NAMES)
#define RUN (TAKES_FILTER | TAKES_RUN)
#define STATS 0
#define ONCE "(not primary = false) and (not (src net 127.0.0.0/8 or src net ::1/128))"
#define LIVE ONCE " and (not (state = time_wait or state = close))"

struct capture {
	FILE *stream;
	int saved_fd, file_fd;
};

static void capture_begin(struct capture *capture, FILE *stream)
{
	fflush(stream);
	capture->stream = stream;
	capture->saved_fd = dup(fileno(stream));
	capture->file_fd = memfd_create("captured", MFD_CLOEXEC);
	assert_true(dup2(capture->file_fd, fileno(stream)) >= 0);
}

static void capture_end(struct capture *capture, char *ret, size_t size)
{
	ssize_t n;

	fflush(capture->stream);
	dup2(capture->saved_fd, fileno(capture->stream));
	n = pread(capture->file_fd, ret, size - 1, 0);
	ret[n > 0 ? n : 0] = '\0';
	close(capture->saved_fd);
	close(capture->file_fd);
}

static struct {
	struct options options;
	struct settings settings;
	int r;
	char out[8192], err[4096];
	char line[4096]; /* the arguments point into it */
} typed;

/* The words are separated by '|'; the first is the command. */
static void type(unsigned takes, const char *line)
{
	struct capture out, err;
	char *argv[64], *rest = typed.line;
	int argc = 0;

	assert_true(strlen(line) < sizeof(typed.line));
	strcpy(typed.line, line);
	memset(&typed.options, 0xff, sizeof(typed.options));
	memset(&typed.settings, 0xff, sizeof(typed.settings));
	while ((argv[argc] = strsep(&rest, "|")))
		assert_in_range(++argc, 1, ARRAY_LEN(argv) - 1);
	capture_begin(&out, stdout);
	capture_begin(&err, stderr);
	typed.r = options_parse(&typed.options, &typed.settings, takes, argc, argv);
	capture_end(&err, typed.err, sizeof(typed.err));
	capture_end(&out, typed.out, sizeof(typed.out));
}

/* Leaves typed.options for a look; options_fini afterwards. */
static void takes(unsigned takes, const char *line)
{
	type(takes, line);
	if (typed.r != -1)
		fail_msg("%s: %d %s", line, typed.r, typed.err);
	assert_string_equal(typed.out, "");
	assert_string_equal(typed.err, "");
}

static void filters(unsigned which, const char *line, const char *filter)
{
	takes(which, line);
	assert_string_equal(typed.options.filter, filter);
	options_fini(&typed.options);
}

static void refuses(unsigned which, const char *line, const char *sentence)
{
	char wanted[512];

	type(which, line);
	snprintf(wanted, sizeof(wanted), "weir: %s\n", sentence);
	assert_string_equal(typed.err, wanted);
	assert_string_equal(typed.out, "");
	assert_int_equal(typed.r, EXIT_USAGE);
	assert_null(typed.options.filter);
}

static void what_is_hidden_depends_on_the_command(void **state)
{
	filters(LIST, "list", LIVE);
	filters(TRACE, "trace", ONCE);
	filters(RUN, "run", "");
	filters(LIST, "list|-a", "");
	filters(LIST, "list|--all", "");
	filters(LIST, "list| ,\t", LIVE);
	filters(LIST, "list|", LIVE);
}

static void flags_and_filter_become_one_expression(void **state)
{
	filters(LIST, "list|-a|tcp|port|53", "(tcp port 53)");
	filters(LIST, "list|-a|tcp or port 53", "(tcp or port 53)");
	filters(LIST, "list|-a|--comm|nginx|-4t|tcp|or|port|53|-u",
		"(comm = \"nginx\") and (ipv4) and (tcp or udp) and (tcp or port 53)");
	filters(LIST, "list|--pid=1|udp", "(pid = \"1\") and (udp) and " LIVE);
	filters(TRACE, "trace|--zone=3", "(zone = \"3\") and " ONCE);
	filters(RUN, "run|--mark|1/2|--container|3f|--user|0",
		"(mark & 2 = 1) and (container = \"3f\") and (user = \"0\")");
	filters(RUN, "run|-4", "(ipv4)");
}

static void flags_may_stand_before_after_and_amid_the_filter(void **state)
{
	static const char *const lines[] = {
		"list|-a|-l|5|-o|json|tcp|or|udp", "list|tcp|or|udp|-a|-l5|-ojson",
		"list|tcp|-al5|or|--output=json|udp", "list|--all|tcp|or|udp|--out|json|--lim=5",
		"list|-l|5|tcp|-jo|json|or|-a|udp", "list|-a|-l|5|-o|json|--|tcp|or|udp",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		takes(LIST, lines[i]);
		assert_true(typed.options.all);
		assert_string_equal(typed.options.limit, "5");
		assert_string_equal(typed.options.output, "json");
		assert_ptr_equal(typed.options.encoder, &encoder_json);
		assert_string_equal(typed.options.filter, "(tcp or udp)");
		options_fini(&typed.options);
	}
}

static void after_two_dashes_nothing_is_a_flag(void **state)
{
	filters(LIST, "list|-a|--|tcp", "(tcp)");
	filters(LIST, "list|-a|--", "");
	refuses(LIST, "list|--|-a",
		"filter:1: unknown word \"-a\"; weir help filter explains\n  -a\n  ^");
	refuses(STATS, "stats|--|-j", "stats takes no argument \"-j\"");
	refuses(LIST, "list|-",
		"filter:1: unknown word \"-\"; weir help filter explains\n  -\n  ^");
}

static void repeats(const char *line, const char *filter, uint64_t interval_ns, uint64_t count)
{
	takes(LIST, line);
	assert_string_equal(typed.options.filter, filter);
	assert_int_equal(typed.options.repeat, interval_ns > 0);
	assert_int_equal(typed.options.interval_ns, interval_ns);
	assert_int_equal(typed.options.count, count);
	options_fini(&typed.options);
}

static void interval_and_count_follow_the_filter(void **state)
{
	repeats("list|-a", "", 0, 0);
	repeats("list|-a|2", "", 2 * NUM_NS_PER_S, 0);
	repeats("list|-a|2|5", "", 2 * NUM_NS_PER_S, 5);
	repeats("list|-a|tcp|500ms|18446744073709551615", "(tcp)", 500 * NUM_NS_PER_MS,
		UINT64_MAX);
	repeats("list|tcp|0.5|-a|3", "(tcp)", NUM_NS_PER_S / 2, 3);
	repeats("list|-a|--|tcp|1m", "(tcp)", 60 * NUM_NS_PER_S, 0);
	repeats("list|-a|port|53", "(port 53)", 0, 0);
	repeats("list|-a|port|53|2", "(port 53)", 2 * NUM_NS_PER_S, 0);
	repeats("list|-a|9223372036s", "", 9223372036 * NUM_NS_PER_S, 0);
}

static void what_is_no_interval_is_a_wrong_filter(void **state)
{
	refuses(LIST, "list|0", "filter:1: unknown word \"0\"; weir help filter explains\n"
				"  0\n  ^");
	refuses(LIST, "list|tcp|2|5|1", "filter:5: unknown word \"2\"; weir help filter explains\n"
					"  tcp 2 5 1\n      ^");
	refuses(LIST, "list|18446744074", "filter:1: unknown word \"18446744074\"; weir help "
					  "filter explains\n  18446744074\n  ^");
	refuses(LIST, "list|2|x", "filter:1: unknown word \"2\"; weir help filter explains\n"
				  "  2 x\n  ^");
	refuses(TRACE, "trace|tcp|2", "filter:5: unknown word \"2\"; weir help filter explains\n"
				      "  tcp 2\n      ^");
}

static void a_wrong_filter_is_pointed_at_as_it_was_typed(void **state)
{
	refuses(LIST, "list|--pid|1|-4|prot|53|-a",
		"filter:1: unknown word \"prot\", did you mean \"port\"?\n  prot 53\n  ^");
	refuses(RUN, "run|tcp and|(udp",
		"filter:13: it ends where ) should follow\n  tcp and (udp\n              ^");
	refuses(TRACE, "trace|tcp) or (udp",
		"filter:4: \")\" stands where the end should\n  tcp) or (udp\n     ^");
}

static void an_unknown_flag_gets_the_nearest_of_its_command(void **state)
{
	refuses(LIST, "list|--outptu|json", "unknown flag --outptu, did you mean --output?");
	refuses(LIST, "list|--limt=3", "unknown flag --limt=3, did you mean --limit?");
	refuses(LIST, "list|--rec", "unknown flag --rec");
	refuses(RUN, "run|--recrod|x", "unknown flag --recrod, did you mean --record?");
	refuses(RUN, "run|--limt|3", "unknown flag --limt");
	refuses(LIST, "list|--co|x", "unknown flag --co, did you mean --comm?");
	refuses(LIST, "list|--completely-different", "unknown flag --completely-different");
	refuses(LIST, "list|--track", "unknown flag --track");
	refuses(RUN, "run|--processes", "unknown flag --processes");
	refuses(TRACE, "trace|--processes", "unknown flag --processes");
	refuses(STATS, "stats|--zone|1", "unknown flag --zone");
	refuses(LIST, "list|---all", "unknown flag ---all, did you mean --all?");
}

static void an_unknown_letter_is_named_wherever_it_stands(void **state)
{
	refuses(LIST, "list|-X", "unknown flag -X");
	refuses(LIST, "list|--all|-Xa", "unknown flag -X");
	refuses(LIST, "list|--pid|1|-aXa|tcp", "unknown flag -X");
	refuses(LIST, "list|-c", "-c wants an argument");
	refuses(TRACE, "trace|-l3", "unknown flag -l");
	refuses(LIST, "list|-\xc3\xa4", "unknown flag -?");
	refuses(LIST, "list|-:", "unknown flag -:");
}

static void an_argument_is_wanted_or_is_too_many(void **state)
{
	refuses(LIST, "list|-o", "-o wants an argument");
	refuses(LIST, "list|tcp|-ao", "-o wants an argument");
	refuses(LIST, "list|--output", "--output wants an argument");
	refuses(LIST, "list|tcp|--pid", "--pid wants an argument");
	refuses(LIST, "list|--json=1", "--json takes no argument");
	refuses(LIST, "list|--explain=", "--explain takes no argument");
	refuses(LIST, "list|--no-head=1", "--no-header takes no argument");
	refuses(STATS, "stats|-j|now", "stats takes no argument \"now\"");
}

static void a_wrong_argument_names_its_flag(void **state)
{
	refuses(LIST, "list|--pid|x", "--pid: \"x\" is not a number like 443, 0x1f or 10k");
	refuses(LIST, "list|--mark=x|tcp",
		"--mark: \"x\" is not MARK or MARK/MASK, numbers of 32 bits");
	refuses(LIST, "list|-N.", "--netns: there is no network namespace \".\": give a name of "
				  "ip netns, a PID or an inode number");
	refuses(LIST, "list|--socket=", "--socket: listen.socket: a path is wanted");
	refuses(LIST, "list|-l|0", "--limit: \"0\" is not a number above 0");
	refuses(LIST, "list|-l|x", "--limit: \"x\" is not a number above 0");
	refuses(LIST, "list|-l|", "--limit: \"\" is not a number above 0");
	refuses(LIST, "list|-l-1", "--limit: \"-1\" is not a number above 0");
	refuses(LIST, "list|-l18446744073709551616",
		"--limit: \"18446744073709551616\" is not a number above 0");
	refuses(LIST, "list|-s|-rat", "sort: unknown field \"rat\", did you mean \"rate\"?");
	refuses(LIST, "list|-s|", "sort: unknown field \"\"");
	refuses(LIST, "list|--columns|proto,sate",
		"unknown column \"sate\", did you mean \"state\"?");
	refuses(LIST, "list|-j|--columns|sate",
		"unknown field \"sate\"; weir help fields lists them");
}

static void a_format_is_one_that_the_command_writes(void **state)
{
	refuses(LIST, "list|-o|cvs", "there is no format \"cvs\" here, did you mean csv?");
	refuses(LIST, "list|-o|", "there is no format \"\" here; there are json, csv, table, "
		"conntracct, nettracer");
	refuses(LIST, "list|-o|trace",
		"there is no format \"trace\" here; there are json, csv, table, "
		"conntracct, nettracer");
	refuses(TRACE, "trace|-o|table",
		"there is no format \"table\" here; there are json, csv, trace, "
		"conntracct, nettracer");
	refuses(STATS, "stats|-o|cvs", "there is no format \"cvs\" here; there are json, table");
	refuses(STATS, "stats|-o|csv", "there is no format \"csv\" here; there are json, table");
	refuses(STATS, "stats|-o|jsno", "there is no format \"jsno\" here, did you mean json?");
	refuses(RUN, "run|-o|table",
		"there is no format \"table\" here; there are json, csv, trace, "
		"conntracct, nettracer");
	refuses(RUN, "run|-o|tabl", "there is no format \"tabl\" here; there are json, csv, trace, "
		"conntracct, nettracer");
	refuses(RUN, "run|-o|jsonn", "there is no format \"jsonn\" here, did you mean json?");
}

static void writes(const char *line, const struct encoder *encoder)
{
	takes(RUN, line);
	assert_ptr_equal(typed.options.encoder, encoder);
	options_fini(&typed.options);
}

static void run_writes_lines_to_read_unless_told_otherwise(void **state)
{
	writes("run", &encoder_trace);
	writes("run|-o|trace", &encoder_trace);
	writes("run|-o|csv", &encoder_csv);
	writes("run|-o|csv|-j", &encoder_json);
	writes("run|-j|-o|csv", &encoder_csv);
}

static void flags_set_settings_over_the_environment(void **state)
{
	setenv("WEIR_LOG__LEVEL", "warn", 1);
	setenv("WEIR_LISTEN__SOCKET", "/run/environment", 1);
	takes(STATS, "stats");
	assert_int_equal(typed.settings.refresh_ns, NUM_NS_PER_S);
	assert_int_equal(typed.settings.log_level, LOG_LEVEL_WARN);
	assert_string_equal(typed.settings.listen_socket, "/run/environment");
	takes(STATS, "stats|-v|--socket|/run/flag");
	assert_int_equal(typed.settings.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(typed.settings.listen_socket, "/run/flag");
	takes(STATS, "stats|-vq");
	assert_int_equal(typed.settings.log_level, LOG_LEVEL_ERROR);
	unsetenv("WEIR_LISTEN__SOCKET");
	takes(RUN, "run");
	assert_false(typed.settings.conntrack_track);
	assert_null(typed.options.record_path);
	options_fini(&typed.options);
	takes(RUN, "run|--track|--record|x.obs");
	assert_true(typed.settings.conntrack_track);
	assert_string_equal(typed.options.record_path, "x.obs");
	options_fini(&typed.options);
	setenv("WEIR_LOG__LEVEL", "wran", 1);
	refuses(STATS, "stats|-v",
		"WEIR_LOG__LEVEL: log.level: \"wran\" is not possible; did you mean warn?");
	unsetenv("WEIR_LOG__LEVEL");
}

static void colour_is_off_by_a_flag_or_a_variable_that_is_not_empty(void **state)
{
	takes(LIST, "list");
	assert_false(typed.options.no_color);
	options_fini(&typed.options);
	takes(LIST, "list|--no-color");
	assert_true(typed.options.no_color);
	options_fini(&typed.options);
	setenv("NO_COLOR", "", 1);
	takes(LIST, "list");
	assert_false(typed.options.no_color);
	options_fini(&typed.options);
	setenv("NO_COLOR", "0", 1);
	takes(LIST, "list");
	assert_true(typed.options.no_color);
	options_fini(&typed.options);
	unsetenv("NO_COLOR");
}

static void each_switch_switches_one_thing(void **state)
{
	static const char letters[] = "apiewHbr";
	static const char *const names[] = { "bytes", "no-color", "explain" };
	struct options *const options = &typed.options;
	bool *const switches[] = { &options->all, &options->processes, &options->info,
				   &options->extended, &options->wide, &options->no_header,
				   &options->bits, &options->resolve, &options->exact,
				   &options->no_color, &options->explain };
	char line[32];

	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (i < strlen(letters))
			snprintf(line, sizeof(line), "list|-%c", letters[i]);
		else
			snprintf(line, sizeof(line), "list|--%s", names[i - strlen(letters)]);
		type(LIST, line);
		for (size_t k = 0; k < ARRAY_LEN(switches); k++)
			assert_int_equal(*switches[k], i == k);
		options_fini(options);
	}
	takes(LIST, "list|-s|-rate|-l|3|--columns|src,dst|-rn");
	assert_string_equal(options->sort, "-rate");
	assert_string_equal(options->limit, "3");
	assert_string_equal(options->columns, "src,dst");
	assert_false(options->resolve);
	options_fini(options);
}

static void explain_prints_the_tree_and_stops(void **state)
{
	type(LIST, "list|--explain|tcp|and|not|port|53|2|5");
	assert_int_equal(typed.r, EXIT_OK);
	assert_string_equal(typed.out, "and\n  protocol 6\n  not\n    src, dst or nat port 53\n");
	assert_string_equal(typed.err, "");
	assert_null(typed.options.filter);
	type(LIST, "list|--explain");
	assert_int_equal(typed.r, EXIT_OK);
	assert_string_equal(typed.out, "everything\n");
}

static const char *argument_of(const struct flag *flag)
{
	switch (flag->letter) {
	case 'o':
		return "json";
	case 's':
	case OPTION_COLUMNS:
		return "bytes_orig";
	default:
		return flag->letter == 'c' ? "/dev/null" : "1";
	}
}

static void a_flag_is_taken_and_shown_where_it_belongs(void **state)
{
	static const struct {
		const char *name;
		unsigned takes;
	} commands[] = { { "list", LIST }, { "trace", TRACE }, { "run", RUN }, { "stats", STATS } };
	static char help[sizeof(typed.out)];
	char line[80], row[40];

	for (size_t i = 0; i < ARRAY_LEN(commands) * flag_count; i++) {
		const struct flag *flag = &flag_table[i % flag_count];
		const unsigned which = commands[i / flag_count].takes;
		const bool belongs = !flag->takes || flag->takes & which;

		snprintf(line, sizeof(line), "%s|-h", commands[i / flag_count].name);
		type(which, line);
		assert_int_equal(typed.r, EXIT_OK);
		assert_string_equal(typed.err, "");
		strcpy(help, typed.out);
		snprintf(row, sizeof(row), "--%s ", flag->name);
		assert_int_equal(strstr(help, row) != NULL, belongs);
		snprintf(line, sizeof(line), "%s|--%s%s%s", commands[i / flag_count].name,
			 flag->name, flag->argument ? "=" : "",
			 flag->argument ? argument_of(flag) : "");
		type(which, line);
		assert_int_equal(strstr(typed.err, "unknown flag") == NULL, belongs);
		assert_int_equal(typed.r == EXIT_USAGE, !belongs);
		options_fini(&typed.options);
	}
}

static void help_is_shown_whatever_else_is_wrong(void **state)
{
	type(LIST, "list|-l|0|-h|prot");
	assert_int_equal(typed.r, EXIT_OK);
	assert_ptr_equal(strstr(typed.out, "usage: weir list [FLAGS] [FILTER] [INTERVAL [COUNT]]"),
			 typed.out);
	assert_non_null(strstr(typed.out, "-o, --output FORMAT          json, csv, table, "
					  "conntracct, nettracer\n"));
	assert_non_null(strstr(typed.out, "weir help filter"));
	type(STATS, "stats|--help");
	assert_int_equal(typed.r, EXIT_OK);
	assert_ptr_equal(strstr(typed.out, "usage: weir stats [FLAGS]"), typed.out);
	assert_null(strstr(typed.out, "weir help filter"));
}

/* 512 terms are 1023 nodes of 1024. */
static void terms_that_are_too_many_together_are_refused(void **state)
{
	char terms[512 * 4 + 1] = "", line[sizeof(terms) + 16];

	for (size_t i = 0; i < 512; i++)
		strcat(terms, "tcp ");
	snprintf(line, sizeof(line), "run|%s", terms);
	takes(RUN, line);
	options_fini(&typed.options);
	snprintf(line, sizeof(line), "run|-4|%s", terms);
	refuses(RUN, line, "with what the flags add the filter is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_hidden_depends_on_the_command),
		cmocka_unit_test(flags_and_filter_become_one_expression),
		cmocka_unit_test(flags_may_stand_before_after_and_amid_the_filter),
		cmocka_unit_test(after_two_dashes_nothing_is_a_flag),
		cmocka_unit_test(interval_and_count_follow_the_filter),
		cmocka_unit_test(what_is_no_interval_is_a_wrong_filter),
		cmocka_unit_test(a_wrong_filter_is_pointed_at_as_it_was_typed),
		cmocka_unit_test(an_unknown_flag_gets_the_nearest_of_its_command),
		cmocka_unit_test(an_unknown_letter_is_named_wherever_it_stands),
		cmocka_unit_test(an_argument_is_wanted_or_is_too_many),
		cmocka_unit_test(a_wrong_argument_names_its_flag),
		cmocka_unit_test(a_format_is_one_that_the_command_writes),
		cmocka_unit_test(run_writes_lines_to_read_unless_told_otherwise),
		cmocka_unit_test(flags_set_settings_over_the_environment),
		cmocka_unit_test(colour_is_off_by_a_flag_or_a_variable_that_is_not_empty),
		cmocka_unit_test(each_switch_switches_one_thing),
		cmocka_unit_test(explain_prints_the_tree_and_stops),
		cmocka_unit_test(a_flag_is_taken_and_shown_where_it_belongs),
		cmocka_unit_test(help_is_shown_whatever_else_is_wrong),
		cmocka_unit_test(terms_that_are_too_many_together_are_refused),
	};

	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
