// SPDX-License-Identifier: Apache-2.0
/* Documents for Elasticsearch: their bytes, that they are JSON whatever a record has,
 * and that the mapping has a type for everything in them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "encode/ecs.h"
#include "flow/field.h"

static struct record flow(void)
{
	struct record record;

	memset(&record, 0, sizeof(record));
	record.event = EVENT_END;
	record.time_wall_ns = 1588940911123456789;
	record.start_wall_ns = 1588940910000000000;
	record.duration_ms = 1123.456789;
	record.flow_id = 9946756;
	record.seq = 3;
	record.orig.proto = 6;
	addr_parse(&record.orig.addr[INITIATOR], "192.168.1.10", 12);
	addr_parse(&record.orig.addr[RESPONDER], "93.184.216.34", 13);
	record.nat = record.orig;
	addr_parse(&record.nat.addr[INITIATOR], "198.51.100.7", 12);
	record.orig.port_be[INITIATOR] = htons(40522);
	record.orig.port_be[RESPONDER] = htons(443);
	record.netns = 4026531992;
	record.bytes[INITIATOR] = 1532;
	record.bytes[RESPONDER] = 81234;
	record.packets[INITIATOR] = 14;
	record.packets[RESPONDER] = 61;
	record.direction = DIRECTION_OUTBOUND;
	record.end_reason = END_FIN;
	record.mark = 255;
	record.owner[INITIATOR].uid = 1000;
	strncpy(record.owner[INITIATOR].comm, "a \"b", OWNER_COMM_SIZE);
	return record;
}

static void set(struct record *record, const uint8_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_set(record, ids[i]);
}

static struct record usual(void)
{
	static const uint8_t ids[] = {
		FIELD_EVENT, FIELD_TIME, FIELD_START, FIELD_DURATION_MS, FIELD_FLOW_ID, FIELD_SEQ,
		FIELD_PROTO, FIELD_SRC_IP, FIELD_SRC_PORT, FIELD_DST_IP, FIELD_DST_PORT,
		FIELD_NAT_SRC_IP, FIELD_DIRECTION, FIELD_BYTES_ORIG, FIELD_PACKETS_ORIG,
		FIELD_BYTES_REPLY, FIELD_PACKETS_REPLY, FIELD_END_REASON, FIELD_NETNS, FIELD_MARK,
		FIELD_CLIENT_COMM, FIELD_CLIENT_UID,
	};
	struct record record = flow();

	set(&record, ids, sizeof(ids));
	return record;
}

static struct ecs *new_ecs(bool has_id)
{
	const struct ecs_conf conf = { .host = "h\"1", .dataset = "weir.flow", .has_id = has_id };
	struct ecs *ecs = ecs_new(&conf);

	assert_non_null(ecs);
	return ecs;
}

static void is_text(struct buf *buf, const char *wanted)
{
	buf_putc(buf, '\0');
	assert_string_equal(buf->data, wanted);
	buf_fini(buf);
}

static const char document[] =
	"{\"@timestamp\":\"2020-05-08T12:28:31.123456789Z\","
	"\"agent\":{\"name\":\"h\\\"1\",\"type\":\"weir\",\"version\":\"" WEIR_VERSION "\"},"
	"\"destination\":{\"bytes\":81234,\"ip\":\"93.184.216.34\",\"packets\":61,\"port\":443},"
	"\"ecs\":{\"version\":\"8.11.0\"},"
	"\"event\":{\"action\":\"flow-end\",\"category\":[\"network\"],"
	"\"dataset\":\"weir.flow\",\"duration\":1123456789,\"kind\":\"event\","
	"\"module\":\"weir\",\"sequence\":3,\"start\":\"2020-05-08T12:28:30.000000000Z\","
	"\"type\":[\"connection\",\"end\"]},"
	"\"host\":{\"name\":\"h\\\"1\"},"
	"\"network\":{\"bytes\":82766,\"direction\":\"egress\",\"iana_number\":\"6\","
	"\"packets\":75,\"transport\":\"tcp\"},"
	"\"observer\":{\"product\":\"weir\"},"
	"\"process\":{\"name\":\"a \\\"b\"},"
	"\"related\":{\"ip\":[\"192.168.1.10\",\"198.51.100.7\",\"93.184.216.34\"]},"
	"\"source\":{\"bytes\":1532,\"ip\":\"192.168.1.10\",\"nat\":{\"ip\":\"198.51.100.7\"},"
	"\"packets\":14,\"port\":40522},"
	"\"user\":{\"id\":\"1000\"},"
	"\"weir\":{\"direction\":\"outbound\",\"end_reason\":\"fin\","
	"\"flow_id\":\"000000000097c684\",\"mark\":255,\"netns\":4026531992}}\n";

static void a_document_is_of_ecs_to_the_byte(void **state)
{
	const struct record record = usual();
	struct ecs *ecs = new_ecs(true);
	struct buf buf = { 0 };
	char wanted[2048];

	ecs_create(&buf, ecs, &record);
	snprintf(wanted, sizeof(wanted), "{\"create\":{\"_id\":\"000000000097c684-3\"}}\n%s",
		 document);
	is_text(&buf, wanted);
	ecs_free(ecs);
	ecs = new_ecs(false);
	ecs_create(&buf, ecs, &record);
	snprintf(wanted, sizeof(wanted), "{\"create\":{}}\n%s", document);
	is_text(&buf, wanted);
	ecs_free(ecs);
}

/* Every leaf of the document has a type in the mapping. */
static void is_mapped(const json_t *object, const json_t *properties)
{
	const char *key, *type;
	const json_t *value, *property;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		property = json_object_get(properties, key);
		if (!property)
			fail_msg("%s has no type", key);
		if (json_is_object(value)) {
			is_mapped(value, json_object_get(property, "properties"));
			continue;
		}
		if (json_is_array(value))
			value = json_array_get(value, 0);
		type = json_string_value(json_object_get(property, "type"));
		assert_non_null(type);
		if (json_is_integer(value))
			assert_string_equal(type, "long");
		else if (json_is_boolean(value))
			assert_string_equal(type, "boolean");
		else
			assert_true(!strcmp(type, "keyword") || !strcmp(type, "ip") ||
				    !strcmp(type, "date"));
	}
}

static json_t *parse(const char *text, size_t n)
{
	json_error_t error;
	json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s in %.*s", error.text, (int)n, text);
	return root;
}

/* The document in buf, which is emptied. */
static json_t *document_of(struct buf *buf)
{
	const char *at = memchr(buf->data, '\n', buf->len);
	json_t *root;

	assert_non_null(at);
	assert_int_equal(buf->data[buf->len - 1], '\n');
	root = parse(at + 1, buf->len - (size_t)(at + 1 - buf->data) - 1);
	buf_clear(buf);
	return root;
}

static void whatever_a_record_has_is_json_and_has_a_type(void **state)
{
	struct ecs *ecs = new_ecs(true);
	struct buf types = { 0 }, buf = { 0 };
	struct record record = flow();
	uint64_t random = 88172645463325252;
	json_t *properties, *root;

	ecs_properties(&types, ecs);
	properties = parse(types.data, types.len);
	memset(record.owner[INITIATOR].exe, 1, OWNER_PATH_SIZE - 1);
	memset(record.owner[RESPONDER].cgroup, '"', OWNER_PATH_SIZE - 1);
	memset(record.owner[INITIATOR].comm, 0xff, OWNER_COMM_SIZE - 1);
	record.status = UINT32_MAX;
	record.bytes[INITIATOR] = record.bytes[RESPONDER] = UINT64_MAX;
	for (unsigned i = 0; i < 3000; i++) {
		for (unsigned word = 0; word < 2 && i; word++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			record.has[word] = i == 1 ? UINT64_MAX : random;
		}
		record.has[1] &= (1ULL << (FIELD_COUNT - 64)) - 1;
		record.event = (uint8_t)(i % (EVENT_FAILED + 1));
		ecs_create(&buf, ecs, &record);
		assert_int_equal(buf.error, 0);
		root = document_of(&buf);
		is_mapped(root, properties);
		json_decref(root);
	}
	json_decref(properties);
	buf_fini(&types);
	buf_fini(&buf);
	ecs_free(ecs);
}

static const char *text_in(const json_t *root, const char *object, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(root, object), key));

	return text ? text : "";
}

static void the_process_is_that_of_this_host(void **state)
{
	struct ecs *ecs = new_ecs(true);
	struct record record = usual();
	struct buf buf = { 0 };
	json_t *root;

	record_set(&record, FIELD_SERVER_COMM);
	strncpy(record.owner[RESPONDER].comm, "server", OWNER_COMM_SIZE);
	ecs_create(&buf, ecs, &record);
	root = document_of(&buf);
	assert_string_equal(text_in(root, "process", "name"), "a \"b");
	json_decref(root);
	record.has[FIELD_CLIENT_COMM / 64] &= ~(1ULL << FIELD_CLIENT_COMM % 64);
	ecs_create(&buf, ecs, &record);
	root = document_of(&buf);
	assert_string_equal(text_in(root, "process", "name"), "server");
	json_decref(root);
	buf_fini(&buf);
	ecs_free(ecs);
}

static void what_a_long_does_not_hold_is_clamped(void **state)
{
	struct ecs *ecs = new_ecs(true);
	struct record record = usual();
	struct buf buf = { 0 };
	json_t *root, *network;

	record.bytes[INITIATOR] = UINT64_MAX;
	record.packets[INITIATOR] = record.packets[RESPONDER] = INT64_MAX;
	ecs_create(&buf, ecs, &record);
	root = document_of(&buf);
	network = json_object_get(root, "network");
	assert_int_equal(json_integer_value(json_object_get(network, "bytes")), INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(network, "packets")), INT64_MAX);
	json_decref(root);
	buf_fini(&buf);
	ecs_free(ecs);
}

static void a_document_of_conntracct_is_the_same_to_the_byte(void **state)
{
	struct record record = usual();
	struct buf buf = { 0 };

	ecs_conntracct(&buf, "h", &record);
	is_text(&buf, "{\"index\":{\"_id\":\"9946756\",\"version\":3177881822246913579,"
		      "\"version_type\":\"external_gte\"}}\n"
		      "{\"flow_state\":\"finished\",\"hostname\":\"h\",\"start\":1588940910000,"
		      "\"timestamp\":1588940911123,\"flow_id\":9946756,\"connmark\":255,"
		      "\"src_addr\":\"192.168.1.10\",\"dst_addr\":\"93.184.216.34\","
		      "\"packets_orig\":14,\"bytes_orig\":1532,\"packets_ret\":61,"
		      "\"bytes_ret\":81234,\"src_port\":40522,\"dst_port\":443,"
		      "\"netns\":4026531992,\"proto\":6,\"packets_total\":75,"
		      "\"bytes_total\":82766,\"proto_name\":\"tcp\"}\n");
	/* what is no later than its end does not open it again */
	record.event = EVENT_UPDATE;
	ecs_conntracct(&buf, "h", &record);
	buf_putc(&buf, '\0');
	assert_non_null(strstr(buf.data, "\"version\":3177881822246913578,"));
	assert_non_null(strstr(buf.data, "{\"flow_state\":\"established\","));
	buf_clear(&buf);
	record.event = EVENT_CLOSE;
	ecs_conntracct(&buf, "h", &record);
	is_text(&buf, "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_of_ecs_to_the_byte),
		cmocka_unit_test(whatever_a_record_has_is_json_and_has_a_type),
		cmocka_unit_test(the_process_is_that_of_this_host),
		cmocka_unit_test(what_a_long_does_not_hold_is_clamped),
		cmocka_unit_test(a_document_of_conntracct_is_the_same_to_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
