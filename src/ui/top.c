// SPDX-License-Identifier: Apache-2.0
/*
 * The loop of the live view. Nothing in it blocks: keys are answered while the collector
 * is still at the answer, with what was there before; what is drawn is drawn once for all
 * that has happened.
 */
#include "ui/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/filter.h"
#include "ui/names.h"
#include "ui/top_impl.h"

/* Slower than this no answer is looked for; a screen that is left alone costs nothing. */
#define IDLE_MS 60000
/* How often it is looked whether the collector has been silent for too long. */
#define PATIENCE_LOOK_MS 1000

const unsigned top_interval_ms[] = { 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000 };
const unsigned top_intervals = ARRAY_LEN(top_interval_ms);
#define INTERVAL_USUAL 3

enum { FD_KEYS, FD_SIGNALS, FD_ENDED, FDS };

uint64_t top_interval_now_ms(const struct top *top)
{
	const uint64_t ms = top->first_interval_ns / NUM_NS_PER_MS;

	if (top->first_interval_ns)
		return ms < top_interval_ms[0] ? top_interval_ms[0] : ms;
	return top_interval_ms[top->interval];
}

bool top_in_detail(const struct top *top)
{
	return (top->mode == TOP_GUIDE ? top->before_guide : top->mode) == TOP_DETAIL;
}

static void resize(struct top *top)
{
	unsigned rows, columns;

	screen_size(&rows, &columns);
	if (rows == top->frame.rows && columns == top->frame.columns)
		return;
	if (frame_resize(&top->frame, rows, columns) == 0)
		top->is_dirty = true;
}

static int open_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct top *top, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT) {
			resize(top);
			screen_repaint();
			top->is_dirty = true;
		} else {
			top->quit = true;
		}
	}
}

bool top_have_names(struct top *top)
{
	struct why why;

	if (!top->names && names_new(&top->names, NULL, &why) < 0)
		top->names = NULL;
	return top->names;
}

/* What the resolver waits for, beside our own; and no longer than it wants. */
static unsigned add_names(const struct top *top, struct pollfd *fds, int *timeout_ms)
{
	const int wanted_ms = names_timeout_ms(top->names, clock_boot_ns());

	if (wanted_ms >= 0 && wanted_ms < *timeout_ms)
		*timeout_ms = wanted_ms;
	return names_fds(top->names, fds, NAMES_FDS_MAX);
}

static void take_names(struct top *top, const struct pollfd *fds, unsigned n)
{
	names_process(top->names, fds, n, clock_boot_ns());
	if (names_generation(top->names) == top->names_generation)
		return;
	top->names_generation = names_generation(top->names);
	top->is_dirty = true;
}

static int until_ms(const struct top *top, uint64_t now_boot_ns)
{
	if (top->is_dirty)
		return 0;
	if (top->request)
		return PATIENCE_LOOK_MS;
	if (top->frozen && !top->is_awaited)
		return IDLE_MS;
	return clock_poll_ms(top->next_boot_ns, now_boot_ns);
}

static int loop(struct top *top, int signals, struct why *why)
{
	struct pollfd fds[FDS + NAMES_FDS_MAX] = {
		[FD_KEYS] = { .fd = STDIN_FILENO, .events = POLLIN },
		[FD_SIGNALS] = { .fd = signals, .events = POLLIN },
		[FD_ENDED] = { .fd = top->conf.ended_fd, .events = POLLIN },
	};
	unsigned named = 0;
	int key, r, timeout_ms;

	while (!top->quit) {
		fetch_if_due(top);
		timeout_ms = until_ms(top, clock_boot_ns());
		if (top->names)
			named = add_names(top, fds + FDS, &timeout_ms);
		r = requests_wait(top->requests, fds, FDS + named, timeout_ms, why);
		if (r < 0)
			return r;
		if (top->names)
			take_names(top, fds + FDS, named);
		if (fds[FD_SIGNALS].revents)
			take_signals(top, signals);
		if (fds[FD_KEYS].revents & (POLLHUP | POLLERR))
			return 0; /* the terminal is gone */
		if (fds[FD_ENDED].revents && !top->quit)
			return why_set(why, -EPIPE, "the collector has ended");
		while (fds[FD_KEYS].revents && (key = screen_key()) != KEY_NONE_YET)
			keys_press(top, key);
		resize(top);
		if (!top->is_dirty)
			continue;
		draw(top);
		screen_paint(&top->screen, &top->frame);
		top->is_dirty = false;
	}
	return 0;
}

void top_set_typed(struct top *top, const char *text)
{
	snprintf(top->typed, sizeof(top->typed), "%s", filter_is_blank(text) ? "" : text);
}

static void begin(struct top *top, const struct top_conf *conf)
{
	top->conf = *conf;
	top->is_awaited = true;
	top->interval = INTERVAL_USUAL;
	top->first_interval_ns = conf->interval_ns;
	top->all = conf->all;
	top->bits = conf->bits;
	top->has_names = conf->names && top_have_names(top);
	top_set_typed(top, conf->typed);
	top->is_descending = !conf->order || *conf->order == '-';
	snprintf(top->order, sizeof(top->order), "%s",
		 conf->order ? conf->order + (*conf->order == '-') : "rate");
}

static void end(struct top *top)
{
	requests_free(top->requests);
	screen_close(&top->screen);
	history_free(top->history);
	names_free(top->names);
	snapshot_fini(&top->snapshot);
	json_decref(top->detail.object);
	buf_fini(&top->detail.line);
	buf_fini(&top->answer);
	buf_fini(&top->standing_answer);
	frame_fini(&top->frame);
}

int top_run(const struct top_conf *conf, struct why *why)
{
	static struct top top; /* one per process, too large for comfort on a stack */
	int signals = -1, r;
	sigset_t before;

	sigprocmask(SIG_SETMASK, NULL, &before);
	begin(&top, conf);
	r = requests_new(&top.requests, conf->client, why);
	if (r == 0 && history_new(&top.history, TOP_HISTORIES) < 0)
		r = why_set(why, -ENOMEM, "no memory for the view");
	if (r == 0)
		r = screen_open(&top.screen, conf->color, why);
	if (r == 0) {
		signals = open_signals();
		if (signals < 0)
			r = why_set(why, -errno, "signalfd: %s", strerror(errno));
	}
	if (r == 0) {
		resize(&top);
		standing_ask(&top);
		r = loop(&top, signals, why);
	}
	end(&top);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
