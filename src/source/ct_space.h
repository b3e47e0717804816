/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_SPACE_H
#define WEIR_SOURCE_CT_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/* One pass can miss what is on its way; after so many there is no more to say. */
#define CT_SPACE_IDLE_SWEEPS 2

struct ct_inbox;
struct guard;
struct obs_outlet;
struct why;

/* Conntrack of one network namespace: a socket that hears what begins and
 * changes (losable: the next dump shows it), one that hears what ends (reliable),
 * and one for dumps. An object of ctnetlink.c, which decides when. */
struct ct_space {
	uint32_t netns;
	bool baseline;  /* what the first pass shows, or ends before it, was there before weir */
	bool reliable;  /* the ends are delivered until they arrive */
	bool watched;   /* the guard has a duplicate of ends_fd */
	bool overrun;   /* events found no room: look again; ctnetlink.c clears it */
	bool late_ends; /* so did ends: the pass under way does not prove an absence */
	bool heard;     /* something happened since the last pass */
	int news_fd, ends_fd, request_fd;
	struct guard *guard; /* borrowed; NULL: never reliable */

	/* the pass that is under way, or was last */
	bool dumping, interrupted;
	bool sweep_due; /* the pass is complete but for the events that are queued */
	uint32_t seq;
	uint64_t buckets, began_boot_ns, cost_ns, pass_ns;
	unsigned idle_passes; /* passes in a row that found no entry and no event */

	uint64_t drain_boot_ns, look_boot_ns; /* when it is due; ctnetlink.c's */
	uint64_t drained_boot_ns; /* every event of before is read; likewise */
};

struct ct_space_conf {
	uint32_t netns;
	bool baseline;
	struct guard *guard;
	uint64_t news_bytes, ends_bytes; /* receive buffers */
};

/* The calling thread is inside the namespace. Listens from here on. */
int ct_space_new(struct ct_space **ret, const struct ct_space_conf *conf, struct why *why);
void ct_space_free(struct ct_space *space); /* NULL is a no-op */

/* Reads events, a bounded number. *more: there are others. Returns how many. */
unsigned ct_space_drain(struct ct_space *space, struct ct_inbox *inbox, uint64_t now_boot_ns,
			bool *more);
/* Begins a pass. 1: to be read by ct_space_read; 0: there is no entry, so it is
 * complete; or -errno. */
int ct_space_look(struct ct_space *space, uint64_t now_boot_ns);
/* One part of the pass. 1: more; 0: complete; -EAGAIN: it must be done again
 * (the table changed under it); or -errno. */
int ct_space_read(struct ct_space *space, struct ct_inbox *inbox);
/* A whole pass in one go, and every event, up to the deadline. Ends a pass that
 * is under way first. */
void ct_space_look_whole(struct ct_space *space, struct ct_inbox *inbox,
			 uint64_t deadline_boot_ns);
/* Says that the pass is over, or with `gone` that the namespace is no more. */
void ct_space_emit_sweep(const struct ct_space *space, const struct obs_outlet *outlet,
			 uint64_t now_boot_ns, bool gone);
/* Turns reliable delivery on or off. 0 or -errno. */
int ct_space_set_reliable(struct ct_space *space, bool on);

#endif
