// SPDX-License-Identifier: Apache-2.0
/* The report curve: how often a flow is reported, by its age. */
#include "flow/curve.h"

#include <errno.h>

#include "base/num.h"
#include "base/why.h"

const struct curve curve_default = {
	.count = 3,
	.point = {
		{ 0, 20 * NUM_NS_PER_S },
		{ 60 * NUM_NS_PER_S, 60 * NUM_NS_PER_S },
		{ 300 * NUM_NS_PER_S, 300 * NUM_NS_PER_S },
	},
};

int curve_check(const struct curve *curve, struct why *why)
{
	if (!curve->count || curve->count > CURVE_POINTS_MAX)
		return why_set(why, -EINVAL, "report: wants 1 to %u points, has %zu",
			       CURVE_POINTS_MAX, curve->count);
	for (size_t i = 1; i < curve->count; i++) {
		if (curve->point[i].age_ns <= curve->point[i - 1].age_ns)
			return why_set(why, -EINVAL,
				       "report: the age of point %zu needs to be above that of "
				       "point %zu",
				       i, i - 1);
	}
	return 0;
}

uint64_t curve_every_ns(const struct curve *curve, uint64_t age_ns)
{
	size_t i = curve->count - 1;

	while (i && curve->point[i].age_ns > age_ns)
		i--;
	return curve->point[i].every_ns;
}

uint64_t curve_minimum_age_ns(const struct curve *curve)
{
	return curve->point[0].age_ns;
}
