/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_LADDER_H
#define WEIR_SOURCE_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"

/* Which rung each feature stands on: the one table of what each rung needs and
 * what it loses. Rungs are tried in order by really opening them. */
enum feature { FEATURE_BEGIN, FEATURE_LIVE, FEATURE_END, FEATURE_TCP_LIFE, FEATURE_TCP_LIVE,
	       FEATURE_OWNER, FEATURES };

#define LADDER_LOST_MAX 6

struct ladder_row {
	enum feature feature;
	const char *rung;                    /* ctnetlink sock_diag proc none … */
	int (*probe)(struct why *why);       /* NULL: always stands */
	const char *lost[LADDER_LOST_MAX + 1]; /* what this rung cannot tell, NULL-terminated */
	const char *remedy;                  /* what would lift it higher; NULL: nothing */
};

/* In order: a feature's best rung first; ends with feature == FEATURES. */
extern const struct ladder_row ladder_table[];
extern const char *const feature_names[FEATURES + 1];

struct ladder_standing {
	const struct ladder_row *row; /* the rung it stands on (rung "none" if it fell off) */
	struct why why;               /* why the rungs above do not hold; empty if none failed */
};

/* Probes every feature. */
void ladder_climb(struct ladder_standing ret[FEATURES]);

#endif
