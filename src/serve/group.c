// SPDX-License-Identifier: Apache-2.0
/*
 * Groups of flows. Each has a text as its key and sums; they are kept in one array with an
 * open hash over it, up to a bound: flows of further groups go to one called "(others)".
 */
#include "serve/group.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/why.h"
#include "encode/value.h"
#include "serve/sort.h"

#define GROUPS_MAX 65536
#define SLOTS (2 * GROUPS_MAX)
#define KEY_SIZE 80
#define OTHERS "(others)"

struct group {
	char key[KEY_SIZE];
	uint64_t flows;
	uint64_t rate_bps[SIDES], bytes[SIDES], packets[SIDES]; /* [0] out, [1] in */
	uint64_t retransmits, segments, rtt_us, rtts;
	double age_ms;
	uint32_t pid; /* 0: none; UINT32_MAX: several */
};

struct groups {
	void (*key)(char ret[KEY_SIZE], const struct record *record);
	int order;
	struct sort *sort;    /* owned */
	struct group *group;  /* owned */
	size_t count, allocated;
	size_t shown;         /* have a live flow, or a rate */
	uint32_t *slot;       /* owned: 1 + index into group */
	uint64_t seed;
};

static void key_text(char ret[KEY_SIZE], const char *text)
{
	snprintf(ret, KEY_SIZE, "%s", text[0] ? text : "-");
}

static void key_process(char ret[KEY_SIZE], const struct record *record)
{
	key_text(ret, record_process(record));
}

static void key_container(char ret[KEY_SIZE], const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_CONTAINER))
		key_text(ret, record->owner[INITIATOR].container);
	else if (record_has(record, FIELD_SERVER_CONTAINER))
		key_text(ret, record->owner[RESPONDER].container);
	else
		key_text(ret, "");
}

static void key_user(char ret[KEY_SIZE], const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_UID))
		snprintf(ret, KEY_SIZE, "%u", record->owner[INITIATOR].uid);
	else if (record_has(record, FIELD_SERVER_UID))
		snprintf(ret, KEY_SIZE, "%u", record->owner[RESPONDER].uid);
	else
		key_text(ret, "");
}

static void key_host(char ret[KEY_SIZE], const struct record *record)
{
	addr_print(ret, &record->orig.addr[!record_local_side(record)]);
}

static void key_proto(char ret[KEY_SIZE], const struct record *record)
{
	const struct encode_conf conf = { 0 };

	*value_put(ret, &conf, &field_table[FIELD_PROTO], record) = '\0';
}

/* The service: what was asked for, of the one who answers. */
static void key_port(char ret[KEY_SIZE], const struct record *record)
{
	char proto[KEY_SIZE];

	key_proto(proto, record);
	if (proto_has_ports(record->orig.proto))
		snprintf(ret, KEY_SIZE, "%u/%.20s", ntohs(record->orig.port_be[RESPONDER]), proto);
	else
		key_text(ret, proto);
}

static void key_netns(char ret[KEY_SIZE], const struct record *record)
{
	snprintf(ret, KEY_SIZE, "%u", record->netns);
}

const char *const group_names[] = { "process", "container", "host", "port", "netns", "proto",
				    "user", NULL };
static void (*const key_of[])(char ret[KEY_SIZE], const struct record *record) = {
	key_process, key_container, key_host, key_port, key_netns, key_proto, key_user,
};

enum order { ORDER_KEY, ORDER_FLOWS, ORDER_RATE, ORDER_RATE_OUT, ORDER_RATE_IN, ORDER_BYTES,
	     ORDER_BYTES_OUT, ORDER_BYTES_IN, ORDER_PACKETS, ORDER_RTT, ORDER_RETRANSMITS,
	     ORDER_RETRANSMIT_PERCENT, ORDER_AGE };
static const char *const order_names[] = {
	"key", "flows", "rate", "rate_out", "rate_in", "bytes", "bytes_out", "bytes_in",
	"packets", "rtt_us", "retransmits", "retransmit_percent", "age", NULL,
};

/* The index of word, or -EINVAL with the nearest. */
static int find_name(const char *const *names, const char *what, const char *word,
		     struct why *why)
{
	struct nearest nearest = { .word = word, .n = strlen(word) };

	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], word))
			return i;
		nearest_offer(&nearest, names[i]);
	}
	return why_set(why, -EINVAL, "%s: \"%.40s\" is none of those there are%s%s%s", what, word,
		       nearest.best ? "; did you mean " : "", nearest.best ? nearest.best : "",
		       nearest.best ? "?" : "");
}

int groups_new(struct groups **ret, const char *by, const char *order, uint64_t limit,
	       struct why *why)
{
	const bool descending = !order || !*order || *order == '-';
	const int kind = find_name(group_names, "by", by, why);
	struct groups *groups;
	int r = kind;

	_Static_assert(ARRAY_LEN(key_of) == ARRAY_LEN(group_names) - 1, "each has its key");
	if (kind >= 0)
		r = !order || !*order ? ORDER_RATE :
					find_name(order_names, "sort", order + descending, why);
	if (r < 0)
		return r;
	groups = calloc(1, sizeof(*groups));
	if (!groups)
		return why_set(why, -ENOMEM, "no memory for groups");
	groups->key = key_of[kind];
	groups->order = r;
	groups->seed = hash_seed_random();
	groups->slot = calloc(SLOTS, sizeof(*groups->slot));
	r = groups->slot ? sort_new_keyed(&groups->sort, descending, limit) : -ENOMEM;
	if (r < 0) {
		groups_free(groups);
		return why_set(why, r, "no memory for groups");
	}
	*ret = groups;
	return 0;
}

void groups_free(struct groups *groups)
{
	if (!groups)
		return;
	sort_free(groups->sort);
	free(groups->group);
	free(groups->slot);
	free(groups);
}

/* Room for one more; false: there is none. */
static bool has_room(struct groups *groups)
{
	const size_t wanted = groups->allocated ? 2 * groups->allocated : 64;
	struct group *grown;

	if (groups->count < groups->allocated)
		return true;
	grown = realloc(groups->group, wanted * sizeof(*grown));
	if (!grown)
		return false;
	groups->group = grown;
	groups->allocated = wanted;
	return true;
}

static struct group *find_group(struct groups *groups, const char *key)
{
	const size_t n = strlen(key);
	size_t at = hash_bytes(key, n, groups->seed) % SLOTS;
	struct group *group;

	for (; groups->slot[at]; at = (at + 1) % SLOTS) {
		group = &groups->group[groups->slot[at] - 1];
		if (!strcmp(group->key, key))
			return group;
	}
	if (groups->count >= GROUPS_MAX && strcmp(key, OTHERS))
		return find_group(groups, OTHERS);
	if (!has_room(groups))
		return NULL;
	group = &groups->group[groups->count++];
	*group = (struct group){ 0 };
	memcpy(group->key, key, n + 1);
	groups->slot[at] = (uint32_t)groups->count;
	return group;
}

static uint32_t pid_of(const struct record *record)
{
	if (record_has(record, FIELD_CLIENT_PID))
		return record->owner[INITIATOR].pid;
	return record_has(record, FIELD_SERVER_PID) ? record->owner[RESPONDER].pid : 0;
}

static void add_health(struct group *group, const struct record *record)
{
	if (record_has(record, FIELD_RTT_US)) {
		group->rtt_us += record->rtt_us[INITIATOR];
		group->rtts++;
	}
	if (record_has(record, FIELD_RETRANSMITS))
		group->retransmits += record->retransmits[INITIATOR];
	if (record_has(record, FIELD_TCP_SEGMENTS_ORIG))
		group->segments += record->tcp_segments[record_health_side(record)];
}

static bool is_shown(const struct group *group)
{
	return group->flows || group->rate_bps[0] || group->rate_bps[1];
}

void groups_add(struct groups *groups, const struct record *record, bool is_live)
{
	const enum side local = record_local_side(record);
	const uint32_t pid = pid_of(record);
	struct group *group;
	char key[KEY_SIZE];

	groups->key(key, record);
	group = find_group(groups, key);
	if (!group)
		return;
	groups->shown -= is_shown(group);
	group->flows += is_live;
	for (int i = 0; i < SIDES; i++) {
		const enum side side = i ? !local : local;

		if (record_has(record, FIELD_RATE_ORIG_BPS))
			group->rate_bps[i] += record->rate_bps[side];
		if (record_has(record, FIELD_BYTES_ORIG)) {
			group->bytes[i] += record->bytes[side];
			group->packets[i] += record->packets[side];
		}
	}
	groups->shown += is_shown(group);
	add_health(group, record);
	if (is_live && record_has(record, FIELD_DURATION_MS) && record->duration_ms > group->age_ms)
		group->age_ms = record->duration_ms;
	if (pid && pid != group->pid)
		group->pid = group->pid ? UINT32_MAX : pid;
}

static uint64_t mean_rtt_us(const struct group *group)
{
	return group->rtts ? group->rtt_us / group->rtts : 0;
}

static uint64_t number_of(const struct group *group, enum order order)
{
	switch (order) {
	case ORDER_FLOWS:
		return group->flows;
	case ORDER_RATE:
		return group->rate_bps[0] + group->rate_bps[1];
	case ORDER_RATE_OUT:
		return group->rate_bps[0];
	case ORDER_RATE_IN:
		return group->rate_bps[1];
	case ORDER_BYTES:
		return group->bytes[0] + group->bytes[1];
	case ORDER_BYTES_OUT:
		return group->bytes[0];
	case ORDER_BYTES_IN:
		return group->bytes[1];
	case ORDER_PACKETS:
		return group->packets[0] + group->packets[1];
	case ORDER_RTT:
		return mean_rtt_us(group);
	case ORDER_RETRANSMITS:
		return group->retransmits;
	case ORDER_RETRANSMIT_PERCENT:
		return sort_share(group->retransmits, group->segments);
	case ORDER_AGE:
		return (uint64_t)group->age_ms;
	case ORDER_KEY:
		break;
	}
	return 0;
}

/* What is not known of a group comes last, whichever way they are sorted. */
static bool is_known(const struct group *group, enum order order)
{
	switch (order) {
	case ORDER_RTT:
		return group->rtts;
	case ORDER_RETRANSMITS:
	case ORDER_RETRANSMIT_PERCENT:
		return group->segments;
	default:
		return true;
	}
}

void groups_finish(struct groups *groups)
{
	const enum order order = (enum order)groups->order;

	for (size_t i = 0; i < groups->count; i++) {
		const struct group *group = &groups->group[i];
		uint8_t key[16];

		if (!is_shown(group))
			continue;
		if (order == ORDER_KEY) {
			memcpy(key, group->key, sizeof(key));
		} else {
			sort_put_number(key, number_of(group, order));
			/* equals are in an order, whatever that of the flows */
			memcpy(key + 8, group->key, 8);
		}
		sort_offer_key(groups->sort, is_known(group, order) ? key : NULL, (uint32_t)i);
	}
	while (!sort_finish(groups->sort, GROUPS_MAX))
		;
}

size_t groups_count(const struct groups *groups)
{
	return groups->shown;
}

static void group_json(const struct group *group, struct buf *buf)
{
	json_object_begin(buf);
	json_member_text(buf, "key", group->key);
	json_member_u64(buf, "flows", group->flows);
	json_member_u64(buf, "rate_out_bps", group->rate_bps[0]);
	json_member_u64(buf, "rate_in_bps", group->rate_bps[1]);
	json_member_u64(buf, "bytes_out", group->bytes[0]);
	json_member_u64(buf, "bytes_in", group->bytes[1]);
	json_member_u64(buf, "packets_out", group->packets[0]);
	json_member_u64(buf, "packets_in", group->packets[1]);
	if (group->segments || group->retransmits) {
		json_member_u64(buf, "segments", group->segments);
		json_member_u64(buf, "retransmits", group->retransmits);
	}
	if (group->rtts)
		json_member_u64(buf, "rtt_us", mean_rtt_us(group));
	json_member_u64(buf, "age_ms", (uint64_t)group->age_ms);
	if (group->pid && group->pid != UINT32_MAX)
		json_member_u64(buf, "pid", group->pid);
	json_object_end(buf);
}

void groups_json(const struct groups *groups, struct buf *buf)
{
	struct sort_row row;

	for (size_t i = 0; sort_row(groups->sort, i, &row); i++)
		group_json(&groups->group[row.cursor], buf);
}
