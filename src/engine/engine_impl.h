/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_ENGINE_IMPL_H
#define WEIR_ENGINE_ENGINE_IMPL_H

/* The inside of the engine, shared by engine.c (wiring, ticking), sources.c (which
 * there are), outboxes.c (where records go), late.c (conntrack that comes or goes),
 * place.c (into which namespaces its parts are led), report.c and metrics.c (what it
 * says of itself). */

#include "base/log.h"
#include "base/why.h"
#include "engine/engine.h"
#include "engine/tap.h"
#include "sink/outbox.h"
#include "source/ct_presence.h"
#include "source/ladder.h"
#include "source/source.h"

#define ENGINE_SOURCES_MAX 8
#define ENGINE_RETIRED_MAX 32

struct ct_sysctl;
struct guard;
struct loop_timer;
struct meter;
struct netns_place;
struct netns_watch;
struct track;

/* Of a namespace's parts: the switches of conntrack; a source has that of its row. */
#define ENGINE_PART_SWITCHES (1U << 0)

struct engine_source {
	struct source *source; /* owned */
	unsigned part;         /* 1 + its row in source_table */
	bool is_late;          /* opened when the others were ready */
	uint64_t next_boot_ns; /* when it wants its tick */
	bool ready;            /* has shown the own namespace once */
	struct source_stats last; /* what was logged */
	bool is_refused;          /* it is, for longer than one look at its losses */
};

struct late {
	struct ct_presence presence;
	uint64_t again_boot_ns, pause_ns; /* when the ladder is tried again; UINT64_MAX: not */
	bool told;
};

struct engine {
	struct engine_conf conf;
	struct loop *loop;        /* borrowed */
	struct loop_timer *timer; /* owned */
	struct guard *guard;      /* owned, as all below */
	struct ct_sysctl *sysctl;
	struct track *track;
	struct table *table;
	struct meter *meter;
	struct netns_watch *netns;
	struct ladder_standing standing[FEATURES];
	struct ends_mark ends;
	struct engine_source source[ENGINE_SOURCES_MAX];
	unsigned source_count;
	struct late late;
	struct outbox *outbox[ENGINE_OUTBOXES_MAX];
	unsigned outbox_count;
	struct outbox *retired[ENGINE_RETIRED_MAX]; /* draining; fed no more */
	unsigned retired_count;
	struct subscriber *subscribers; /* borrowed list */

	struct tap tap;

	char host[256];
	uint64_t started_boot_ns, started_wall_ns;
	uint64_t config_wall_ns; /* when the configuration was last read in whole */
	bool reload_failed;      /* since then it could not be */
	uint64_t netns_next_boot_ns, clock_next_boot_ns, watch_next_boot_ns;
	uint64_t wait_until_boot_ns; /* outboxes may be waited for: shutting down */
	uint64_t drain_until_boot_ns;
	uint32_t impatient; /* bit per outbox that was waited for in vain */
	uint64_t exported, lost_outbox_full;
	bool stopped;
	uint64_t frozen_boot_ns; /* a replay's clock, which stands still at its end; 0: none */
	char notice[320]; /* what a person should know; empty: all well */
	struct log_limit enter_limit, switch_limit;
};

/* A turn of all that is due; context is the engine. */
void engine_tick(void *context);

/* Reads the recording conf.replay_path into the table. 0, or -errno with the sentence. */
int replay_open(struct engine *engine, const struct table_conf *conf, struct why *why);

/* Chooses the rungs of a set of 1 << enum feature. -EBADMSG or -ENOTSUP with the
 * sentence. */
int sources_climb(struct engine *engine, unsigned features, struct why *why);
/* Opens what stands; when the table is there, of conntrack alone. Without any that counts:
 * -errno of the first. */
int sources_open(struct engine *engine, struct why *why);
bool sources_have(const struct engine *engine, enum origin origin);
void sources_close(struct engine *engine, enum origin origin);
/* Has its descriptor looked at by the loop, or no more. */
void source_watch(struct engine *engine, const struct engine_source *watched, bool on);
/* To the recording and into the table. */
void sources_observe(struct engine *engine, const struct obs *obs);

/* Once the ladder was climbed, which can have loaded conntrack. */
void late_begin(struct engine *engine);
/* Looks whether conntrack has come or gone. True: something has changed. */
bool late_look(struct engine *engine, uint64_t now_boot_ns);

/* A record of the table, to every outbox and subscriber; context is the engine. */
void outboxes_take(void *context, const struct record *record);
/* The events of sockets that nobody takes are not made. */
void outboxes_tell_wanted(struct engine *engine);
/* Hands on what was pushed, frees what has drained; when it wants to be called again. */
uint64_t outboxes_tick(struct engine *engine, uint64_t now_boot_ns);
void outboxes_free(struct engine *engine);

/* Listens to the netns_watch; context is the engine. */
void place_entered(void *context, struct netns_place *place, int r);
void place_gone(void *context, uint32_t netns);

#endif
