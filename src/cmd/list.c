// SPDX-License-Identifier: Apache-2.0
/* weir list: the flows alive now, once or every INTERVAL. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "client/client.h"
#include "cmd/align.h"
#include "cmd/answer.h"
#include "cmd/cmd.h"
#include "cmd/collector.h"
#include "cmd/nettracer.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/pause.h"
#include "cmd/resolve.h"
#include "encode/encode.h"

struct listing {
	const struct options *options;
	bool table;
	struct buf rows; /* of a table: aligned when all are here */
	struct resolve resolve;
	int written;     /* of output_write: below 0 it is over */
};

static size_t on_body(void *context, const char *bytes, size_t n)
{
	struct listing *listing = context;

	if (listing->table) {
		buf_append(&listing->rows, bytes, n);
		return listing->rows.error ? 0 : n;
	}
	listing->written = output_write(bytes, n);
	return listing->written < 0 ? 0 : n;
}

static const char *columns_of(const struct options *options, bool table)
{
	if (options->columns || !table)
		return options->columns;
	if (options->extended)
		return "proto,state,dir,src,dst,nat,sent,packets_orig,received,packets_reply,"
		       "rate_out,rate_in,age,timeout_s,rtt,rttvar_us,retrans,tcp_payload_orig,"
		       "tcp_payload_reply,zone,mark,netns,flow_id,client_uid,client_container,"
		       "process";
	if (options->info && options->processes)
		return "proto,state,src,dst,sent,received,rate_out,rate_in,rtt,min_rtt_us,retrans,"
		       "age,process,client_uid,client_exe";
	if (options->info)
		return "proto,state,src,dst,sent,received,rate_out,rate_in,rtt,rttvar_us,"
		       "min_rtt_us,retrans,age,process";
	if (options->processes)
		return "proto,state,src,dst,sent,received,age,process,client_uid,client_cgroup,"
		       "client_container,client_exe";
	return NULL;
}

static int list_once(struct collector *collector, struct listing *listing, struct why *why)
{
	const struct options *options = listing->options;
	const struct client_param params[] = {
		{ "filter", options->filter },
		{ "format", listing->table ? "table" : options->output },
		{ "columns", resolve_columns(&listing->resolve,
					     columns_of(options, listing->table)) },
		{ "sort", options->sort },
		{ "limit", options->limit },
		{ "no_header", options->no_header && !listing->resolve.names ? "1" : NULL },
		{ "bits", options->bits ? "1" : NULL },
		{ "exact", options->exact ? "1" : NULL },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_body, listing };
	const struct align_conf align = {
		.header = !options->no_header,
		.color = !options->no_color,
		.width = options->wide ? 0 : output_width(),
	};
	struct buf out = { 0 };
	int r;

	buf_clear(&listing->rows);
	r = client_get(collector->client, "/api/v1/flows", params, &outlet, why);
	if (r < 0 || !listing->table)
		return r;
	r = resolve_table(&listing->resolve, &listing->rows, why);
	if (r < 0)
		return r;
	if (!isatty(STDOUT_FILENO)) { /* cells for a program: tabs, no blanks */
		listing->written = output_write(listing->rows.data, listing->rows.len);
		return 0;
	}
	align_columns(&out, listing->rows.data, listing->rows.len, &align);
	listing->written = output_write(out.data, out.len);
	buf_fini(&out);
	return 0;
}

/* Whether anything stands below the header. */
static bool has_rows(const struct listing *listing)
{
	const char *text = listing->rows.data;
	const size_t n = listing->rows.len;
	const char *first = n ? memchr(text, '\n', n) : NULL;

	return n && (listing->options->no_header || (first && first + 1 < text + n));
}

/* An empty list deserves its reason, when there is one. */
static void say_notice(struct collector *collector)
{
	struct buf answer = { 0 };
	struct why why;
	json_t *root = NULL;

	if (answer_get(collector, "/api/v1/stats", &answer, &why) == 0)
		root = json_loadb(answer.data, answer.len, 0, NULL);
	if (json_object_get(root, "notice"))
		fprintf(stderr, "weir: %s\n",
			json_string_value(json_object_get(root, "notice")));
	json_decref(root);
	buf_fini(&answer);
}

/* Between two rounds of a table: on a terminal each begins at its top, as watch(1) has it. */
static int next_round(struct listing *listing, char **argv)
{
	const struct options *options = listing->options;
	struct buf out = { 0 };
	char time[CLOCK_RFC3339_SIZE], every[32];
	int r;

	if (!options->watch || !isatty(STDOUT_FILENO))
		return output_write("\n", listing->table);
	clock_put_rfc3339(time, clock_wall_ns());
	buf_printf(&out, "\x1b[H\x1b[2JEvery %s: weir",
		   num_exact_duration(every, sizeof(every), options->interval_ns));
	for (; *argv; argv++)
		buf_printf(&out, " %s", *argv);
	buf_printf(&out, "   %.19sZ\n\n", time);
	r = out.error ? out.error : output_write(out.data, out.len);
	buf_fini(&out);
	return r;
}

static int list_rounds(struct collector *collector, struct listing *listing, char **argv,
		       struct why *why)
{
	const struct options *options = listing->options;
	struct pause pause = pause_begin(options->watch);
	uint64_t done = 0;
	int r;

	if (options->watch && isatty(STDOUT_FILENO))
		listing->written = next_round(listing, argv);
	do {
		r = list_once(collector, listing, why);
		done++;
		if (r < 0 || listing->written < 0 || !options->repeat ||
		    (options->count && done >= options->count))
			return r;
		pause_wait(&pause, options->interval_ns);
		listing->written = next_round(listing, argv);
	} while (listing->written == 0);
	return r;
}

int cmd_list(int argc, char **argv)
{
	struct options options;
	struct settings settings;
	struct collector collector;
	struct listing listing = { .options = &options };
	struct why why = { "" };
	int r;

	r = options_parse(&options, &settings,
			  TAKES_FILTER | TAKES_TABLE | TAKES_INTERVAL | TAKES_NAMES, argc, argv);
	if (r >= 0)
		return r;
	if (nettracer_check(&options, &why) < 0) {
		fprintf(stderr, "weir: %s\n", why.text);
		options_fini(&options);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	listing.table = !options.output || !strcmp(options.output, "table");
	r = collector_open(&collector, &settings, COLLECTOR_UNPRIVILEGED,
			   options.replay_path);
	if (r >= 0) {
		options_fini(&options);
		return r;
	}
	if (options.repeat)
		pause_end_by_signals();
	r = resolve_init(&listing.resolve, &options, &why);
	if (r == 0 && options.encoder == &encoder_nettracer)
		r = nettracer_list(&collector, &options, &listing.written, &why);
	else if (r == 0)
		r = list_rounds(&collector, &listing, argv, &why);
	if (r == 0 && collector.pid && listing.table && !has_rows(&listing))
		say_notice(&collector);
	r = r < 0 ? collector_failed(&collector, r, &why) : output_exit_code(listing.written);
	collector_close(&collector);
	resolve_fini(&listing.resolve);
	buf_fini(&listing.rows);
	options_fini(&options);
	return r;
}
