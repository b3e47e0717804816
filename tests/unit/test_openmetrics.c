// SPDX-License-Identifier: Apache-2.0
/* Metrics as text, byte for byte in both forms, and the meter behind them. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/settings.h"
#include "base/openmetrics.h"
#include "engine/meter.h"
#include "flow/record.h"

static void is_text(struct buf *buf, const char *wanted)
{
	buf_putc(buf, '\0');
	assert_string_equal(buf->data, wanted);
	buf_fini(buf);
}

static void print_some(struct metrics *metrics)
{
	static const uint64_t bound_ns[] = { 500000, 1000000000, 2500000000 };
	static const uint64_t count[] = { 1, 0, 2, 4 };
	const struct metrics_histogram histogram = { bound_ns, 3, count, 12000000001 };
	const struct metrics_label label[] = { { "a", "x" }, { "b", "q\"b\\n\nz" } };

	metrics_family(metrics, METRIC_COUNTER, "m_bytes", "Help.");
	metrics_u64(metrics, label, 2, UINT64_MAX);
	metrics_family(metrics, METRIC_INFO, "m_build", "Which.");
	metrics_u64(metrics, label, 1, 1);
	metrics_family(metrics, METRIC_HISTOGRAM, "m_seconds", "How long.");
	metrics_histogram(metrics, label, 1, &histogram);
	metrics_family(metrics, METRIC_GAUGE, "m_up", "Whether.");
	metrics_ns(metrics, NULL, 0, 1);
	metrics_end(metrics);
}

static void the_older_form_names_samples(void **state)
{
	struct buf buf = { 0 };
	struct metrics metrics = { .buf = &buf, .form = METRICS_TEXT };

	print_some(&metrics);
	is_text(&buf, "# HELP m_bytes_total Help.\n"
		      "# TYPE m_bytes_total counter\n"
		      "m_bytes_total{a=\"x\",b=\"q\\\"b\\\\n\\nz\"} 18446744073709551615\n"
		      "# HELP m_build_info Which.\n"
		      "# TYPE m_build_info gauge\n"
		      "m_build_info{a=\"x\"} 1\n"
		      "# HELP m_seconds How long.\n"
		      "# TYPE m_seconds histogram\n"
		      "m_seconds_bucket{a=\"x\",le=\"0.0005\"} 1\n"
		      "m_seconds_bucket{a=\"x\",le=\"1.0\"} 1\n"
		      "m_seconds_bucket{a=\"x\",le=\"2.5\"} 3\n"
		      "m_seconds_bucket{a=\"x\",le=\"+Inf\"} 7\n"
		      "m_seconds_sum{a=\"x\"} 12.000000001\n"
		      "m_seconds_count{a=\"x\"} 7\n"
		      "# HELP m_up Whether.\n"
		      "# TYPE m_up gauge\n"
		      "m_up 0.000000001\n");
}

static void openmetrics_names_families_and_ends(void **state)
{
	struct buf buf = { 0 };
	struct metrics metrics = { .buf = &buf, .form = METRICS_OPENMETRICS };

	metrics_family(&metrics, METRIC_COUNTER, "m_bytes", "Help.");
	metrics_u64(&metrics, NULL, 0, 3);
	metrics_family(&metrics, METRIC_INFO, "m_build", "Which.");
	metrics_u64(&metrics, NULL, 0, 1);
	metrics_end(&metrics);
	is_text(&buf, "# HELP m_bytes Help.\n"
		      "# TYPE m_bytes counter\n"
		      "# UNIT m_bytes bytes\n"
		      "m_bytes_total 3\n"
		      "# HELP m_build Which.\n"
		      "# TYPE m_build info\n"
		      "m_build_info 1\n"
		      "# EOF\n");
}

/* --- the meter ------------------------------------------------------------------ */

static struct record record_of(enum event event, uint16_t port, const char *process)
{
	struct record record = { .event = (uint8_t)event, .direction = DIRECTION_OUTBOUND };

	record.orig.proto = IPPROTO_UDP;
	record.orig.port_be[RESPONDER] = htons(port);
	record.delta_bytes[INITIATOR] = 10;
	record.delta_bytes[RESPONDER] = 100;
	record.delta_packets[INITIATOR] = 1;
	strncpy(record.owner[INITIATOR].comm, process, OWNER_COMM_SIZE - 1);
	record_set(&record, FIELD_DIRECTION);
	record_set(&record, FIELD_DST_PORT);
	record_set(&record, FIELD_DELTA_BYTES_ORIG);
	record_set(&record, FIELD_CLIENT_COMM);
	return record;
}

static void has_line(const struct meter *meter, const char *line)
{
	struct buf buf = { 0 };
	struct metrics metrics = { .buf = &buf, .form = METRICS_TEXT };

	meter_print(meter, &metrics);
	buf_putc(&buf, '\0');
	if (!strstr(buf.data, line))
		fail_msg("no %s in\n%s", line, buf.data);
	buf_fini(&buf);
}

static void a_connection_that_two_see_is_counted_once(void **state)
{
	static const struct settings_ports services = { { 53 }, 1 };
	const struct meter_conf conf = { .services = &services, .max_series = 5000 };
	struct record record = record_of(EVENT_START, 53, "a");
	struct meter *meter;
	uint64_t updates, ends;

	assert_int_equal(meter_new(&meter, &conf), 0);
	meter_take(meter, &record);
	record.event = EVENT_END;
	record.end_reason = END_TIMEOUT;
	record_set(&record, FIELD_END_REASON);
	meter_take(meter, &record);
	record_set(&record, FIELD_PRIMARY); /* and it is not */
	meter_take(meter, &record);
	record = record_of(EVENT_CONNECT, 53, "a");
	meter_take(meter, &record);
	record = record_of(EVENT_UPDATE, 54, "a");
	meter_take(meter, &record);
	has_line(meter, "weir_flow_bytes_total{transport=\"udp\",family=\"ipv6\","
			"flow_direction=\"outbound\",side=\"reply\"} 300\n");
	has_line(meter, "weir_service_bytes_total{port=\"53\",side=\"orig\"} 20\n");
	has_line(meter, "weir_service_bytes_total{port=\"other\",side=\"orig\"} 10\n");
	has_line(meter, "weir_flows_started_total{transport=\"udp\"} 1\n");
	has_line(meter, "weir_flows_ended_total{transport=\"udp\",reason=\"timeout\"} 1\n");
	meter_records(meter, &updates, &ends);
	assert_int_equal(updates, 2);
	assert_int_equal(ends, 2);
	meter_free(meter);
}

static void processes_beyond_the_budget_are_one(void **state)
{
	static const struct settings_ports none = { 0 };
	const struct meter_conf conf = { .processes = true, .services = &none,
					 .max_series = 1200 };
	struct meter *meter;
	struct record record;
	char name[16];

	assert_int_equal(meter_new(&meter, &conf), 0);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		record = record_of(EVENT_UPDATE, 1, name);
		meter_take(meter, &record);
		meter_take(meter, &record);
	}
	record = record_of(EVENT_UPDATE, 1, "");
	meter_take(meter, &record);
	record = record_of(EVENT_UPDATE, 1, "_other");
	meter_take(meter, &record);
	has_line(meter, "weir_process_bytes_total{process=\"p7\",side=\"reply\"} 200\n");
	has_line(meter, "weir_process_bytes_total{process=\"_other\",side=\"reply\"} 2200\n");
	has_line(meter, "weir_series_limited_total 21\n");
	meter_free(meter);
}

static void a_name_may_be_any_bytes(void **state)
{
	static const struct settings_ports none = { 0 };
	const struct meter_conf conf = { .processes = true, .services = &none,
					 .max_series = 1200 };
	struct record record = record_of(EVENT_END, 1, "ev\xff\n\"");
	struct meter *meter;

	record_set(&record, FIELD_SEQ); /* the only one that its flow has */
	assert_int_equal(meter_new(&meter, &conf), 0);
	meter_take(meter, &record);
	has_line(meter, "weir_process_bytes_total{process=\"ev??\\\"\",side=\"orig\"} 10\n");
	has_line(meter, "weir_flows_started_total{transport=\"udp\"} 1\n");
	meter_free(meter);
}

static void round_trips_fall_into_their_buckets(void **state)
{
	static const struct settings_ports none = { 0 };
	const struct meter_conf conf = { .services = &none, .max_series = 5000 };
	struct record record = record_of(EVENT_END, 80, "a");
	struct meter *meter;

	assert_int_equal(meter_new(&meter, &conf), 0);
	record.orig.proto = IPPROTO_TCP;
	record.rtt_us[INITIATOR] = 200; /* a bound belongs to its bucket */
	record.connect_us = 11000000;
	record.retransmits[INITIATOR] = 2;
	record.tcp_segments[INITIATOR] = 20;
	record.tcp_segments[RESPONDER] = 5;
	record_set(&record, FIELD_RTT_US);
	record_set(&record, FIELD_CONNECT_US);
	meter_take(meter, &record);
	record.direction = DIRECTION_INBOUND;
	meter_take(meter, &record);
	has_line(meter, "weir_tcp_rtt_seconds_bucket{flow_direction=\"outbound\","
			"le=\"0.0001\"} 0\n");
	has_line(meter, "weir_tcp_rtt_seconds_bucket{flow_direction=\"outbound\","
			"le=\"0.0002\"} 1\n");
	has_line(meter, "weir_tcp_connect_seconds_bucket{le=\"10.0\"} 0\n");
	has_line(meter, "weir_tcp_connect_seconds_bucket{le=\"+Inf\"} 2\n");
	has_line(meter, "weir_tcp_connect_seconds_sum 22.0\n");
	has_line(meter, "weir_tcp_segments_sent_total{flow_direction=\"outbound\"} 20\n");
	has_line(meter, "weir_tcp_segments_sent_total{flow_direction=\"inbound\"} 5\n");
	has_line(meter, "weir_tcp_segments_retransmitted_total{flow_direction=\"inbound\"} 2\n");
	meter_free(meter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_older_form_names_samples),
		cmocka_unit_test(openmetrics_names_families_and_ends),
		cmocka_unit_test(a_connection_that_two_see_is_counted_once),
		cmocka_unit_test(processes_beyond_the_budget_are_one),
		cmocka_unit_test(a_name_may_be_any_bytes),
		cmocka_unit_test(round_trips_fall_into_their_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
