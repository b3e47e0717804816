/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_LADDER_H
#define WEIR_SOURCE_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"
#include "source/rung.h"

/* Which rung each feature stands on: the one table of what each rung needs and
 * what it loses. Rungs are tried in order by really opening them. */
#define LADDER_LOST_MAX 6

struct ladder_row {
	enum feature feature;
	enum rung rung;
	int (*probe)(struct why *why);       /* NULL: always stands */
	const char *lost[LADDER_LOST_MAX + 1]; /* what this rung cannot tell, NULL-terminated */
	const char *remedy;                  /* what would lift it higher; NULL: nothing */
};

/* In order: a feature's best rung first; ends with feature == FEATURES. */
extern const struct ladder_row ladder_table[];

struct ladder_standing {
	const struct ladder_row *row; /* the rung it stands on (rung "none" if it fell off) */
	struct why why;               /* why the rungs above do not hold; empty: none failed */
};

/* Which rungs are wished for: a set of 1 << enum rung; 0: the ladder chooses. A feature
 * that has wished rungs is looked for on them alone. */
typedef unsigned rung_set;

/* "bpf_walk,ctnetlink" into a set; 0, or -EINVAL with the sentence. Empty: 0. */
int ladder_parse(rung_set *ret, const char *text, struct why *why);

/* Probes every feature. */
void ladder_climb(struct ladder_standing ret[FEATURES], rung_set wished);
/* Those of features alone, a set of 1 << enum feature; the others stay as they are. */
void ladder_climb_some(struct ladder_standing ret[FEATURES], unsigned features, rung_set wished);
/* The rung that a feature stands on gave way when it was used: to the next that holds. */
void ladder_step_down(struct ladder_standing *standing, const struct why *reason);
/* The source that sees TCP sockets by BPF does not stand after all: what it was chosen
 * for goes to the rungs below. standing: of each feature. */
void ladder_leave_bpf_for_tcp(struct ladder_standing *standing,
			      const struct why *reason);
/* What all its rungs stand on has gone: to its last, which is none. */
void ladder_fall_off(struct ladder_standing *standing, const struct why *reason);
/* -ENOTSUP with the sentence when a feature does not stand on a rung wished for. */
int ladder_check(const struct ladder_standing standing[FEATURES], rung_set wished,
		 struct why *why);

#endif
