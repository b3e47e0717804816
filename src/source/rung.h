/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_RUNG_H
#define WEIR_SOURCE_RUNG_H

/* What weir wants to know, and the ways of knowing it (docs/interface.md). */
enum feature { FEATURE_BEGIN, FEATURE_LIVE, FEATURE_END, FEATURE_TCP_LIFE, FEATURE_TCP_LIVE,
	       FEATURE_OWNER, FEATURES };

enum rung { RUNG_NONE, RUNG_BPF_FENTRY, RUNG_BPF_KPROBE, RUNG_BPF_WALK, RUNG_BPF_TRACEPOINT,
	    RUNG_BPF_ITERATOR, RUNG_BPF_ITER_TCP, RUNG_CTNETLINK, RUNG_SOCK_DIAG, RUNG_PROC,
	    RUNGS };

extern const char *const feature_names[FEATURES + 1]; /* NULL-terminated */
extern const char *const rung_names[RUNGS + 1];

#endif
