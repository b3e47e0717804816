// SPDX-License-Identifier: Apache-2.0
/*
 * weir run: the collector in the foreground.
 *
 * The order is the contract: options, settings, log, everything that needs
 * privilege, then privilege is dropped, then the loop; torn down in reverse.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "config/settings.h"
#include "encode/encode.h"
#include "engine/engine.h"
#include "flow/filter.h"
#include "serve/serve.h"
#include "sink/outbox.h"

/* How often the person at the terminal is told what is not being seen. */
#define NOTICE_NS (5 * NUM_NS_PER_S)

struct run {
	struct settings settings;
	struct options options;
	struct loop *loop;
	struct engine *engine;
	struct serve *serve;
	struct loop_timer *notice_timer;
	char notice[320];
	bool stopping;
};

static void on_stop(void *context)
{
	struct run *run = context;

	if (run->stopping)
		_exit(EXIT_FAILED); /* the second signal means now */
	run->stopping = true;
	loop_quit(run->loop, EXIT_OK);
}

/* Nobody reads our output any more: that is the end, and no failure. */
static void on_output_closed(void *context)
{
	loop_quit(((struct run *)context)->loop, EXIT_OK);
}

static void on_notice(void *context)
{
	struct run *run = context;
	const char *notice = engine_notice(run->engine);

	if (notice && strcmp(notice, run->notice))
		log_warn("%s", notice);
	snprintf(run->notice, sizeof(run->notice), "%s", notice ? notice : "");
	loop_timer_set(run->notice_timer, clock_boot_ns() + NOTICE_NS);
}

static int exit_code_of(int r)
{
	switch (r) {
	case -EPERM:
	case -EACCES:
		return EXIT_PRIVILEGE;
	case -ENOTSUP:
		return EXIT_KERNEL;
	case -EINVAL:
		return EXIT_USAGE;
	default:
		return EXIT_FAILED;
	}
}

static int open_output(struct run *run, struct why *why)
{
	struct settings_sink settings;
	struct outbox_conf conf = {
		.ops = &sink_file,
		.sink = { .settings = &settings, .fd = STDOUT_FILENO,
			  .encoder = run->options.encoder,
			  .host = engine_host(run->engine) },
	};
	struct outbox *outbox;
	int r;

	settings_sink_init(&settings, "stdout", SINK_FILE);
	r = filter_new(&conf.filter, run->options.filter, NULL, why);
	if (r == 0)
		r = outbox_new(&outbox, &conf, why);
	if (r < 0)
		return r;
	engine_own_outbox(run->engine, outbox);
	return loop_add_fd(run->loop, outbox_closed_fd(outbox), EPOLLIN, on_output_closed, run);
}

static int open_all(struct run *run, struct why *why)
{
	const struct engine_conf conf = {
		.settings = &run->settings,
		.record_path = run->options.record_path,
	};
	struct engine_conf engine_conf = conf;
	struct serve_conf serve_conf = { .listen_fd = -1 };
	int r;

	if (!caps_has(CAP_NET_ADMIN))
		return why_set(why, -EPERM, "weir run needs root or CAP_NET_ADMIN to read "
					    "conntrack; weir list shows your own sockets without");
	r = loop_new(&run->loop, why);
	if (r < 0)
		return r;
	engine_conf.loop = run->loop;
	r = engine_new(&run->engine, &engine_conf, why);
	if (r < 0)
		return r;
	serve_conf.engine = run->engine;
	serve_conf.loop = run->loop;
	serve_conf.socket_path = run->settings.listen_socket;
	r = serve_open(&run->serve, &serve_conf, why);
	if (r < 0)
		return r;
	r = open_output(run, why);
	if (r == 0)
		r = loop_add_signal(run->loop, SIGINT, on_stop, run);
	if (r == 0)
		r = loop_add_signal(run->loop, SIGTERM, on_stop, run);
	if (r == 0)
		r = loop_timer_new(run->loop, &run->notice_timer, on_notice, run);
	return r;
}

/* What is still needed once everything is open: conntrack and sockets of
 * namespaces that appear later, the owners of sockets that appear later; and, where
 * conntrack itself does, the address of its table, which the kernel names to few. */
static int drop_privilege(struct why *why)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_PTRACE,
				    CAP_DAC_READ_SEARCH, CAP_SYSLOG };

	return caps_keep(kept, ARRAY_LEN(kept), why);
}

static void close_all(struct run *run)
{
	loop_timer_free(run->notice_timer);
	serve_close(run->serve);
	engine_free(run->engine);
	loop_free(run->loop);
}

int cmd_run(int argc, char **argv)
{
	static struct run run; /* one per process, too large for comfort on a stack */
	struct why why = { "" };
	int r;

	r = options_parse(&run.options, &run.settings, TAKES_FILTER | TAKES_RUN, argc, argv);
	if (r >= 0)
		return r;
	log_open(run.settings.log_level);
	signal(SIGPIPE, SIG_IGN);
	r = open_all(&run, &why);
	if (r == 0) {
		engine_start(run.engine);
		r = drop_privilege(&why);
	}
	if (r < 0) {
		log_error("%s", why.text[0] ? why.text : strerror(-r));
		r = exit_code_of(r);
	} else {
		loop_timer_set(run.notice_timer, clock_boot_ns() + 2 * NUM_NS_PER_S);
		log_info("weir %s is watching; Ctrl-C stops it", WEIR_VERSION);
		r = loop_run(run.loop);
		run.stopping = true;
		engine_shutdown(run.engine, 10 * NUM_NS_PER_S);
		if (r == EXIT_OK && !engine_has_recorded(run.engine))
			r = EXIT_FAILED;
	}
	close_all(&run);
	options_fini(&run.options);
	return r;
}
