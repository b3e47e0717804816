// SPDX-License-Identifier: Apache-2.0
/* Nanoseconds of CPU time per evaluation of a filter. */
#include <stdio.h>

#include "base/clock.h"
#include "base/why.h"
#include "flow/filter.h"
#include "sample.h"

#define EVALUATIONS 5000000

static int measure(const char *name, const char *text, const char *target)
{
	struct filter *filter;
	struct record record;
	struct why why;
	uint64_t began_ns;
	int matched = 0;

	sample_record(&record);
	if (filter_new(&filter, text, NULL, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	began_ns = clock_thread_cpu_ns();
	for (int i = 0; i < EVALUATIONS; i++) {
		record.bytes[INITIATOR] += (uint64_t)matched & 1;
		matched += filter_match(filter, &record);
	}
	sample_print(name, (double)(clock_thread_cpu_ns() - began_ns) / EVALUATIONS, "ns", target);
	filter_free(filter);
	return matched != EVALUATIONS; /* every term has been looked at */
}

int main(void)
{
	return measure("filter_five_terms",
		       "tcp and dst port 443 and not src net 192.168.0.0/16 and bytes > 1M and "
		       "state established", "<= 200") |
	       measure("filter_hidden_by_list",
		       "not primary = false and not (src net 127.0.0.0/8 or src net ::1/128) and "
		       "not (state = time_wait or state = close)", "-");
}
