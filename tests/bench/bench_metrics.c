// SPDX-License-Identifier: Apache-2.0
/* What a scrape costs: the meter's families, with 5,000 series, as text. */
#include <stdio.h>

#include "base/clock.h"
#include "base/openmetrics.h"
#include "config/settings.h"
#include "engine/meter.h"
#include "sample.h"

#define SERIES 5000
#define TAKEN 400000
#define SCRAPES 200

int main(void)
{
	static const struct settings_ports services = { { 80, 443 }, 2 };
	const struct meter_conf conf = { .processes = true, .services = &services,
					 .max_series = SERIES };
	struct metrics metrics = { .form = METRICS_OPENMETRICS };
	struct meter *meter;
	struct record record;
	struct buf buf = { 0 };
	uint64_t began_ns;

	if (meter_new(&meter, &conf) < 0)
		return 1;
	metrics.buf = &buf;
	sample_record(&record);
	record_set(&record, FIELD_CLIENT_COMM);
	began_ns = clock_thread_cpu_ns();
	for (unsigned i = 0; i < TAKEN; i++) {
		snprintf(record.owner[INITIATOR].comm, OWNER_COMM_SIZE, "process-%u", i % SERIES);
		meter_take(meter, &record);
	}
	sample_print("meter_record", (double)(clock_thread_cpu_ns() - began_ns) / TAKEN, "ns", "-");
	began_ns = clock_thread_cpu_ns();
	for (unsigned i = 0; i < SCRAPES; i++) {
		buf_clear(&buf);
		meter_print(meter, &metrics);
	}
	sample_print("metrics_5000_series",
		     (double)(clock_thread_cpu_ns() - began_ns) / SCRAPES / 1e6, "ms", "<= 5");
	sample_print("metrics_5000_series_size", (double)buf.len, "bytes", "-");
	buf_fini(&buf);
	meter_free(meter);
	return 0;
}
