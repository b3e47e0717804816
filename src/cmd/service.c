// SPDX-License-Identifier: Apache-2.0
/*
 * weir run as a service: what its manager is told, and what signals ask for.
 *
 * It is ready when the engine is, which is when the API says so too. The watchdog
 * is fed from the collector's loop, so that a collector that hangs is restarted.
 * The end has two parts: what was seen is handed to the sinks at once, and they
 * deliver while the loop runs on; whoever asks a second time does not wait.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/notify.h"
#include "base/num.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/run.h"
#include "flow/table.h"

#define READY_LOOK_NS (50 * NUM_NS_PER_MS)
#define DRAINED_LOOK_NS (20 * NUM_NS_PER_MS)
/* How often the person at the terminal is told what is not being seen. */
#define NOTICE_NS (5 * NUM_NS_PER_S)
/* The last looks, beside what the sinks are given. */
#define STOP_NS (5 * NUM_NS_PER_S)

static unsigned long long live(const struct run *run)
{
	return (unsigned long long)table_live(engine_table(run->engine));
}

static void on_ready(void *context)
{
	struct run *run = context;

	run->ready = engine_is_ready(run->engine);
	if (run->ready) {
		notify_send("READY=1\nSTATUS=%llu flows are watched\n", live(run));
		log_debug("ready");
	} else {
		loop_timer_set(run->ready_timer, clock_boot_ns() + READY_LOOK_NS);
	}
}

static void on_notice(void *context)
{
	struct run *run = context;
	const char *notice = engine_notice(run->engine);

	if (notice && strcmp(notice, run->notice))
		log_warn("%s", notice);
	snprintf(run->notice, sizeof(run->notice), "%s", notice ? notice : "");
	if (run->ready && !run->stopping)
		notify_send("STATUS=%llu flows are watched%s%s\n", live(run), notice ? "; " : "",
			    notice ? notice : "");
	loop_timer_set(run->notice_timer, clock_boot_ns() + NOTICE_NS);
}

static void on_watchdog(void *context)
{
	struct run *run = context;

	notify_send("WATCHDOG=1\n");
	loop_timer_set(run->watchdog_timer, clock_boot_ns() + notify_watchdog_ns() / 2);
}

static void on_drained(void *context)
{
	struct run *run = context;

	if (engine_has_drained(run->engine))
		loop_quit(run->loop, EXIT_OK);
	else
		loop_timer_set(run->drained_timer, clock_boot_ns() + DRAINED_LOOK_NS);
}

/* The second signal means now, whatever is being done: there is nothing to put in
 * order first, the guard puts the machine's settings back. */
static void quit_now(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_FAILED);
}

static void let_second_signal_quit(void)
{
	struct sigaction now = { .sa_handler = quit_now };
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigaction(SIGINT, &now, NULL);
	sigaction(SIGTERM, &now, NULL);
	sigprocmask(SIG_UNBLOCK, &both, NULL);
}

static void on_stop(void *context)
{
	struct run *run = context;
	const uint64_t drain_ns = run->settings.drain_timeout_ns;

	if (run->stopping)
		return;
	run->stopping = true;
	let_second_signal_quit();
	notify_send("STOPPING=1\nSTATUS=delivering what was seen\nEXTEND_TIMEOUT_USEC=%llu\n",
		    (unsigned long long)((drain_ns + STOP_NS) / 1000));
	engine_stop(run->engine, drain_ns);
	on_drained(run);
}

static void on_reopen(void *context)
{
	engine_reopen(((struct run *)context)->engine);
}

static void log_part(const char *name, const json_t *part)
{
	char *text = json_dumps(part, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		log_info("stats: %s %s", name, text);
	free(text);
}

/* One line a part, so that none is too long for a log. */
static void on_stats(void *context)
{
	struct run *run = context;
	struct buf buf = { 0 };
	json_t *root, *part, *element;
	const char *name;
	size_t i;

	engine_stats_json(run->engine, &buf);
	root = buf.error ? NULL : json_loadb(buf.data, buf.len, 0, NULL);
	json_object_foreach(root, name, part) {
		if (!json_is_array(part))
			log_part(name, part);
		json_array_foreach(part, i, element)
			log_part(name, element);
	}
	json_decref(root);
	buf_fini(&buf);
}

int service_open(struct run *run, struct why *why)
{
	const struct {
		int number;
		loop_fn fn;
	} signals[] = {
		{ SIGINT, on_stop },	{ SIGTERM, on_stop },  { SIGHUP, reload_on_signal },
		{ SIGUSR1, on_reopen }, { SIGUSR2, on_stats },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && r == 0; i++)
		r = loop_add_signal(run->loop, signals[i].number, signals[i].fn, run);
	if (r == 0)
		r = loop_timer_new(run->loop, &run->notice_timer, on_notice, run);
	if (r == 0)
		r = loop_timer_new(run->loop, &run->ready_timer, on_ready, run);
	if (r == 0)
		r = loop_timer_new(run->loop, &run->watchdog_timer, on_watchdog, run);
	if (r == 0)
		r = loop_timer_new(run->loop, &run->drained_timer, on_drained, run);
	return r < 0 ? why_set(why, r, "signals and timers: %s", strerror(-r)) : 0;
}

void service_start(struct run *run)
{
	loop_timer_set(run->notice_timer, clock_boot_ns() + 2 * NUM_NS_PER_S);
	if (notify_is_wanted())
		loop_timer_set(run->ready_timer, clock_boot_ns());
	if (notify_is_wanted() && notify_watchdog_ns())
		loop_timer_set(run->watchdog_timer, clock_boot_ns());
}

void service_close(struct run *run)
{
	loop_timer_free(run->drained_timer);
	loop_timer_free(run->watchdog_timer);
	loop_timer_free(run->ready_timer);
	loop_timer_free(run->notice_timer);
}

void service_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reading the configuration\n",
		    (unsigned long long)(clock_mono_ns() / 1000));
}

void service_reloaded(const struct run *run)
{
	if (run->ready)
		notify_send("READY=1\nSTATUS=%llu flows are watched\n", live(run));
}
