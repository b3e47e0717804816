// SPDX-License-Identifier: Apache-2.0
/* Flows added up by what they have in common, each once, seen from this host. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/why.h"
#include "serve/group.h"

static struct record flow(const char *client, const char *server, enum direction direction,
			  uint64_t orig, uint64_t reply)
{
	struct record record;

	memset(&record, 0xa5, sizeof(record));
	record.has[0] = record.has[1] = 0;
	addr_parse(&record.orig.addr[INITIATOR], "192.0.2.1", 9);
	addr_parse(&record.orig.addr[RESPONDER], "192.0.2.2", 9);
	record.orig.port_be[INITIATOR] = htons(40000);
	record.orig.port_be[RESPONDER] = htons(443);
	record.orig.proto = IPPROTO_TCP;
	record.direction = direction;
	record_set(&record, FIELD_DIRECTION);
	record_set(&record, FIELD_PROTO);
	record.bytes[INITIATOR] = orig;
	record.bytes[RESPONDER] = reply;
	record.packets[INITIATOR] = record.packets[RESPONDER] = 1;
	record_set(&record, FIELD_BYTES_ORIG);
	record.rate_bps[INITIATOR] = 10 * orig;
	record.rate_bps[RESPONDER] = 10 * reply;
	record_set(&record, FIELD_RATE_ORIG_BPS);
	record.netns = 77;
	if (client) {
		snprintf(record.owner[INITIATOR].comm, OWNER_COMM_SIZE, "%s", client);
		record_set(&record, FIELD_CLIENT_COMM);
	}
	if (server) {
		snprintf(record.owner[RESPONDER].comm, OWNER_COMM_SIZE, "%s", server);
		record_set(&record, FIELD_SERVER_COMM);
	}
	return record;
}

static json_t *groups_of(const char *by, const char *order, uint64_t limit,
			 const struct record *record, size_t n)
{
	struct buf text = { 0 };
	struct groups *groups;
	json_t *root;

	assert_int_equal(groups_new(&groups, by, order, limit, NULL), 0);
	for (size_t i = 0; i < n; i++)
		groups_add(groups, &record[i], true);
	groups_finish(groups);
	buf_putc(&text, '[');
	groups_json(groups, &text);
	buf_putc(&text, ']');
	root = json_loadb(text.data, text.len, 0, NULL);
	assert_non_null(root);
	buf_fini(&text);
	groups_free(groups);
	return root;
}

static void check(json_t *root, size_t i, const char *key, long flows, long out, long in)
{
	json_t *row = json_array_get(root, i);

	assert_string_equal(json_string_value(json_object_get(row, "key")), key);
	assert_int_equal(json_integer_value(json_object_get(row, "flows")), flows);
	assert_int_equal(json_integer_value(json_object_get(row, "bytes_out")), out);
	assert_int_equal(json_integer_value(json_object_get(row, "bytes_in")), in);
	assert_int_equal(json_integer_value(json_object_get(row, "rate_out_bps")), 10 * out);
}

/* What the server's process sends is the reply; between two of this host the client's
 * process has it all. */
static void out_is_what_leaves_this_host(void **state)
{
	const struct record records[] = {
		flow("curl", NULL, DIRECTION_OUTBOUND, 1, 20),
		flow(NULL, "nginx", DIRECTION_INBOUND, 300, 4000),
		flow("curl", "nginx", DIRECTION_LOCAL, 50000, 600000),
		flow(NULL, NULL, DIRECTION_FORWARD, 7000000, 8000000),
		flow(NULL, NULL, DIRECTION_INBOUND, 1, 2),
	};
	json_t *root = groups_of("process", "-bytes", 0, records, 5);

	assert_int_equal(json_array_size(root), 3);
	check(root, 0, "-", 2, 7000002, 8000001);
	check(root, 1, "curl", 2, 50001, 600020);
	check(root, 2, "nginx", 1, 4000, 300);
	json_decref(root);
	root = groups_of("host", "key", 0, records, 5);
	assert_int_equal(json_array_size(root), 2);
	check(root, 0, "192.0.2.1", 2, 4002, 301);
	check(root, 1, "192.0.2.2", 3, 7050001, 8600020);
	json_decref(root);
	root = groups_of("port", NULL, 1, records, 5);
	assert_int_equal(json_array_size(root), 1);
	check(root, 0, "443/tcp", 5, 7054003, 8600321);
	json_decref(root);
	root = groups_of("netns", "", 0, records, 5);
	check(root, 0, "77", 5, 7054003, 8600321);
	json_decref(root);
}

static void the_best_are_chosen_by_any_order(void **state)
{
	struct record records[1000];
	json_t *root;

	for (int i = 0; i < 1000; i++) {
		char name[OWNER_COMM_SIZE];

		snprintf(name, sizeof(name), "p%03d", i * 7 % 1000);
		records[i] = flow(name, NULL, DIRECTION_OUTBOUND, (uint64_t)i * 7 % 1000, 1);
	}
	root = groups_of("process", "-bytes_out", 3, records, 1000);
	assert_int_equal(json_array_size(root), 3);
	check(root, 0, "p999", 1, 999, 1);
	check(root, 2, "p997", 1, 997, 1);
	json_decref(root);
	root = groups_of("process", "key", 2, records, 1000);
	check(root, 0, "p000", 1, 0, 1);
	check(root, 1, "p001", 1, 1, 1);
	json_decref(root);
}

static struct record healthy(const char *client, const char *server, uint32_t rtt_us,
			     uint32_t retransmits)
{
	struct record record = flow(client, server, DIRECTION_LOCAL, 1, 1);

	record.rtt_us[INITIATOR] = rtt_us;
	record.retransmits[INITIATOR] = retransmits;
	record.tcp_segments[INITIATOR] = 100;
	record.tcp_segments[RESPONDER] = 10;
	record_set(&record, FIELD_RTT_US);
	record_set(&record, FIELD_RETRANSMITS);
	record_set(&record, FIELD_TCP_SEGMENTS_ORIG);
	return record;
}

static void check_order(const char *order, const char *keys, const struct record *record, size_t n)
{
	json_t *root = groups_of("process", order, 0, record, n);

	assert_int_equal(json_array_size(root), strlen(keys));
	for (size_t i = 0; keys[i]; i++)
		assert_int_equal(json_string_value(json_object_get(json_array_get(root, i),
								   "key"))[0], keys[i]);
	json_decref(root);
}

/* And of two sockets what is known is the client's, also where only the server has a name. */
static void what_is_not_known_comes_last_either_way(void **state)
{
	struct record records[] = {
		flow("x", NULL, DIRECTION_OUTBOUND, 1, 1),
		healthy("a", NULL, 5, 2),
		healthy(NULL, "b", 7, 1), /* of ten segments */
		healthy("c", NULL, 9, 0),
		healthy(NULL, "d", 8, 1), /* of a hundred: there are two sockets */
	};

	record_set(&records[4], FIELD_SERVER_RETRANSMITS);
	check_order("-rtt_us", "cdbax", records, 5);
	check_order("rtt_us", "abdcx", records, 5);
	check_order("-retransmit_percent", "badcx", records, 5);
	check_order("retransmit_percent", "cdabx", records, 5);
	check_order("-flows", "xdcba", records, 5);
}

/* Past the bound flows are still counted, in a group that says so. */
static void groups_that_find_no_room_are_one(void **state)
{
	const unsigned many = 70000;
	uint64_t flows = 0;
	struct groups *groups;
	struct buf text = { 0 };
	json_t *root, *row;
	bool others = false;
	size_t i;

	assert_int_equal(groups_new(&groups, "host", "-flows", 0, NULL), 0);
	for (unsigned n = 0; n < many; n++) {
		struct record record = flow(NULL, NULL, DIRECTION_OUTBOUND, 1, 1);
		const uint32_t address = htonl(0x0a000000 + n);

		addr_from_v4(&record.orig.addr[RESPONDER], &address);
		groups_add(groups, &record, true);
	}
	groups_finish(groups);
	buf_putc(&text, '[');
	groups_json(groups, &text);
	buf_putc(&text, ']');
	root = json_loadb(text.data, text.len, 0, NULL);
	json_array_foreach(root, i, row) {
		flows += (uint64_t)json_integer_value(json_object_get(row, "flows"));
		others |= !strcmp(json_string_value(json_object_get(row, "key")), "(others)");
	}
	assert_true(others);
	assert_int_equal(flows, many);
	json_decref(root);
	buf_fini(&text);
	groups_free(groups);
}

/* What has closed is no flow of its group any more, but has moved its bytes; a group of
 * such flows alone is one while they have a rate. */
static void closed_flows_lend_their_bytes(void **state)
{
	struct record still = flow("gone", NULL, DIRECTION_OUTBOUND, 5, 5);
	const struct record records[] = {
		flow("curl", NULL, DIRECTION_OUTBOUND, 1, 20),
		flow("wget", NULL, DIRECTION_OUTBOUND, 3, 30),
	};
	struct buf text = { 0 };
	struct groups *groups;
	json_t *root;

	still.rate_bps[INITIATOR] = still.rate_bps[RESPONDER] = 0;
	assert_int_equal(groups_new(&groups, "process", "-flows", 0, NULL), 0);
	groups_add(groups, &records[0], true);
	groups_add(groups, &records[0], false);
	groups_add(groups, &records[1], false);
	groups_add(groups, &still, false);
	groups_finish(groups);
	assert_int_equal(groups_count(groups), 2);
	buf_putc(&text, '[');
	groups_json(groups, &text);
	buf_putc(&text, ']');
	root = json_loadb(text.data, text.len, 0, NULL);
	assert_int_equal(json_array_size(root), 2);
	check(root, 0, "curl", 1, 2, 40);
	check(root, 1, "wget", 0, 3, 30);
	json_decref(root);
	buf_fini(&text);
	groups_free(groups);
}

static void what_there_is_not_is_refused_with_the_nearest(void **state)
{
	struct groups *groups;
	struct why why;

	assert_int_equal(groups_new(&groups, "proces", NULL, 0, &why), -EINVAL);
	assert_non_null(strstr(why.text, "process"));
	assert_int_equal(groups_new(&groups, "process", "-byte", 0, &why), -EINVAL);
	assert_non_null(strstr(why.text, "bytes"));
	groups_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_is_what_leaves_this_host),
		cmocka_unit_test(the_best_are_chosen_by_any_order),
		cmocka_unit_test(what_is_not_known_comes_last_either_way),
		cmocka_unit_test(groups_that_find_no_room_are_one),
		cmocka_unit_test(closed_flows_lend_their_bytes),
		cmocka_unit_test(what_there_is_not_is_refused_with_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
