/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CANARY_H
#define WEIR_SOURCE_CANARY_H

#include <stdbool.h>

#include "source/rung.h"

struct source;
struct why;

/* Proof by effect: a flow of known size in a namespace of our own (source/beacon.h)
 * is begun, counted and ended, and what a source says of it is held against what was
 * sent. A hook can be attached and silent, an offset can be wrong: attaching alone
 * proves nothing. 0, or -errno with the sentence; leaves no trace. */
int canary_live(enum rung rung, struct why *why);
/* Begins and ends by RUNG_BPF_FENTRY or RUNG_BPF_KPROBE, both together. */
int canary_life(enum rung rung, struct why *why);
/* TCP sockets by BPF: a connection of our own, its payload, its process (canary_tcp.c).
 * The rungs are those of FEATURE_TCP_LIFE and FEATURE_TCP_LIVE, as sock_hooks_new has
 * them. */
int canary_tcp(enum rung life, enum rung live, struct why *why);

/* For the canaries: payload of what is exchanged, sizes that no wrong offset gives by
 * chance. */
#define CANARY_REQUEST_BYTES 617
#define CANARY_REPLY_BYTES 1109
/* Ticks the source until that is so, or patience ends. */
void canary_watch(struct source *source, bool (*is_so)(const void *context),
		  const void *context);

#endif
