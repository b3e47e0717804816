// SPDX-License-Identifier: Apache-2.0
/* weir stats: what the collector did and lost. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/why.h"
#include "cmd/answer.h"
#include "cmd/cmd.h"
#include "cmd/collector.h"
#include "cmd/options.h"
#include "cmd/output.h"

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_sources(const json_t *root)
{
	const json_t *source;
	size_t i;

	json_array_foreach(json_object_get(root, "sources"), i, source)
		printf("source   %-12s seen %lld  lost %lld  malformed %lld  freshness %lld ms\n",
		       json_string_value(json_object_get(source, "name")), number(source, "seen"),
		       number(source, "lost"), number(source, "malformed"),
		       number(source, "freshness_ms"));
}

static void print_overflow(const json_t *table)
{
	const char *proto;
	json_t *sums;

	json_object_foreach(json_object_get(table, "overflow"), proto, sums) {
		if (!number(sums, "packets_orig") && !number(sums, "packets_reply"))
			continue;
		printf("overflow %-12s bytes %lld > %lld <  packets %lld > %lld <\n", proto,
		       number(sums, "bytes_orig"), number(sums, "bytes_reply"),
		       number(sums, "packets_orig"), number(sums, "packets_reply"));
	}
}

static void print_sinks(const json_t *root)
{
	const json_t *sink, *dropped;
	size_t i;

	json_array_foreach(json_object_get(root, "sinks"), i, sink) {
		dropped = json_object_get(sink, "dropped");
		printf("sink     %-12s taken %lld  delivered %lld  queued %lld  spooled %lld  "
		       "dropped %lld (full) + %lld (rejected) + %lld (closed) + %lld (expired) + "
		       "%lld (spool)%s\n", json_string_value(json_object_get(sink, "name")),
		       number(sink, "taken"), number(sink, "delivered"), number(sink, "queued"),
		       number(sink, "spooled"), number(dropped, "full"),
		       number(dropped, "rejected"), number(dropped, "closed"),
		       number(dropped, "expired"), number(dropped, "spool"),
		       number(sink, "requests") && !json_is_true(json_object_get(sink, "up")) ?
			       "  down" :
			       "");
	}
}

static void print_text(const json_t *root)
{
	const json_t *table = json_object_get(root, "table");
	const json_t *identity = json_object_get(root, "identity");
	const json_t *lost = json_object_get(identity, "lost");
	const json_t *self = json_object_get(root, "self");
	const char *notice = json_string_value(json_object_get(root, "notice"));
	char rss[24];

	printf("flows    live %lld of %lld  opened %lld  ended %lld  inexact %lld  "
	       "without counters %lld\n",
	       number(table, "live"), number(table, "capacity"), number(table, "opened"),
	       number(table, "ended"), number(table, "inexact_ends"),
	       number(table, "without_counters"));
	printf("identity seen %lld = exported %lld + live %lld + lost %lld (table full) "
	       "+ %lld (outbox full): %s\n",
	       number(identity, "seen"), number(identity, "exported"), number(identity, "live"),
	       number(lost, "table_full"), number(lost, "outbox_full"),
	       json_is_true(json_object_get(identity, "holds")) ? "holds" : "DOES NOT HOLD");
	print_overflow(table);
	print_sources(root);
	print_sinks(root);
	printf("self     cpu %.3f s in %.0f s  memory %s  wake-ups %lld  namespaces %lld "
	       "(%lld not watched)\n",
	       json_number_value(json_object_get(self, "cpu_seconds")),
	       json_number_value(json_object_get(self, "uptime_seconds")),
	       num_print_size(rss, sizeof(rss), (uint64_t)number(self, "rss_bytes")),
	       number(self, "wakeups"), number(self, "network_namespaces"),
	       number(self, "unwatched_namespaces"));
	if (number(self, "unrecorded"))
		printf("record   lost %lld observations\n", number(self, "unrecorded"));
	if (number(table, "passes_forgotten"))
		printf("beyond   %lld passes over more namespaces than are remembered\n",
		       number(table, "passes_forgotten"));
	if (notice)
		printf("notice   %s\n", notice);
}

int cmd_stats(int argc, char **argv)
{
	struct options options;
	struct settings settings;
	struct collector collector;
	struct why why = { "" };
	struct buf answer = { 0 };
	json_t *root;
	int r;

	r = options_parse(&options, &settings, 0, argc, argv);
	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	r = collector_open(&collector, &settings, COLLECTOR_PRIVILEGED, NULL);
	if (r >= 0)
		return r;
	r = answer_get(&collector, "/api/v1/stats", &answer, &why);
	if (r < 0) {
		r = collector_failed(&collector, r, &why);
	} else if (options.output && !strcmp(options.output, "json")) {
		r = output_exit_code(output_write(answer.data, answer.len));
	} else {
		root = json_loadb(answer.data, answer.len, 0, NULL);
		if (root)
			print_text(root);
		r = !root ? EXIT_FAILED : output_exit_code(fflush(stdout) ? -errno : 0);
		json_decref(root);
	}
	collector_close(&collector);
	buf_fini(&answer);
	return r;
}
