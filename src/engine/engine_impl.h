/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_ENGINE_IMPL_H
#define WEIR_ENGINE_ENGINE_IMPL_H

/* The inside of the engine, shared by engine.c (wiring, ticking) and report.c
 * (what it says of itself). */

#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/why.h"
#include "engine/engine.h"
#include "sink/outbox.h"
#include "source/source.h"

#define ENGINE_SOURCES_MAX 8
#define ENGINE_OUTBOXES_MAX 16

struct ct_sysctl;
struct guard;
struct loop_timer;
struct netns_watch;
struct track;

struct engine_source {
	struct source *source; /* owned */
	uint64_t next_boot_ns; /* when it wants its tick */
	bool ready;            /* has shown the own namespace once */
	struct source_stats last; /* what was logged */
};

struct engine {
	struct engine_conf conf;
	struct loop *loop;        /* borrowed */
	struct loop_timer *timer; /* owned */
	struct guard *guard;      /* owned, as all below */
	struct ct_sysctl *sysctl;
	struct track *track;
	struct table *table;
	struct netns_watch *netns;
	struct engine_source source[ENGINE_SOURCES_MAX];
	unsigned source_count;
	struct outbox *outbox[ENGINE_OUTBOXES_MAX];
	unsigned outbox_count;
	struct subscriber *subscribers; /* borrowed list */

	FILE *tap; /* owned: recorded observations */
	struct buf tap_line;

	char host[256];
	uint64_t started_boot_ns;
	uint64_t netns_next_boot_ns, clock_next_boot_ns, watch_next_boot_ns;
	uint64_t wait_until_boot_ns; /* outboxes may be waited for: shutting down */
	uint64_t exported, lost_outbox_full;
	bool stopped;
	char notice[320]; /* what a person should know; empty: all well */
	struct log_limit enter_limit;
};

#endif
