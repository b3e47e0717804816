/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_OPENMETRICS_H
#define WEIR_BASE_OPENMETRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Metrics as text, in the two forms that scrapers read: Prometheus' own (0.0.4) and
 * OpenMetrics 1.0. They differ in what the lines before the samples name (the sample
 * or its family), in units, in infos, and in the end. */

enum metrics_form { METRICS_TEXT, METRICS_OPENMETRICS };
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

struct metrics {
	struct buf *buf; /* borrowed */
	enum metrics_form form;
	const char *family; /* borrowed: the family under way */
	enum metric_type type;
};

struct metrics_label {
	const char *name, *value; /* any bytes; what the form cannot hold is escaped */
};

/* Counts per bound and one beyond them all; the sum. */
struct metrics_histogram {
	const uint64_t *bound_ns; /* rising */
	unsigned bounds;
	const uint64_t *count; /* bounds + 1 */
	uint64_t sum_ns;
};

/* Begins a family: its name is without _total, _info and _bucket, and ends with its
 * unit, if it has one (_bytes, _seconds). Samples follow until the next. */
void metrics_family(struct metrics *metrics, enum metric_type type, const char *family,
		    const char *help);
void metrics_u64(struct metrics *metrics, const struct metrics_label *label, unsigned labels,
		 uint64_t value);
/* Nanoseconds, as the seconds that metrics are in. */
void metrics_ns(struct metrics *metrics, const struct metrics_label *label, unsigned labels,
		uint64_t ns);
void metrics_histogram(struct metrics *metrics, const struct metrics_label *label,
		       unsigned labels, const struct metrics_histogram *histogram);
void metrics_end(struct metrics *metrics);

#endif
