/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SD_SPACE_H
#define WEIR_SOURCE_SD_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/proc_owner.h"
#include "source/source.h"

/* The sockets of one network namespace, dumped again and again, and the ends of
 * TCP sockets as the kernel tells them. */
struct sd_space;

/* What all namespaces share; borrowed by each. */
struct sd_shared {
	struct obs_outlet outlet;
	struct proc_owner *owners;
	struct source_stats stats;
	char *reply; /* SD_REPLY_BYTES to read into */
	uint64_t event_buffer_bytes;
	bool udp_only; /* somebody else sees TCP */
};

#define SD_REPLY_BYTES (256U * 1024)
/* UDP sockets come and go seldom and only lend owners: so many passes to a look at
 * them. */
#define SD_UDP_EVERY 4

/* The calling thread is inside the namespace. baseline: what the first pass shows,
 * or ends before it, was there before weir. */
int sd_space_new(struct sd_space **ret, struct sd_shared *shared, uint32_t netns,
		 bool baseline, struct why *why);
void sd_space_free(struct sd_space *space); /* NULL is a no-op */
uint32_t sd_space_netns(const struct sd_space *space);

/* Reads what waits: events, then a part of the dump that is under way. True when
 * there is more of the dump to read now. */
bool sd_space_work(struct sd_space *space);
/* Begins a whole pass, unless one is under way. */
void sd_space_begin(struct sd_space *space, uint64_t now_boot_ns);
bool sd_space_is_passing(const struct sd_space *space);
/* Of the last whole pass: TCP sockets seen (UDP's where those alone are looked at), and
 * CPU time taken. */
uint32_t sd_space_count(const struct sd_space *space);
uint64_t sd_space_pass_cpu_ns(const struct sd_space *space);
/* Says that the namespace is gone. */
void sd_space_gone(struct sd_space *space, uint64_t now_boot_ns);

#endif
