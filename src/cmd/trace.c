// SPDX-License-Identifier: Apache-2.0
/* weir trace: one line per event, as it happens, until Ctrl-C. */
#include <signal.h>

#include "base/why.h"
#include "client/client.h"
#include "cmd/cmd.h"
#include "cmd/collector.h"
#include "cmd/follow.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/pause.h"
#include "cmd/resolve.h"

static size_t on_body(void *context, const char *bytes, size_t n)
{
	int *written = context;

	*written = output_write(bytes, n);
	return *written < 0 ? 0 : n;
}

int cmd_trace(int argc, char **argv)
{
	struct client_param params[3] = { { "filter", NULL }, { "format", "trace" } };
	struct options options;
	struct settings settings;
	struct collector collector;
	struct resolve resolve;
	struct why why = { "" };
	int r, written = 0;
	const struct client_outlet outlet = { on_body, &written, .is_endless = true };

	r = options_parse(&options, &settings, TAKES_FILTER | TAKES_NAMES, argc, argv);
	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	params[0].value = options.filter;
	if (options.output)
		params[1].value = options.output;
	r = collector_open(&collector, &settings, COLLECTOR_PRIVILEGED, NULL);
	if (r < 0) {
		/* output is written as it comes, a private collector ends with its parent */
		pause_end_by_signals();
		r = resolve_init(&resolve, &options, &why);
		if (r == 0 && resolve.names)
			r = follow_events(collector.client, params, &resolve, &written, &why);
		else if (r == 0)
			r = client_get(collector.client, "/api/v1/events", params, &outlet, &why);
		resolve_fini(&resolve);
		r = r < 0 ? collector_failed(&collector, r, &why) : output_exit_code(written);
		collector_close(&collector);
	}
	options_fini(&options);
	return r;
}
