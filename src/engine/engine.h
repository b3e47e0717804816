/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/openmetrics.h"
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
	const char *replay_path; /* show what such a file leaves, and no kernel; NULL: do not */
};

/* Opens everything that needs privilege. -EPERM (exit 3), -ENOTSUP (exit 4) or
 * another -errno, with the sentence. */
int engine_new(struct engine **ret, const struct engine_conf *conf, struct why *why);
void engine_free(struct engine *engine); /* NULL is a no-op */

#define ENGINE_OUTBOXES_MAX 16

/* Gives the outbox away: the engine feeds it every record and frees it. */
void engine_own_outbox(struct engine *engine, struct outbox *outbox);
/* From the next record on `next` are fed and no others: the new ones among them are
 * given away; those that are not among them any more drain aside, until drain_ns from
 * now, are freed and said goodbye to in the log; one that is held is released when no
 * other of its name drains. Every record is in exactly one of an
 * old outbox and that in its place. -EBUSY with the sentence: those of the last swaps
 * still drain; nothing has changed. */
int engine_swap_outboxes(struct engine *engine, struct outbox *const *next, unsigned count,
			 uint64_t drain_ns, struct why *why);
/* One of that name is fed, or drains. */
bool engine_has_sink(const struct engine *engine, const char *name);
/* The settings' refresh and report have changed; they hold at once. -EINVAL with the
 * sentence: they cannot. */
int engine_set_pace(struct engine *engine, struct why *why);
/* Has every sink open its file anew. */
void engine_reopen(struct engine *engine);

/* Starts ticking; the loop does the rest. */
void engine_start(struct engine *engine);
/* Last looks, every live flow reported once with end_reason shutdown, nothing taken in
 * any more; the sinks begin to drain, all at once, until drain_ns from now. A queue that
 * is full is waited for, for a quarter of that. */
void engine_stop(struct engine *engine, uint64_t drain_ns);
/* After engine_stop: every sink is done. */
bool engine_has_drained(struct engine *engine);
/* engine_stop, and waits for the sinks. */
void engine_shutdown(struct engine *engine, uint64_t drain_ns);
/* False: a recording was asked for and is incomplete. Final after the shutdown. */
bool engine_has_recorded(const struct engine *engine);
/* True once every source has made its first full pass. */
bool engine_is_ready(const struct engine *engine);

const struct table *engine_table(const struct engine *engine);
/* The time of what the table holds: now, or where a replay's clock stands. */
uint64_t engine_now_boot_ns(const struct engine *engine);
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
/* Its pulse, as members of an object, appended: live flows, and what only grows: sockets
 * that connected, accepted, failed, segments that all sent and retransmitted, losses of
 * every kind, processor time. No walk over flows. */
void engine_pulse_json(struct engine *engine, struct buf *buf);
/* `/metrics`, appended. */
void engine_metrics(const struct engine *engine, enum metrics_form form, struct buf *buf);
/* `/stats` as the tool before weir had it (docs/from-conntracct.md), appended. */
void engine_legacy_stats_json(struct engine *engine, struct buf *buf);
/* The configuration was to be read anew, and was or was not: for /metrics. */
void engine_config_reloaded(struct engine *engine, bool ok);
/* `weir doctor`, as JSON lines or for a person, appended: what the running engine
 * stands on; or, with settings alone, what it would. 0, or -EBADMSG with the sentence
 * when the settings wish for what there is not. */
void engine_doctor_json(const struct engine *engine, struct buf *buf);
int engine_doctor(const struct settings *settings, bool json, struct buf *buf,
		  struct why *why);
/* One line for a person: what is being seen and what is not; NULL: all well. */
const char *engine_notice(struct engine *engine);

#endif
