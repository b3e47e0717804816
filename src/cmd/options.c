// SPDX-License-Identifier: Apache-2.0
/* What a person types: flags, filter, interval. */
#include "cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/why.h"
#include "cmd/choice.h"
#include "cmd/cmd.h"
#include "cmd/flags.h"
#include "cmd/load.h"
#include "cmd/words.h"
#include "encode/encode.h"
#include "flow/filter.h"
#include "serve/sort.h"

#define FLAGS_MAX 48

/* While the flags are read. */
struct reading {
	struct options *options;
	struct settings *settings;
	unsigned takes;
	struct choice choice;
	struct why why;
};

static bool is_taken(const struct flag *flag, unsigned takes)
{
	/* a screen has no format */
	if (takes & TAKES_TOP && (flag->letter == 'o' || flag->letter == 'j'))
		return false;
	return !flag->takes || flag->takes & takes;
}

/* Whether a command writes that format: flows that are there are a table, events
 * are trace lines; an answer that is neither has no records for csv and conntracct. */
static bool is_written(const struct encoder *encoder, unsigned takes)
{
	const bool events = takes & TAKES_FILTER && !(takes & TAKES_TABLE);

	if (encoder == &encoder_nettracer_hex)
		return false; /* list turns it into what it is asked for */
	if (encoder == &encoder_nettracer)
		return takes & TAKES_FILTER;
	if (encoder == &encoder_trace)
		return events;
	if (encoder == &encoder_table)
		return !events;
	return (encoder != &encoder_csv && encoder != &encoder_conntracct) || takes & TAKES_FILTER;
}

static void print_written(char *ret, size_t size, unsigned takes)
{
	size_t n = 0;

	for (size_t i = 0; encoder_list[i] && n < size; i++) {
		if (is_written(encoder_list[i], takes))
			n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ", " : "",
					      encoder_list[i]->name);
	}
}

void options_usage(const char *command, const char *synopsis, unsigned takes)
{
	printf("usage: weir %s %s\n\n", command, synopsis);
	for (size_t i = 0; i < flag_count; i++) {
		const struct flag *flag = &flag_table[i];
		char left[48], letter[5] = "    ", written[96];

		if (!is_taken(flag, takes))
			continue;
		if (flag->letter < 256)
			snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
		snprintf(left, sizeof(left), "%s--%s %s", letter, flag->name,
			 flag->argument ? flag->argument : "");
		print_written(written, sizeof(written), takes);
		printf("  %-28s %s\n", left, flag->letter == 'o' ? written : flag->help);
	}
	if (takes & TAKES_FILTER)
		printf("\nFILTER: see weir help filter; the fields: weir help fields.\n");
}

/* Says why; returns the exit code. */
static int failed(int r, const struct why *why)
{
	fprintf(stderr, "weir: %s\n", why->text[0] ? why->text : strerror(-r));
	return r == -ENOMEM ? EXIT_FAILED : r == -EACCES ? EXIT_PRIVILEGE : EXIT_USAGE;
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
	case OPTION_SOURCE:
		return settings_set(settings, "source", argument, "--source", why);
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
	case OPTION_INCREMENTAL:
		return &options->incremental;
	case OPTION_HEADER_BYTES:
		return &options->header_bytes;
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
	case 'r':
		options->resolve = letter == 'r';
		return 0;
	case 's':
		options->sort = argument;
		return 0;
	case 'l':
		options->limit = argument;
		return 0;
	case OPTION_COLUMNS:
		options->columns = argument;
		return 0;
	case OPTION_WATCH:
		if (!words_read_interval(&options->interval_ns, argument))
			return why_set(&reading->why, -EINVAL, "--watch: \"%.40s\" is no time: 2, "
							       "500ms, 1m", argument);
		options->repeat = options->watch = true;
		return 0;
	case OPTION_REPLAY:
		options->replay_path = argument;
		return 0;
	case OPTION_RECORD:
		options->record_path = argument;
		return 0;
	default:
		r = apply_setting(reading, letter, argument);
		if (r != -ENOENT)
			return r;
		return choice_take(&reading->choice, letter, argument, &reading->why);
	}
}

static const struct flag *find_flag(int letter, unsigned takes)
{
	for (size_t i = 0; i < flag_count; i++) {
		if (flag_table[i].letter == letter && is_taken(&flag_table[i], takes))
			return &flag_table[i];
	}
	return NULL;
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

/* What getopt did not take. optopt tells which letter, or which known flag; of a
 * letter the word is not known, as getopt may still be inside it. */
static int refused_flag(int refusal, const char *text, unsigned takes)
{
	const struct flag *flag = find_flag(optopt, takes);
	char letter[] = { '-', (char)optopt, '\0' };

	utf8_make_printable(letter, 2);
	if (refusal == ':') {
		fprintf(stderr, "weir: %s wants an argument\n",
			strncmp(text, "--", 2) ? letter : text);
		return EXIT_USAGE;
	}
	if (!flag)
		return unknown_flag(optopt ? letter : text, takes);
	fprintf(stderr, "weir: --%s takes no argument\n", flag->name);
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

static int no_memory(void)
{
	fprintf(stderr, "weir: no memory\n");
	return EXIT_FAILED;
}

/* The configuration lies below all flags, wherever -c stands among them. */
static int read_config(struct reading *reading, int argc, char **argv)
{
	struct option longs[FLAGS_MAX + 1];
	char shorts[2 * FLAGS_MAX + 3];
	struct config_origin origin;
	bool needs_none = false;
	char **copy; /* getopt puts the words of a filter behind the flags */
	int letter, r;

	copy = calloc((size_t)argc + 1, sizeof(*copy));
	if (!copy)
		return no_memory();
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	getopt_tables(reading->takes, longs, shorts);
	optind = 0;
	opterr = 0;
	while ((letter = getopt_long(argc, copy, shorts, longs, NULL)) != -1) {
		needs_none |= letter == 'h';
		if (letter == 'c')
			reading->options->config_path = optarg;
	}
	free(copy);
	if (needs_none)
		return -1;
	r = load_settings(reading->settings, &origin, reading->options->config_path);
	return r < 0 ? EXIT_USAGE : -1;
}

static int read_flags(struct reading *reading, int argc, char **argv)
{
	struct option longs[FLAGS_MAX + 1];
	char shorts[2 * FLAGS_MAX + 3];
	int letter, r;

	getopt_tables(reading->takes, longs, shorts);
	optind = 0; /* argv is new to getopt */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (letter == 'h')
			return EXIT_OK;
		if (letter == 'c')
			continue; /* read_config has had it */
		if (letter == '?' || letter == ':')
			return refused_flag(letter, argv[optind - 1], reading->takes);
		r = apply(reading, letter, optarg);
		if (r < 0)
			return failed(r, &reading->why);
	}
	return -1;
}

static void caret(const char *text, unsigned column)
{
	fprintf(stderr, "  %s\n  %*s^\n", text, (int)column - 1, "");
}

/* Reads what was typed alone first: an error should point into that. */
static int check_typed(struct reading *reading, const char *typed)
{
	struct filter *filter;
	unsigned column = 0;
	struct buf tree = { 0 };
	int r = filter_new(&filter, typed, &column, &reading->why);

	if (r < 0) {
		r = failed(r, &reading->why);
		if (column)
			caret(typed, column);
		return r;
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
static void add_defaults(struct choice *choice, unsigned takes)
{
	if (takes & TAKES_TOP)
		return; /* a key switches them */
	choice_add(choice, "not primary = false");
	choice_add(choice, "not (src net 127.0.0.0/8 or src net ::1/128)");
	if (takes & TAKES_TABLE)
		choice_add(choice, "not (state = time_wait or state = close)");
}

static int read_filter(struct reading *reading, char **words, int count)
{
	struct options *options = reading->options;
	struct choice *choice = &reading->choice;
	struct filter *filter;
	char *typed;
	int r;

	if (reading->takes & TAKES_INTERVAL)
		count = words_take_interval(options, words, count);
	typed = words_join(words, count);
	r = typed ? check_typed(reading, typed) : no_memory();
	options->typed = typed;
	if (r >= 0)
		return r;
	choice_add_protocols(choice);
	if (choice->terms.len) {
		options->chosen = strndup(choice->terms.data, choice->terms.len);
		if (!options->chosen)
			return no_memory();
	}
	if (!filter_is_blank(typed))
		choice_add(choice, "%s", typed);
	if (!options->all && !(reading->takes & TAKES_RUN))
		add_defaults(choice, reading->takes);
	buf_putc(&choice->terms, '\0');
	if (choice->terms.error)
		return no_memory();
	options->filter = choice->terms.data; /* given away */
	choice->terms = (struct buf){ 0 };
	r = filter_new(&filter, options->filter, NULL, NULL);
	if (r == -EINVAL) /* each term is fine alone */
		why_set(&reading->why, r, "with what the flags add the filter is too large");
	if (r < 0)
		return failed(r, &reading->why);
	filter_free(filter);
	return -1;
}

static int unknown_format(struct reading *reading, const char *name)
{
	struct nearest nearest = { .word = name, .n = strlen(name) };
	char all[96];

	for (size_t i = 0; encoder_list[i]; i++) {
		if (is_written(encoder_list[i], reading->takes))
			nearest_offer(&nearest, encoder_list[i]->name);
	}
	print_written(all, sizeof(all), reading->takes);
	return why_set(&reading->why, -EINVAL, "there is no format \"%.40s\" here%s%s%s", name,
		       nearest.best ? ", did you mean " : "; there are ",
		       nearest.best ? nearest.best : all, nearest.best ? "?" : "");
}

/* Formats, columns, order and numbers: before anything is started for them. */
static int check_shown(struct reading *reading)
{
	struct options *options = reading->options;
	const char *usual = is_written(&encoder_trace, reading->takes) ? "trace" : "table";
	const char *name = options->output ? options->output : usual;
	struct encode_conf conf = { 0 };
	struct sort *sort = NULL;
	uint64_t limit;
	int r = 0;

	options->encoder = encoder_find(name);
	if (!options->encoder || !is_written(options->encoder, reading->takes))
		return unknown_format(reading, name);
	if (options->resolve && strcmp(name, usual))
		return why_set(&reading->why, -EINVAL, "--resolve: -o %s has numbers only", name);
	if (options->limit && (num_parse_u64(&limit, options->limit, strlen(options->limit)) < 0 ||
			       !limit))
		return why_set(&reading->why, -EINVAL, "--limit: \"%.40s\" is not a number above 0",
			       options->limit);
	if (options->sort)
		r = sort_new(&sort, options->sort, 1, &reading->why);
	sort_free(sort);
	if (r < 0 || !options->columns)
		return r;
	if (!options->encoder->columns)
		return why_set(&reading->why, -EINVAL, "-o %s has no columns", name);
	return options->encoder->columns(&conf, options->columns, &reading->why);
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
	r = read_config(&reading, argc, argv);
	if (r >= 0)
		return r;
	options->no_color = getenv("NO_COLOR") && *getenv("NO_COLOR");
	r = read_flags(&reading, argc, argv);
	if (r < 0) {
		r = check_shown(&reading);
		r = r < 0 ? failed(r, &reading.why) : -1;
	}
	if (r == EXIT_OK) {
		show_help(argv[0], takes);
	} else if (r < 0 && takes & TAKES_FILTER) {
		r = read_filter(&reading, argv + optind, argc - optind);
	} else if (r < 0 && optind < argc) {
		fprintf(stderr, "weir: %s takes no argument \"%s\"\n", argv[0], argv[optind]);
		r = EXIT_USAGE;
	}
	choice_fini(&reading.choice);
	if (r >= 0)
		options_fini(options);
	return r;
}

void options_fini(struct options *options)
{
	free(options->filter);
	free(options->typed);
	free(options->chosen);
	options->filter = options->typed = options->chosen = NULL;
}
