/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SOURCE_H
#define WEIR_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/obs.h"

struct why;
struct guard;

/* A source asks the kernel and says what it saw. It decodes, it does not
 * remember flows, and it never logs: what went wrong is counted in its stats or
 * said in a struct why. */

struct source_conf {
	uint64_t refresh_ns;     /* how fresh live counters should be */
	struct guard *guard;     /* borrowed; NULL: no reliable events */
	bool read_only;          /* change nothing (a private collector) */
	uint64_t event_buffer_bytes; /* receive buffer of an event socket; 0: the default */
};

struct source_stats {
	uint64_t seen;      /* messages decoded */
	uint64_t lost;      /* times, or messages, that the kernel said it dropped */
	uint64_t malformed; /* messages that made no sense, skipped */
	uint64_t freshness_ns; /* duration of the last full pass plus its interval */
	bool settling; /* what was found at start is still being looked up (owners) */
	uint64_t reliability_lost; /* times the guard had to give up reliable delivery */
};

struct source {
	const struct source_ops *ops; /* first member of every source */
};

struct source_ops {
	const char *name, *help;
	enum origin origin; /* of its observations */
	/* 0, or -errno (-ENOTSUP, -EPERM) and a sentence; leaves no trace. */
	int (*probe)(struct why *why);
	int (*open)(struct source **ret, const struct source_conf *conf,
		    const struct obs_outlet *outlet, struct why *why);
	/* The calling thread is inside the network namespace with that inode
	 * number: open what is needed there. 0 or -errno; the namespace is then
	 * not watched by this source. NULL: the source sees all of them. */
	int (*enter)(struct source *source, uint32_t netns, struct why *why);
	/* The namespace is empty or gone: look a last time, emit an OBS_SWEEP
	 * with `gone` set, close what would keep it alive. */
	void (*leave)(struct source *source, uint32_t netns, uint64_t now_boot_ns);
	/* Before the end: reads every event and the counters of everything once
	 * more, at once, in all namespaces (bounded to about a second). NULL:
	 * there is nothing to read. */
	void (*last_look)(struct source *source, uint64_t now_boot_ns);
	/* Reads what is there, at most about a millisecond of it, and returns the
	 * boot time at which it wants to be called again (<= now: at once). */
	uint64_t (*tick)(struct source *source, uint64_t now_boot_ns);
	void (*stats)(const struct source *source, struct source_stats *ret);
	void (*close)(struct source *source); /* NULL is a no-op */
};

/* Every source of this build, NULL-terminated. */
extern const struct source_ops *const source_table[];
extern const struct source_ops source_ctnetlink, source_rtaddr, source_sockdiag;

#endif
