/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_RUN_H
#define WEIR_CMD_RUN_H

/* The daemon's parts, shared by run.c (start and end), sinks.c (who is fed),
 * reload.c (SIGHUP) and service.c (what the service manager is told). */

#include <stdbool.h>

#include "cmd/options.h"
#include "config/settings.h"
#include "engine/engine.h"

struct loop;
struct loop_timer;
struct run;
struct serve;
struct why;

/* A sink that is fed; the outbox is the engine's. */
struct sink_row {
	struct settings_sink settings;
	struct outbox *outbox;
	struct run *run; /* borrowed */
	bool is_closed; /* nobody reads it any more */
	bool is_output; /* standard output, which nobody has configured */
};

struct run {
	int argc; /* borrowed: a reload reads them again */
	char **argv;
	struct settings settings;
	struct options options;
	struct loop *loop;
	struct engine *engine;
	struct serve *serve;
	struct sink_row *row[ENGINE_OUTBOXES_MAX]; /* owned */
	unsigned row_count;
	struct loop_timer *notice_timer, *ready_timer, *watchdog_timer, *drained_timer;
	char notice[320];
	bool ready, stopping;
};

/* Feeds the sinks of the settings from now on: those that were fed with equal settings
 * stay as they are, queue and all; the others drain aside. Standard output instead where
 * there are none, or where -o or a filter on the command line asks for it. On failure
 * nothing has changed, and the sentence names the sink. */
int sinks_feed(struct run *run, const struct settings *settings, struct why *why);
void sinks_free(struct run *run);

/* SIGHUP; context is the run. */
void reload_on_signal(void *context);

/* Signals and timers of a service. */
int service_open(struct run *run, struct why *why);
/* The sources run: readiness may be told once it is there. */
void service_start(struct run *run);
void service_close(struct run *run);
/* Reads the settings anew, done. */
void service_reloading(void);
void service_reloaded(const struct run *run);

#endif
