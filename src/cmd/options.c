// SPDX-License-Identifier: Apache-2.0
/*
 * What a person types: flags, filter, interval. Flags that choose flows are
 * turned into filter terms, so that there is one language underneath.
 */
#include "cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/flags.h"
#include "cmd/words.h"
#include "encode/encode.h"
#include "flow/filter.h"

#define FLAGS_MAX 48

/* While the flags are read. */
struct reading {
	struct options *options;
	struct settings *settings;
	unsigned takes;
	struct buf terms; /* "(…) and (…)" */
	bool v4, v6, tcp, udp;
	struct why why;
};

static bool is_taken(const struct flag *flag, unsigned takes)
{
	return !flag->takes || flag->takes & takes;
}

void options_usage(const char *command, const char *synopsis, unsigned takes)
{
	printf("usage: weir %s %s\n\n", command, synopsis);
	for (size_t i = 0; i < flag_count; i++) {
		const struct flag *flag = &flag_table[i];
		char left[48], letter[5] = "    ";

		if (!is_taken(flag, takes))
			continue;
		if (flag->letter < 256)
			snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
		snprintf(left, sizeof(left), "%s--%s %s", letter, flag->name,
			 flag->argument ? flag->argument : "");
		printf("  %-28s %s\n", left, flag->help);
	}
	if (takes & TAKES_FILTER)
		printf("\nFILTER: see weir help filter; the fields: weir help fields.\n");
}

static void add_term(struct reading *reading, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_term(struct reading *reading, const char *format, ...)
{
	va_list args;

	if (reading->terms.len)
		buf_puts(&reading->terms, " and ");
	buf_putc(&reading->terms, '(');
	va_start(args, format);
	buf_vprintf(&reading->terms, format, args);
	va_end(args);
	buf_putc(&reading->terms, ')');
}

static int usage_error(const char *what)
{
	fprintf(stderr, "weir: %s\n", what);
	return EXIT_USAGE;
}

/* FIELD = "VALUE"; a quote in the value would end it. */
static int add_equal(struct reading *reading, const char *field, const char *value)
{
	if (strchr(value, '"'))
		return why_set(&reading->why, -EINVAL, "%s: a value with a quote in it", field);
	add_term(reading, "%s = \"%s\"", field, value);
	return 0;
}

/* A namespace by name (/run/netns), by a process in it, or by inode number. */
static int add_netns(struct reading *reading, const char *text)
{
	char path[256];
	struct stat st;
	uint64_t number;

	if (num_parse_u64(&number, text, strlen(text)) == 0) {
		snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)number);
		if (stat(path, &st) == 0)
			number = st.st_ino;
		add_term(reading, "netns = %llu", (unsigned long long)number);
		return 0;
	}
	snprintf(path, sizeof(path), "/run/netns/%s", text);
	if (!*text || *text == '.' || strchr(text, '/') || stat(path, &st) < 0)
		return why_set(&reading->why, -ENOENT, "there is no network namespace \"%.60s\": "
			       "give a name of ip netns, a PID or an inode number", text);
	add_term(reading, "netns = %llu", (unsigned long long)st.st_ino);
	return 0;
}

static int add_mark(struct reading *reading, const char *text)
{
	const char *slash = strchr(text, '/');
	const size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t mark, mask;

	if (num_parse_u64(&mark, text, n) < 0 ||
	    (slash && num_parse_u64(&mask, slash + 1, strlen(slash + 1)) < 0))
		return why_set(&reading->why, -EINVAL, "--mark: \"%.60s\" is not MARK or MARK/MASK",
			       text);
	if (slash)
		add_term(reading, "mark & %s = %.*s", slash + 1, (int)n, text);
	else
		add_term(reading, "mark = %s", text);
	return 0;
}

/* A flag that chooses flows. */
static int apply_choice(struct reading *reading, int letter, const char *argument)
{
	switch (letter) {
	case '4':
		reading->v4 = true;
		return 0;
	case '6':
		reading->v6 = true;
		return 0;
	case 't':
		reading->tcp = true;
		return 0;
	case 'u':
		reading->udp = true;
		return 0;
	case 'N':
		return add_netns(reading, argument);
	case OPTION_PID:
		return add_equal(reading, "pid", argument);
	case OPTION_COMM:
		return add_equal(reading, "comm", argument);
	case OPTION_USER:
		return add_equal(reading, "user", argument);
	case OPTION_CONTAINER:
		return add_equal(reading, "container", argument);
	case OPTION_ZONE:
		return add_equal(reading, "zone", argument);
	default:
		return add_mark(reading, argument);
	}
}

/* A flag that sets a setting; -ENOENT: it is none. */
static int apply_setting(struct reading *reading, int letter, const char *argument)
{
	struct settings *settings = reading->settings;
	struct why *why = &reading->why;

	switch (letter) {
	case 'v':
		return settings_set(settings, "log.level", "debug", "-v", why);
	case 'q':
		return settings_set(settings, "log.level", "error", "-q", why);
	case OPTION_SOCKET:
		return settings_set(settings, "listen.socket", argument, "--socket", why);
	case OPTION_TRACK:
		return settings_set(settings, "conntrack.track", "true", "--track", why);
	default:
		return -ENOENT;
	}
}

/* A yes-or-no flag of how things are shown; NULL: it is none. */
static bool *switch_of(struct options *options, int letter)
{
	switch (letter) {
	case 'a':
		return &options->all;
	case 'p':
		return &options->processes;
	case 'i':
		return &options->info;
	case 'e':
		return &options->extended;
	case 'w':
		return &options->wide;
	case 'H':
		return &options->no_header;
	case 'b':
		return &options->bits;
	case OPTION_BYTES:
		return &options->exact;
	case OPTION_NO_COLOR:
		return &options->no_color;
	case OPTION_EXPLAIN:
		return &options->explain;
	default:
		return NULL;
	}
}

static int apply(struct reading *reading, int letter, const char *argument)
{
	struct options *options = reading->options;
	bool *toggle = switch_of(options, letter);
	int r;

	if (toggle) {
		*toggle = true;
		return 0;
	}
	switch (letter) {
	case 'o':
		options->output = argument;
		return 0;
	case 'j':
		options->output = "json";
		return 0;
	case 'n':
		return 0; /* the default */
	case 's':
		options->sort = argument;
		return 0;
	case 'l':
		options->limit = argument;
		return 0;
	case OPTION_COLUMNS:
		options->columns = argument;
		return 0;
	case OPTION_RECORD:
		options->record_path = argument;
		return 0;
	default:
		r = apply_setting(reading, letter, argument);
		return r == -ENOENT ? apply_choice(reading, letter, argument) : r;
	}
}

static int unknown_flag(const char *text, unsigned takes)
{
	const char *name = text + strspn(text, "-");
	struct nearest nearest = { .word = name, .n = strcspn(name, "=") };

	for (size_t i = 0; i < flag_count; i++) {
		if (is_taken(&flag_table[i], takes))
			nearest_offer(&nearest, flag_table[i].name);
	}
	fprintf(stderr, "weir: unknown flag %s%s%s%s\n", text,
		nearest.best ? ", did you mean --" : "", nearest.best ? nearest.best : "",
		nearest.best ? "?" : "");
	return EXIT_USAGE;
}

/* The table as getopt_long wants it. */
static void getopt_tables(unsigned takes, struct option longs[FLAGS_MAX + 1],
			  char shorts[2 * FLAGS_MAX + 3])
{
	size_t taken = 0, letters = 0;

	shorts[letters++] = ':';
	for (size_t i = 0; i < flag_count && i < FLAGS_MAX; i++) {
		const struct flag *flag = &flag_table[i];

		if (!is_taken(flag, takes))
			continue;
		longs[taken++] = (struct option){ flag->name,
						  flag->argument ? required_argument : no_argument,
						  NULL, flag->letter };
		if (flag->letter > 255)
			continue;
		shorts[letters++] = (char)flag->letter;
		if (flag->argument)
			shorts[letters++] = ':';
	}
	longs[taken] = (struct option){ 0 };
	shorts[letters] = '\0';
}

static int read_flags(struct reading *reading, int argc, char **argv)
{
	struct option longs[FLAGS_MAX + 1];
	char shorts[2 * FLAGS_MAX + 3];
	int letter;

	getopt_tables(reading->takes, longs, shorts);
	optind = 0; /* argv is new to getopt */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const char *text = optind > 0 ? argv[optind - 1] : "";

		if (letter == 'h')
			return EXIT_OK;
		/* optopt is also set for a known long flag with a value too many */
		if (letter == '?' && !strncmp(text, "--", 2))
			return unknown_flag(text, reading->takes);
		if (letter == '?' && optopt && optopt < 256) {
			const char one[] = { '-', (char)optopt, '\0' };

			return unknown_flag(one, reading->takes);
		}
		if (letter == '?')
			return unknown_flag(text, reading->takes);
		if (letter == ':') {
			fprintf(stderr, "weir: %s wants an argument\n", text);
			return EXIT_USAGE;
		}
		if (apply(reading, letter, optarg) < 0)
			return usage_error(reading->why.text);
	}
	return -1;
}

static void caret(const char *text, unsigned column)
{
	fprintf(stderr, "  %s\n  %*s^\n", text, (int)column - 1, "");
}

static int no_memory(void)
{
	fprintf(stderr, "weir: no memory for the filter\n");
	return EXIT_FAILED;
}

/* Reads what was typed alone first: an error should point into that. */
static int check_typed(struct reading *reading, const char *typed)
{
	struct filter *filter;
	unsigned column = 0;
	struct buf tree = { 0 };
	int r = filter_new(&filter, typed, &column, &reading->why);

	if (r < 0) {
		fprintf(stderr, "weir: %s\n", reading->why.text);
		if (column)
			caret(typed, column);
		return r == -ENOMEM ? EXIT_FAILED : EXIT_USAGE;
	}
	if (reading->options->explain) {
		filter_explain(filter, &tree);
		fwrite(tree.data, 1, tree.len, stdout);
		buf_fini(&tree);
	}
	filter_free(filter);
	return reading->options->explain ? EXIT_OK : -1;
}

/* What is hidden without -a. */
static void add_defaults(struct reading *reading)
{
	add_term(reading, "not primary = false");
	add_term(reading, "not (src net 127.0.0.0/8 or src net ::1/128)");
	if (reading->takes & TAKES_TABLE)
		add_term(reading, "not (state = time_wait or state = close)");
}

static void add_protocols(struct reading *reading)
{
	if (reading->v4 != reading->v6)
		add_term(reading, "%s", reading->v4 ? "ipv4" : "ipv6");
	if (reading->tcp || reading->udp)
		add_term(reading, "%s", reading->tcp && reading->udp ? "tcp or udp" :
					reading->tcp ? "tcp" : "udp");
}

static int read_filter(struct reading *reading, char **words, int count)
{
	struct options *options = reading->options;
	struct filter *filter;
	char *typed;
	int r;

	if (reading->takes & TAKES_INTERVAL)
		count = words_take_interval(options, words, count);
	typed = words_join(words, count);
	r = typed ? check_typed(reading, typed) : no_memory();
	if (r < 0 && typed[strspn(typed, " \t\r\n,")])
		add_term(reading, "%s", typed);
	free(typed);
	if (r >= 0)
		return r;
	add_protocols(reading);
	if (!options->all && !(reading->takes & TAKES_RUN))
		add_defaults(reading);
	buf_putc(&reading->terms, '\0');
	if (reading->terms.error)
		return no_memory();
	options->filter = reading->terms.data; /* given away */
	reading->terms = (struct buf){ 0 };
	/* what the flags added can be wrong as well: --pid abc */
	r = filter_new(&filter, options->filter, NULL, &reading->why);
	if (r < 0)
		return r == -ENOMEM ? no_memory() : usage_error(reading->why.text);
	filter_free(filter);
	return -1;
}

/* Formats, columns and numbers: before anything is started for them. */
static int check_shown(struct reading *reading)
{
	const struct options *options = reading->options;
	const char *name = options->output ? options->output : "table";
	const struct encoder *encoder = encoder_find(name);
	struct encode_conf conf = { 0 };
	uint64_t limit;

	if (!encoder || (!(reading->takes & TAKES_FILTER) && encoder != &encoder_json &&
			 encoder != &encoder_table)) {
		struct nearest nearest = { .word = name, .n = strlen(name) };

		for (size_t i = 0; encoder_list[i]; i++)
			nearest_offer(&nearest, encoder_list[i]->name);
		return why_set(&reading->why, -EINVAL, "there is no format \"%.40s\" here%s%s%s",
			       name, nearest.best && !encoder ? ", did you mean " : "",
			       nearest.best && !encoder ? nearest.best : "",
			       nearest.best && !encoder ? "?" : "");
	}
	if (options->limit && (num_parse_u64(&limit, options->limit, strlen(options->limit)) < 0 ||
			       !limit))
		return why_set(&reading->why, -EINVAL, "--limit: \"%.40s\" is not a number above 0",
			       options->limit);
	if (!options->columns)
		return 0;
	if (!encoder->columns)
		return why_set(&reading->why, -EINVAL, "-o %s has no columns", name);
	return encoder->columns(&conf, options->columns, &reading->why);
}

static void show_help(const char *name, unsigned takes)
{
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		if (!strcmp(cmd->name, name))
			options_usage(cmd->name, cmd->synopsis, takes);
	}
}

int options_parse(struct options *options, struct settings *settings, unsigned takes, int argc,
		  char **argv)
{
	struct reading reading = { .options = options, .settings = settings, .takes = takes };
	int r;

	*options = (struct options){ 0 };
	settings_init(settings);
	if (settings_apply_environment(settings, environ, &reading.why) < 0)
		return usage_error(reading.why.text);
	options->no_color = getenv("NO_COLOR") && *getenv("NO_COLOR");
	r = read_flags(&reading, argc, argv);
	if (r < 0 && check_shown(&reading) < 0)
		r = usage_error(reading.why.text);
	if (r == EXIT_OK) {
		show_help(argv[0], takes);
	} else if (r < 0 && takes & TAKES_FILTER) {
		r = read_filter(&reading, argv + optind, argc - optind);
	} else if (r < 0 && optind < argc) {
		fprintf(stderr, "weir: %s takes no argument \"%s\"\n", argv[0], argv[optind]);
		r = EXIT_USAGE;
	}
	buf_fini(&reading.terms);
	if (r >= 0)
		options_fini(options);
	return r;
}

int options_parse_run(struct options *options, struct settings *settings, int argc, char **argv)
{
	const int r = options_parse(options, settings, TAKES_FILTER | TAKES_RUN, argc, argv);

	if (r >= 0)
		return r;
	/* readable lines unless told otherwise */
	options->encoder = encoder_find(options->output ? options->output : "trace");
	if (options->encoder && options->encoder != &encoder_table)
		return -1;
	fprintf(stderr, "weir: run writes json, csv or trace lines, not \"%s\"\n",
		options->output);
	options_fini(options);
	return EXIT_USAGE;
}

void options_fini(struct options *options)
{
	free(options->filter);
	options->filter = NULL;
}
