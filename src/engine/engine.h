/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/record.h"
#include "flow/table.h"

struct why;
struct buf;
struct loop;
struct outbox;
struct settings;

/* The wiring and the only owner: builds table, sources and sinks, runs them on
 * one loop, tears down in reverse. */
struct engine;

struct engine_conf {
	const struct settings *settings; /* borrowed */
	struct loop *loop;               /* borrowed */
	bool read_only;  /* a private collector: no sysctl, no nftables */
	const char *record_path; /* write every observation there as text; NULL: do not */
};

/* Opens everything that needs privilege. -EPERM (exit 3), -ENOTSUP (exit 4) or
 * another -errno, with the sentence. */
int engine_new(struct engine **ret, const struct engine_conf *conf, struct why *why);
void engine_free(struct engine *engine); /* NULL is a no-op */

/* Gives the outbox away: the engine feeds it every record and frees it. */
void engine_own_outbox(struct engine *engine, struct outbox *outbox);

/* Starts ticking; the loop does the rest. */
void engine_start(struct engine *engine);
/* Last looks, every live flow reported once with end_reason shutdown, sinks
 * flushed. The loop may be quit after. */
void engine_shutdown(struct engine *engine);
/* False: a recording was asked for and is incomplete. Final after the shutdown. */
bool engine_has_recorded(const struct engine *engine);
/* True once every source has made its first full pass. */
bool engine_is_ready(const struct engine *engine);

const struct table *engine_table(const struct engine *engine);
const char *engine_host(const struct engine *engine);

/* Live events. The subscriber's function is called for every record. */
struct subscriber {
	struct record_outlet outlet;
	struct subscriber *next; /* the engine's */
};
void engine_subscribe(struct engine *engine, struct subscriber *subscriber);
void engine_unsubscribe(struct engine *engine, struct subscriber *subscriber);

/* `weir stats -o json`, appended. */
void engine_stats_json(struct engine *engine, struct buf *buf);
/* `weir doctor`, as JSON lines or for a person, appended: what the running engine
 * stands on; or, with settings alone, what it would. 0, or -EBADMSG with the sentence
 * when the settings wish for what there is not. */
void engine_doctor_json(const struct engine *engine, struct buf *buf);
int engine_doctor(const struct settings *settings, bool json, struct buf *buf,
		  struct why *why);
/* One line for a person: what is being seen and what is not; NULL: all well. */
const char *engine_notice(struct engine *engine);

#endif
