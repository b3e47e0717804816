// SPDX-License-Identifier: Apache-2.0
/* Records per second of CPU time, per encoder. */
#include <stdio.h>

#include "base/clock.h"
#include "encode/ecs.h"
#include "encode/encode.h"
#include "encode/lineproto.h"
#include "encode/traffic.h"
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

typedef void (*line_fn)(struct buf *buf, const struct lineproto_conf *conf,
			const struct record *record);

static double lines_per_s(line_fn fn, const struct record *record)
{
	const struct lineproto_conf conf = { .host = "gateway.example", .string_fields = true };
	struct buf buf = { 0 };
	uint64_t began_ns = clock_thread_cpu_ns();

	for (int i = 0; i < RECORDS; i++) {
		if (buf.len > 1 << 20)
			buf_clear(&buf);
		fn(&buf, &conf, record);
	}
	buf_fini(&buf);
	return RECORDS / ((double)(clock_thread_cpu_ns() - began_ns) / 1e9);
}

/* Sums of a thousand records at a time, as a batch has them. */
static double summed_per_s(const struct record *record)
{
	const struct lineproto_conf conf = { .host = "gateway.example" };
	struct traffic *traffic = traffic_new(&conf);
	struct buf buf = { 0 };
	uint64_t began_ns = clock_thread_cpu_ns();

	for (int i = 0; traffic && i < RECORDS; i++) {
		traffic_add(traffic, &buf, record);
		if (i % 1000 == 999) {
			traffic_flush(traffic, &buf);
			buf_clear(&buf);
		}
	}
	traffic_free(traffic);
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
	sample_print("influx_flow_records", lines_per_s(lineproto_flow, &record), "1/s",
		     ">= 1000000");
	sample_print("influx_conntracct_records", lines_per_s(lineproto_conntracct, &record),
		     "1/s", ">= 1000000");
	sample_print("influx_traffic_records", summed_per_s(&record), "1/s", ">= 1000000");
	record.has[FIELD_COMMUNITY_ID / 64] &= ~(1ULL << FIELD_COMMUNITY_ID % 64);
	sample_print("json_records_no_community_id", records_per_s(&encoder_json, &record), "1/s",
		     "-");
	sample_print("ecs_documents_no_community_id", documents_per_s(&record), "1/s", "-");
	return 0;
}
