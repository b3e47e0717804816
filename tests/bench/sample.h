/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_BENCH_SAMPLE_H
#define WEIR_TESTS_BENCH_SAMPLE_H

#include "flow/record.h"

/* A record as a TCP connection of this host makes it: 46 fields. */
void sample_record(struct record *ret);
/* "name value unit target", one figure a line. */
void sample_print(const char *name, double value, const char *unit, const char *target);

#endif
