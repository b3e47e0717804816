// SPDX-License-Identifier: Apache-2.0
/*
 * Who is fed: an outbox for every sink of the settings, or standard output.
 *
 * Start and reload are the same step. Sinks whose settings are equal, byte for
 * byte, stay as they are; the others are opened before anything is taken from
 * the old ones, so that one that cannot be opened changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/run.h"
#include "flow/filter.h"
#include "sink/outbox.h"

/* Standard output without a sink that asks for it. */
#define OUTPUT_NAME "stdout"

/* What is to be fed next. */
struct feeding {
	struct sink_row *row[ENGINE_OUTBOXES_MAX];
	bool is_new[ENGINE_OUTBOXES_MAX];
	unsigned count;
};

/* Nobody reads a sink's output any more. Where that was all, it is the end, and no
 * failure. */
static void on_closed(void *context)
{
	struct sink_row *row = context;
	struct run *run = row->run;

	loop_remove_fd(run->loop, outbox_closed_fd(row->outbox));
	row->is_closed = true;
	if (run->row_count == 1)
		loop_quit(run->loop, EXIT_OK);
	else
		log_warn("sink %s: nobody reads it any more; its records are dropped, counted, "
			 "until a reload opens it", row->settings.name);
}

static int open_row(struct run *run, struct sink_row *row, struct why *why)
{
	struct outbox_conf conf = {
		.ops = sink_ops_of(row->settings.type),
		.sink = { .settings = &row->settings,
			  .fd = row->is_output ? STDOUT_FILENO : -1,
			  .encoder = row->is_output ? run->options.encoder : NULL,
			  .host = engine_host(run->engine) },
		/* the one before may still have that spool */
		.held = row->settings.spool_path[0] &&
			engine_has_sink(run->engine, row->settings.name),
	};
	const char *filter = row->is_output ? run->options.filter : row->settings.filter;
	struct why inner = { "" };
	int r;

	if (!conf.ops)
		return why_set(why, -EINVAL, "sink %s: this build has no sink of its type",
			       row->settings.name);
	r = filter_new(&conf.filter, filter, NULL, &inner);
	if (r < 0)
		return why_set(why, r, "sink %s: filter: %.250s", row->settings.name, inner.text);
	r = outbox_new(&row->outbox, &conf, why);
	if (r < 0)
		return r;
	r = loop_add_fd(run->loop, outbox_closed_fd(row->outbox), EPOLLIN, on_closed, row);
	if (r < 0) {
		outbox_free(row->outbox);
		return why_set(why, r, "sink %s: %s", row->settings.name, strerror(-r));
	}
	return 0;
}

/* The row that is fed with equal settings and goes on, or NULL. */
static struct sink_row *find_equal(const struct run *run, const struct settings_sink *settings,
				   bool is_output)
{
	for (unsigned i = 0; i < run->row_count; i++) {
		struct sink_row *row = run->row[i];

		if (!row->is_closed && row->is_output == is_output &&
		    !memcmp(&row->settings, settings, sizeof(*settings)))
			return row;
	}
	return NULL;
}

static int feed(struct run *run, struct feeding *feeding, const struct settings_sink *settings,
		bool is_output, struct why *why)
{
	struct sink_row *row = find_equal(run, settings, is_output);
	int r;

	if (feeding->count == ENGINE_OUTBOXES_MAX)
		return why_set(why, -EINVAL, "sink %s: there is room for %d sinks",
			       settings->name, ENGINE_OUTBOXES_MAX);
	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row)
			return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
		row->settings = *settings;
		row->run = run;
		row->is_output = is_output;
		r = open_row(run, row, why);
		if (r < 0) {
			free(row);
			return r;
		}
		feeding->is_new[feeding->count] = true;
	}
	feeding->row[feeding->count++] = row;
	return 0;
}

static void discard(struct run *run, struct feeding *feeding)
{
	for (unsigned i = 0; i < feeding->count; i++) {
		struct sink_row *row = feeding->row[i];

		if (!feeding->is_new[i])
			continue;
		loop_remove_fd(run->loop, outbox_closed_fd(row->outbox));
		outbox_free(row->outbox);
		free(row);
	}
}

static bool is_fed(const struct feeding *feeding, const struct sink_row *row)
{
	for (unsigned i = 0; i < feeding->count; i++) {
		if (feeding->row[i] == row)
			return true;
	}
	return false;
}

static int swap(struct run *run, const struct feeding *feeding, uint64_t drain_ns,
		struct why *why)
{
	struct outbox *next[ENGINE_OUTBOXES_MAX];
	int r;

	for (unsigned i = 0; i < feeding->count; i++)
		next[i] = feeding->row[i]->outbox;
	r = engine_swap_outboxes(run->engine, next, feeding->count, drain_ns, why);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < run->row_count; i++) {
		if (is_fed(feeding, run->row[i]))
			continue;
		/* the outbox is there: the engine frees it on a turn of the loop */
		loop_remove_fd(run->loop, outbox_closed_fd(run->row[i]->outbox));
		free(run->row[i]);
	}
	memcpy(run->row, feeding->row, sizeof(run->row));
	run->row_count = feeding->count;
	return 0;
}

/* A format or a filter on the command line is somebody who wants to see it there. */
static bool wants_output(const struct run *run, const struct settings *settings)
{
	const bool asked = run->options.output || run->options.filter[0];

	if (asked && settings->sink_count && !run->row_count)
		log_info("standard output as the command line has it, instead of the sinks of the "
			 "configuration");
	return asked || !settings->sink_count;
}

int sinks_feed(struct run *run, const struct settings *settings, struct why *why)
{
	struct feeding feeding = { 0 };
	struct settings_sink output;
	int r = 0;

	if (wants_output(run, settings)) {
		settings_sink_init(&output, OUTPUT_NAME, SINK_FILE);
		r = feed(run, &feeding, &output, true, why);
	} else {
		for (size_t i = 0; i < settings->sink_count && r == 0; i++)
			r = feed(run, &feeding, &settings->sink[i], false, why);
	}
	if (r == 0)
		r = swap(run, &feeding, settings->drain_timeout_ns, why);
	if (r < 0)
		discard(run, &feeding);
	return r;
}

void sinks_free(struct run *run)
{
	for (unsigned i = 0; i < run->row_count; i++)
		free(run->row[i]);
}
