// SPDX-License-Identifier: Apache-2.0
/*
 * SIGHUP: the settings are read anew, whole, from where they came from.
 *
 * A bad file changes nothing, and neither does a sink that cannot be opened.
 * Else sinks come, go and change without a record lost between them (sinks.c),
 * the pace and the log level hold at once, and what was given to the kernel or
 * taken from memory at start is said to wait for a restart. Files are opened
 * anew in any case: whoever rotates logs sends this signal too.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/run.h"
#include "config/config.h"

static void tell_restart(bool changed, const char *key)
{
	if (changed)
		log_warn("%s has changed: that needs a restart, until then it stays as it was",
			 key);
}

static bool has_other_ports(const struct settings_ports *x, const struct settings_ports *y)
{
	return x->count != y->count || memcmp(x->port, y->port, x->count * sizeof(x->port[0]));
}

static void tell_restarts(const struct settings *is, const struct settings *wanted)
{
	tell_restart(is->conntrack_manage_sysctl != wanted->conntrack_manage_sysctl,
		     "conntrack.manage_sysctl");
	tell_restart(is->conntrack_track != wanted->conntrack_track, "conntrack.track");
	tell_restart(is->conntrack_netns_all != wanted->conntrack_netns_all, "conntrack.netns");
	tell_restart(is->conntrack_ring_bytes != wanted->conntrack_ring_bytes,
		     "conntrack.ring");
	tell_restart(is->table_max_flows != wanted->table_max_flows, "table.max_flows");
	tell_restart(strcmp(is->listen_socket, wanted->listen_socket) != 0, "listen.socket");
	tell_restart(strcmp(is->listen_http, wanted->listen_http) != 0, "listen.http");
	tell_restart(strcmp(is->listen_token_file, wanted->listen_token_file) != 0,
		     "listen.token_file");
	tell_restart(strcmp(is->listen_hosts, wanted->listen_hosts) != 0, "listen.hosts");
	tell_restart(is->metrics_max_series != wanted->metrics_max_series ||
		     is->metrics_processes != wanted->metrics_processes ||
		     has_other_ports(&is->metrics_services, &wanted->metrics_services),
		     "metrics");
	tell_restart(strcmp(is->source, wanted->source) != 0, "source");
}

/* What can change while everything runs. */
static void take_over(struct settings *is, const struct settings *wanted)
{
	is->refresh_ns = wanted->refresh_ns;
	memcpy(is->report, wanted->report, sizeof(is->report));
	is->report_count = wanted->report_count;
	is->log_level = wanted->log_level;
	is->drain_timeout_ns = wanted->drain_timeout_ns;
}

static bool has_other_pace(const struct settings *x, const struct settings *y)
{
	return x->refresh_ns != y->refresh_ns || x->report_count != y->report_count ||
	       memcmp(x->report, y->report, x->report_count * sizeof(x->report[0])) != 0;
}

static int apply(struct run *run, const struct settings *wanted, struct why *why)
{
	const bool other_pace = has_other_pace(&run->settings, wanted);
	int r = sinks_feed(run, wanted, why);

	if (r < 0)
		return r;
	tell_restarts(&run->settings, wanted);
	take_over(&run->settings, wanted);
	log_set_level(wanted->log_level);
	return other_pace ? engine_set_pace(run->engine, why) : 0;
}

static void log_errors(const struct config_errors *errors)
{
	const char *line = errors->text.data, *end = line + errors->text.len, *newline;

	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			break;
		log_error("%.*s", (int)(newline - line), line);
	}
	if (errors->count > CONFIG_ERRORS_SHOWN)
		log_error("and %u more", errors->count - CONFIG_ERRORS_SHOWN);
}

static bool is_good(const char *path, struct settings *scratch)
{
	const struct config_conf conf = { .path = path, .environment = environ,
					  .check_filter = load_check_filter };
	struct config_errors errors = { 0 };
	struct config_origin origin;
	int r = config_load(scratch, &origin, &conf, &errors);

	log_errors(&errors);
	config_errors_fini(&errors);
	return r == 0;
}

/* The same flags over the same environment and file, as they are now. */
static bool read_anew(const struct run *run, struct settings *ret)
{
	struct options options;

	if (!is_good(run->options.config_path, ret))
		return false;
	if (options_parse(&options, ret, TAKES_FILTER | TAKES_RUN, run->argc, run->argv) >= 0)
		return false;
	options_fini(&options);
	return true;
}

void reload_on_signal(void *context)
{
	struct run *run = context;
	struct settings *wanted;
	struct why why = { "" };
	bool ok;

	if (run->stopping)
		return;
	service_reloading();
	wanted = calloc(1, sizeof(*wanted));
	ok = wanted && read_anew(run, wanted);
	if (ok && apply(run, wanted, &why) < 0) {
		log_error("%s", why.text);
		ok = false;
	}
	free(wanted);
	if (ok)
		log_info("configuration read anew: %u sink%s", run->row_count,
			 run->row_count == 1 ? "" : "s");
	else
		log_error("configuration not read anew: everything stays as it was");
	engine_config_reloaded(run->engine, ok);
	engine_reopen(run->engine);
	service_reloaded(run);
}
