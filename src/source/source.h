/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SOURCE_H
#define WEIR_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/obs.h"
#include "source/rung.h"

struct why;
struct guard;

/* A source asks the kernel and says what it saw. It decodes, it does not
 * remember flows, and it never logs: what went wrong is counted in its stats or
 * said in a struct why. */

/* How far the ends of flows are known. Whoever hears of ends writes it, whoever
 * walks the table reads it: what a pass did not show, and whose end was not told by
 * then, has vanished. */
struct ends_mark {
	uint64_t read_until_boot_ns; /* ends told by then are read; UINT64_MAX: nobody tells */
	uint64_t late_boot_ns;  /* the last time that ends found no room and come late */
	uint64_t heard_boot_ns; /* the last time that anything was told */
	uint64_t lost_boot_ns;  /* the last time that what was told was lost */
	bool tells_begins;      /* begins are told as well */
};

struct source_conf {
	enum rung rung[FEATURES]; /* what the ladder has chosen */
	uint32_t netns_only;      /* see that network namespace alone; 0: all */
	bool entered_only;        /* what sees all namespaces shows those entered alone */
	bool shows_beacons;       /* also flows of source/beacon.h, which are nobody's */
	struct ends_mark *ends;   /* borrowed */
	bool nothing_older;       /* what is there has begun since weir has */
	uint64_t refresh_ns;     /* how fresh live counters should be */
	struct guard *guard;     /* borrowed; NULL: no reliable events */
	bool read_only;          /* change nothing (a private collector) */
	uint64_t ring_bytes;      /* of ends told by BPF; 0: the default */
	uint64_t event_buffer_bytes; /* receive buffer of an event socket; 0: the default */
};

struct source_stats {
	uint64_t seen;      /* messages decoded */
	uint64_t lost;      /* times, or messages, that the kernel said it dropped */
	uint64_t malformed; /* messages that made no sense, skipped */
	uint64_t foreign;   /* of namespaces that are not entered, skipped */
	uint64_t bare; /* sockets whose beginning and end alone are told: they may carry nothing */
	uint64_t freshness_ns; /* duration of the last full pass plus its interval */
	bool settling; /* what was found at start is still being looked up (owners) */
	uint64_t refused; /* passes that lacked a descriptor or memory and are made again */
	uint64_t reliability_lost; /* times the guard had to give up reliable delivery */
};

struct source {
	const struct source_ops *ops; /* first member of every source */
};

struct source_ops {
	const char *name, *help;
	enum origin origin; /* of its observations */
	/* 0, or -errno (-ENOTSUP, -EPERM) and a sentence; leaves no trace. NULL: the
	 * ladder has proven it. */
	int (*probe)(struct why *why);
	/* Whether the ladder's choice gives it something to do. NULL: always. */
	bool (*stands)(const struct source_conf *conf);
	int (*open)(struct source **ret, const struct source_conf *conf,
		    const struct obs_outlet *outlet, struct why *why);
	/* The calling thread is inside the network namespace with that inode
	 * number: open what is needed there. 0 or -errno; the namespace is then
	 * not watched by this source, which is led into it again, later and later.
	 * found_boot_ns is when weir first knew of it. NULL: the source sees all
	 * of them. */
	int (*enter)(struct source *source, uint32_t netns, uint64_t found_boot_ns,
		     struct why *why);
	/* Readable when it should be ticked before its time: a descriptor, constant until
	 * close. NULL: there is none. */
	int (*fd)(const struct source *source);
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
	/* refresh_ns is another from now on. NULL: it does not matter to it. */
	void (*pace)(struct source *source, uint64_t refresh_ns);
	void (*stats)(const struct source *source, struct source_stats *ret);
	void (*close)(struct source *source); /* NULL is a no-op */
};

/* Whether source_socklife has something to do: it then sees TCP. */
bool socklife_stands(const struct source_conf *conf);

/* Every source of this build, NULL-terminated. */
extern const struct source_ops *const source_table[];
extern const struct source_ops source_ctlife, source_ctnetlink, source_ctwalk, source_rtaddr,
	source_sockdiag, source_socklife;

#endif
