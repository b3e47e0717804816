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
#include <string.h>

#include "base/array.h"
#include "base/caps.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/run.h"
#include "serve/serve.h"

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
	if (strcmp(run->settings.listen_http, "off"))
		serve_conf.http = run->settings.listen_http;
	if (run->settings.listen_token_file[0])
		serve_conf.token_file = run->settings.listen_token_file;
	serve_conf.hosts = run->settings.listen_hosts;
	r = serve_open(&run->serve, &serve_conf, why);
	if (r < 0)
		return r;
	r = sinks_feed(run, &run->settings, why);
	return r < 0 ? r : service_open(run, why);
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
	service_close(run);
	serve_close(run->serve);
	engine_free(run->engine);
	sinks_free(run);
	loop_free(run->loop);
}

int cmd_run(int argc, char **argv)
{
	static struct run run; /* one per process, too large for comfort on a stack */
	struct why why = { "" };
	int r;

	run.argc = argc;
	run.argv = argv;
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
		service_start(&run);
		log_info("weir %s is watching; Ctrl-C stops it", WEIR_VERSION);
		r = loop_run(run.loop);
		run.stopping = true;
		engine_shutdown(run.engine, run.settings.drain_timeout_ns);
		if (r == EXIT_OK && !engine_has_recorded(run.engine))
			r = EXIT_FAILED;
	}
	close_all(&run);
	options_fini(&run.options);
	return r;
}
