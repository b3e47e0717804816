// SPDX-License-Identifier: Apache-2.0
/* weir top: the live view in the terminal. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/collector.h"
#include "cmd/options.h"
#include "ui/top.h"

/* A daemon sees what it may; a private collector what its user may. */
static const char *advice_for(const struct collector *collector, const struct options *options)
{
	if (!collector->pid || options->replay_path || caps_has(CAP_NET_ADMIN))
		return NULL;
	return "not root: only TCP sockets of this network namespace, by their payload; "
	       "sudo weir top shows all";
}

int cmd_top(int argc, char **argv)
{
	struct options options;
	struct settings settings;
	struct collector collector;
	struct top_conf conf;
	struct why why = { "" };
	int r;

	r = options_parse(&options, &settings, TAKES_FILTER | TAKES_TOP | TAKES_INTERVAL |
			  TAKES_NAMES, argc, argv);
	if (r >= 0)
		return r;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "weir: top wants a terminal; weir list suits a pipe\n");
		options_fini(&options);
		return EXIT_USAGE;
	}
	if (strlen(options.typed) >= TOP_TYPED_SIZE) {
		fprintf(stderr, "weir: a filter of more than %d bytes: "
			"weir list takes longer ones\n", TOP_TYPED_SIZE - 1);
		options_fini(&options);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	r = collector_open(&collector, &settings, COLLECTOR_QUIET, options.replay_path);
	if (r < 0) {
		conf = (struct top_conf){
			.client = collector.client,
			.chosen = options.chosen,
			.typed = options.typed,
			.all = options.all,
			.order = options.sort,
			.interval_ns = options.interval_ns,
			.count = options.count,
			.bits = options.bits,
			.color = !options.no_color,
			.names = options.resolve,
			.advice = advice_for(&collector, &options),
			.ended_fd = collector.ended_fd,
		};
		r = top_run(&conf, &why);
		r = r < 0 ? collector_failed(&collector, r, &why) : EXIT_OK;
		collector_close(&collector);
	}
	options_fini(&options);
	return r;
}
