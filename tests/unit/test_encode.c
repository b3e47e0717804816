// SPDX-License-Identifier: Apache-2.0
/* The encoders: JSON as another library reads it, CSV by RFC 4180, columns. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/why.h"
#include "encode/encode.h"

static struct record record_of(void)
{
	const uint32_t source = htonl(0x0a000001), destination = htonl(0xc0000207);
	struct record ret = { .event = EVENT_END, .flow_id = 0xfedcba9876543210, .seq = 3 };

	addr_from_v4(&ret.orig.addr[INITIATOR], &source);
	addr_from_v4(&ret.orig.addr[RESPONDER], &destination);
	ret.orig.proto = IPPROTO_TCP;
	ret.orig.port_be[INITIATOR] = htons(4321);
	ret.orig.port_be[RESPONDER] = htons(80);
	ret.time_wall_ns = 1700000000 * NUM_NS_PER_S + 5;
	ret.bytes[INITIATOR] = UINT64_MAX / 4;
	ret.bytes[RESPONDER] = 77;
	record_set(&ret, FIELD_EVENT);
	record_set(&ret, FIELD_TIME);
	record_set(&ret, FIELD_FLOW_ID);
	record_set(&ret, FIELD_SEQ);
	record_set(&ret, FIELD_SRC_IP);
	record_set(&ret, FIELD_SRC_PORT);
	record_set(&ret, FIELD_DST_IP);
	record_set(&ret, FIELD_PROTO);
	record_set(&ret, FIELD_BYTES_ORIG);
	record_set(&ret, FIELD_CLIENT_COMM);
	return ret;
}

/* What the encoder makes of the record, terminated; valid until the next call. */
static const char *text_of(struct buf *buf, const struct encoder *encoder,
			   const struct encode_conf *conf, const struct record *record)
{
	buf_clear(buf);
	encoder->record(buf, conf, record);
	buf_putc(buf, '\0');
	assert_int_equal(buf->error, 0);
	return buf->data;
}

static void writes_one_object_a_line_with_what_is_known(void **state)
{
	const struct encode_conf conf = { .host = "gateway" };
	const struct record record = record_of();
	struct buf buf = { 0 };
	const char *text = text_of(&buf, &encoder_json, &conf, &record);
	json_t *object = json_loads(text, 0, NULL);

	assert_non_null(object);
	assert_int_equal(strchr(text, '\n') - text, (long)strlen(text) - 1);
	assert_string_equal(json_string_value(json_object_get(object, "event")), "end");
	assert_string_equal(json_string_value(json_object_get(object, "time")),
			    "2023-11-14T22:13:20.000000005Z");
	assert_string_equal(json_string_value(json_object_get(object, "flow_id")),
			    "fedcba9876543210");
	assert_string_equal(json_string_value(json_object_get(object, "src_ip")), "10.0.0.1");
	assert_int_equal(json_integer_value(json_object_get(object, "src_port")), 4321);
	assert_true(json_is_integer(json_object_get(object, "bytes_orig")));
	assert_true(json_integer_value(json_object_get(object, "bytes_orig")) ==
		    (json_int_t)(UINT64_MAX / 4));
	/* absent is absent, not zero */
	assert_null(json_object_get(object, "dst_port"));
	assert_null(json_object_get(object, "bytes_reply"));
	json_decref(object);
	buf_fini(&buf);
}

static void escapes_what_a_process_calls_itself(void **state)
{
	static const char *const names[][2] = {
		{ "a\"b\\c", "a\"b\\c" },
		{ "tab\tnl\n", "tab\tnl\n" },
		{ "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "bad\xff", "bad\xef\xbf\xbd" }, /* U+FFFD */
	};
	const struct encode_conf conf = { 0 };
	struct buf buf = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct record record = record_of();
		json_t *object;

		strcpy(record.owner[INITIATOR].comm, names[i][0]);
		object = json_loads(text_of(&buf, &encoder_json, &conf, &record), 0, NULL);
		assert_non_null(object);
		assert_string_equal(json_string_value(json_object_get(object, "client_comm")),
				    names[i][1]);
		json_decref(object);
	}
	buf_fini(&buf);
}

static void quotes_in_csv_what_needs_it(void **state)
{
	struct encode_conf conf = { 0 };
	struct record record = record_of();
	struct buf buf = { 0 };
	struct why why;

	assert_false(encoder_csv.columns(&conf, "src_ip,dst_port,client_comm,seq", &why));
	encoder_csv.head(&buf, &conf);
	buf_putc(&buf, '\0');
	assert_int_equal(strncmp(buf.data, "src_ip,dst_port,client_comm,seq", 31), 0);
	strcpy(record.owner[INITIATOR].comm, "a,\"b\"");
	/* an absent field is empty */
	assert_int_equal(strncmp(text_of(&buf, &encoder_csv, &conf, &record),
				 "10.0.0.1,,\"a,\"\"b\"\"\",3", 21), 0);
	buf_fini(&buf);
}

static void names_the_nearest_column(void **state)
{
	struct encode_conf conf = { 0 };
	struct why why = { "" };

	assert_int_equal(encoder_csv.columns(&conf, "src_ip,bytes_origin", &why), -EINVAL);
	assert_non_null(strstr(why.text, "bytes_orig"));
	assert_null(encoder_find("yaml"));
	assert_ptr_equal(encoder_find("json"), &encoder_json);
}

static void titles_every_column_in_upper_case(void **state)
{
	struct encode_conf conf = { 0 };
	struct buf buf = { 0 };
	struct why why = { "" };

	assert_int_equal(encoder_table.columns(&conf, "src,rttvar_us,retrans,rate_out", &why), 0);
	encoder_table.head(&buf, &conf);
	buf_putc(&buf, '\0');
	assert_string_equal(buf.data, "SOURCE\tRTTVAR-US\tRETRANS\tRATE-OUT\n");
	buf_fini(&buf);
}

static void lets_no_process_command_a_terminal(void **state)
{
	const struct encode_conf conf = { 0 };
	struct record record = record_of();
	struct buf buf = { 0 };

	record.event = EVENT_CONNECT;
	strcpy(record.owner[INITIATOR].comm, "x\x1b[2J\n");
	assert_null(strchr(text_of(&buf, &encoder_trace, &conf, &record), '\x1b'));
	assert_null(strchr(text_of(&buf, &encoder_table, &conf, &record), '\x1b'));
	buf_fini(&buf);
}

static void writes_the_old_tools_line_without_an_address_of_the_kernel(void **state)
{
	const struct encode_conf conf = { .host = "gateway" };
	struct record record = record_of();
	struct buf buf = { 0 };

	record.start_wall_ns = 1588940911123456789;
	record.mark = 0xff;
	record_set(&record, FIELD_START);
	record_set(&record, FIELD_MARK);
	record_set(&record, FIELD_DST_PORT);
	assert_string_equal(text_of(&buf, &encoder_conntracct, &conf, &record),
			    "Destroy: {Start:1588940911123456789 Timestamp:1700000000000000005 "
			    "FlowID:18364758544493064720 Connmark:255 SrcAddr:10.0.0.1 "
			    "DstAddr:192.0.2.7 PacketsOrig:0 BytesOrig:4611686018427387903 "
			    "PacketsRet:0 BytesRet:0 SrcPort:4321 DstPort:80 NetNS:0 Proto:6}\n");
	record.event = EVENT_START;
	assert_memory_equal(text_of(&buf, &encoder_conntracct, &conf, &record),
			    "Update: {Start:", 15);
	record.event = EVENT_CONNECT;
	assert_string_equal(text_of(&buf, &encoder_conntracct, &conf, &record), "");
	assert_ptr_equal(encoder_find("conntracct"), &encoder_conntracct);
	buf_fini(&buf);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_old_tools_line_without_an_address_of_the_kernel),
		cmocka_unit_test(writes_one_object_a_line_with_what_is_known),
		cmocka_unit_test(escapes_what_a_process_calls_itself),
		cmocka_unit_test(quotes_in_csv_what_needs_it),
		cmocka_unit_test(names_the_nearest_column),
		cmocka_unit_test(titles_every_column_in_upper_case),
		cmocka_unit_test(lets_no_process_command_a_terminal),
	};

	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
