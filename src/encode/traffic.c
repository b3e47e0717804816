// SPDX-License-Identifier: Apache-2.0
/* Sums per set of tags: what a dashboard reads, at the price of few series. */
#include "encode/traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "encode/value.h"

/* Compared as bytes: all of it is set. */
struct tags {
	uint8_t proto, direction;
	uint16_t service_be; /* 0: other */
	uint32_t netns;
	char process[OWNER_COMM_SIZE];
	char container[OWNER_CONTAINER_SIZE];
	char pad[3];
};

struct sums {
	struct tags tags;
	uint64_t bytes[SIDES], packets[SIDES], started, ended;
};

struct traffic {
	const struct lineproto_conf *conf; /* borrowed */
	struct sums *sums;  /* owned */
	size_t count, room;
	uint32_t *slot;     /* owned: place in sums + 1, by hash; twice as many as room */
	uint64_t time_ns;   /* the latest record's */
	char process[TRAFFIC_PROCESSES_MAX][OWNER_COMM_SIZE];
	unsigned process_count;
};

struct traffic *traffic_new(const struct lineproto_conf *conf)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));

	if (traffic)
		traffic->conf = conf;
	return traffic;
}

void traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return;
	free(traffic->sums);
	free(traffic->slot);
	free(traffic);
}

/* The name, or _other: the first so many are told apart. */
static const char *known_process(struct traffic *traffic, const char *name)
{
	unsigned i = 0;

	while (i < traffic->process_count && strcmp(traffic->process[i], name))
		i++;
	if (i == TRAFFIC_PROCESSES_MAX)
		return "_other";
	if (i == traffic->process_count) {
		memcpy(traffic->process[i], name, strnlen(name, OWNER_COMM_SIZE - 1));
		traffic->process_count++;
	}
	return traffic->process[i];
}

static void tags_of(struct traffic *traffic, struct tags *tags, const struct record *record)
{
	const char *process = record_process(record);
	char service[8];

	memset(tags, 0, sizeof(*tags));
	tags->proto = record->orig.proto;
	tags->direction = record_has(record, FIELD_DIRECTION) ? record->direction : UINT8_MAX;
	if (strcmp(lineproto_service(service, record), "other"))
		tags->service_be = record->orig.port_be[RESPONDER];
	if (*process)
		memcpy(tags->process, known_process(traffic, process), OWNER_COMM_SIZE - 1);
	if (traffic->conf->tag_netns && record_has(record, FIELD_NETNS))
		tags->netns = record->netns;
	if (!traffic->conf->tag_container)
		return;
	if (record_has(record, FIELD_CLIENT_CONTAINER))
		memcpy(tags->container, record->owner[INITIATOR].container,
		       OWNER_CONTAINER_SIZE - 1);
	else if (record_has(record, FIELD_SERVER_CONTAINER))
		memcpy(tags->container, record->owner[RESPONDER].container,
		       OWNER_CONTAINER_SIZE - 1);
	/* what follows a text's end must not tell sets apart */
	memset(tags->container + strlen(tags->container), 0,
	       OWNER_CONTAINER_SIZE - strlen(tags->container));
}

static uint32_t *slot_of(struct traffic *traffic, const struct tags *tags)
{
	const size_t mask = 2 * traffic->room - 1;
	size_t i = hash_bytes(tags, sizeof(*tags), 0) & mask;

	while (traffic->slot[i] &&
	       memcmp(&traffic->sums[traffic->slot[i] - 1].tags, tags, sizeof(*tags)))
		i = (i + 1) & mask;
	return &traffic->slot[i];
}

static int grow(struct traffic *traffic)
{
	const size_t room = traffic->room ? 2 * traffic->room : 64;
	struct sums *sums = realloc(traffic->sums, room * sizeof(*sums));
	uint32_t *slot;

	if (!sums)
		return -ENOMEM;
	traffic->sums = sums;
	slot = calloc(2 * room, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(traffic->slot);
	traffic->slot = slot;
	traffic->room = room;
	for (size_t i = 0; i < traffic->count; i++)
		*slot_of(traffic, &sums[i].tags) = (uint32_t)i + 1;
	return 0;
}

void traffic_add(struct traffic *traffic, struct buf *buf, const struct record *record)
{
	struct sums *sums;
	struct tags tags;
	uint32_t *slot;

	if (record->event > EVENT_END ||
	    (record_has(record, FIELD_PRIMARY) && !record->primary))
		return;
	if (traffic->count == traffic->room && grow(traffic) < 0) {
		buf->error = -ENOMEM;
		return;
	}
	tags_of(traffic, &tags, record);
	slot = slot_of(traffic, &tags);
	if (!*slot) {
		traffic->sums[traffic->count] = (struct sums){ .tags = tags };
		*slot = (uint32_t)++traffic->count;
	}
	sums = &traffic->sums[*slot - 1];
	if (record_has(record, FIELD_DELTA_BYTES_ORIG)) {
		for (enum side side = 0; side < SIDES; side++) {
			sums->bytes[side] += record->delta_bytes[side];
			sums->packets[side] += record->delta_packets[side];
		}
	}
	sums->started += record->event == EVENT_START;
	sums->ended += record->event == EVENT_END;
	if (record->time_wall_ns > traffic->time_ns)
		traffic->time_ns = record->time_wall_ns;
}

static void put_point(const struct traffic *traffic, struct buf *buf, const struct sums *sums)
{
	const struct lineproto_conf *conf = traffic->conf;
	const char *proto = proto_name(sums->tags.proto);
	char number[24], service[8] = "other";

	buf_puts(buf, "weir_traffic");
	lineproto_tag(buf, "container", sums->tags.container);
	if (sums->tags.direction != UINT8_MAX)
		lineproto_tag(buf, "direction",
			      value_name(&field_table[FIELD_DIRECTION], sums->tags.direction));
	if (conf->host)
		lineproto_tag(buf, "host", conf->host);
	if (sums->tags.netns) {
		*num_put_u64(number, sums->tags.netns) = '\0';
		lineproto_tag(buf, "netns", number);
	}
	lineproto_tag(buf, "process", sums->tags.process);
	*num_put_u64(number, sums->tags.proto) = '\0';
	lineproto_tag(buf, "proto", proto ? proto : number);
	if (sums->tags.service_be)
		*num_put_u64(service, ntohs(sums->tags.service_be)) = '\0';
	lineproto_tag(buf, "service", service);
	lineproto_integer(buf, "bytes_orig", sums->bytes[INITIATOR], true);
	lineproto_integer(buf, "bytes_reply", sums->bytes[RESPONDER], false);
	lineproto_integer(buf, "flows_ended", sums->ended, false);
	lineproto_integer(buf, "flows_started", sums->started, false);
	lineproto_integer(buf, "packets_orig", sums->packets[INITIATOR], false);
	lineproto_integer(buf, "packets_reply", sums->packets[RESPONDER], false);
	buf_putc(buf, ' ');
	buf_u64(buf, traffic->time_ns);
	buf_putc(buf, '\n');
}

void traffic_flush(struct traffic *traffic, struct buf *buf)
{
	if (!traffic->count)
		return;
	for (size_t i = 0; i < traffic->count; i++)
		put_point(traffic, buf, &traffic->sums[i]);
	memset(traffic->slot, 0, 2 * traffic->room * sizeof(*traffic->slot));
	traffic->count = 0;
	traffic->time_ns = 0;
}
