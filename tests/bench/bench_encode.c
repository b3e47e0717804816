// SPDX-License-Identifier: Apache-2.0
/* Records per second of CPU time, per encoder. */
#include <stdio.h>

#include "base/clock.h"
#include "encode/ecs.h"
#include "encode/encode.h"
#include "sample.h"

#define RECORDS 400000

static double records_per_s(const struct encoder *encoder, const struct record *record)
{
	const struct encode_conf conf = { .host = "gateway.example" };
	struct buf buf = { 0 };
	uint64_t began_ns = clock_thread_cpu_ns();

	for (int i = 0; i < RECORDS; i++) {
		if (buf.len > 1 << 20)
			buf_clear(&buf);
		encoder->record(&buf, &conf, record);
	}
	buf_fini(&buf);
	return RECORDS / ((double)(clock_thread_cpu_ns() - began_ns) / 1e9);
}

static double documents_per_s(const struct record *record)
{
	const struct ecs_conf conf = { .host = "gateway.example",
				       .dataset = "weir.flow",
				       .has_id = true };
	struct ecs *ecs = ecs_new(&conf);
	struct buf buf = { 0 };
	uint64_t began_ns = clock_thread_cpu_ns();

	for (int i = 0; ecs && i < RECORDS; i++) {
		if (buf.len > 1 << 20)
			buf_clear(&buf);
		ecs_create(&buf, ecs, record);
	}
	buf_fini(&buf);
	ecs_free(ecs);
	return RECORDS / ((double)(clock_thread_cpu_ns() - began_ns) / 1e9);
}

int main(void)
{
	struct record record;

	sample_record(&record);
	sample_print("json_records", records_per_s(&encoder_json, &record), "1/s", ">= 1000000");
	sample_print("ecs_documents", documents_per_s(&record), "1/s", ">= 1000000");
	sample_print("csv_records", records_per_s(&encoder_csv, &record), "1/s", "-");
	sample_print("table_records", records_per_s(&encoder_table, &record), "1/s", "-");
	record.has[FIELD_COMMUNITY_ID / 64] &= ~(1ULL << FIELD_COMMUNITY_ID % 64);
	sample_print("json_records_no_community_id", records_per_s(&encoder_json, &record), "1/s",
		     "-");
	sample_print("ecs_documents_no_community_id", documents_per_s(&record), "1/s", "-");
	return 0;
}
