/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CURVE_H
#define WEIR_FLOW_CURVE_H

#include <stddef.h>
#include <stdint.h>

struct why;

#define CURVE_POINTS_MAX 16

/* When an update record is due, by the age of the flow (interface.md 2.1). A
 * flow of age a is paced by the last point whose age is <= a; a first point
 * with an age above zero suppresses every record until the flow is that old. */
struct curve_point {
	uint64_t age_ns, every_ns;
};

struct curve {
	size_t count;
	struct curve_point point[CURVE_POINTS_MAX];
};

/* 0s/20s, 1m/1m, 5m/5m. */
extern const struct curve curve_default;

/* -EINVAL and a sentence unless there is a point, at most CURVE_POINTS_MAX, and
 * the ages rise strictly. */
int curve_check(const struct curve *curve, struct why *why);
/* Time from the last record to the next at that age. */
uint64_t curve_every_ns(const struct curve *curve, uint64_t age_ns);
/* Age at which the first record may be made. */
uint64_t curve_minimum_age_ns(const struct curve *curve);

#endif
