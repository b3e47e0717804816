// SPDX-License-Identifier: Apache-2.0
/*
 * Documents for Elasticsearch, two lines a record. As hot as JSON lines: what a
 * record has decides which rows are walked, and records that follow one another
 * mostly have the same; the rest is texts that were made once.
 */
#include "encode/ecs.h"

#include <string.h>

#include "base/num.h"
#include "encode/ecs_impl.h"
#include "encode/value.h"

static char *put(char *at, const char *text)
{
	const size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_long(char *at, uint64_t value)
{
	return num_put_u64(at, value > INT64_MAX ? INT64_MAX : value);
}

static char *put_sum(char *at, const struct record *record, unsigned reply_id,
		     const uint64_t value[SIDES])
{
	uint64_t sum = value[INITIATOR];

	if (record_has(record, reply_id) &&
	    __builtin_add_overflow(sum, value[RESPONDER], &sum))
		sum = INT64_MAX;
	return put_long(at, sum);
}

static char *put_action(char *at, enum event event)
{
	static const char *const actions[] = {
		"\"flow-start\"", "\"flow-update\"", "\"flow-end\"", "\"socket-connect\"",
		"\"socket-accept\"", "\"socket-close\"", "\"socket-failed\"",
	};

	return put(at, actions[event]);
}

/* "Expected values" of event.type for event.category network. */
static char *put_type(char *at, enum event event)
{
	switch (event) {
	case EVENT_START:
	case EVENT_CONNECT:
	case EVENT_ACCEPT:
		return put(at, "[\"connection\",\"start\"]");
	case EVENT_END:
	case EVENT_CLOSE:
		return put(at, "[\"connection\",\"end\"]");
	case EVENT_UPDATE:
	case EVENT_FAILED:
		break;
	}
	return put(at, "[\"connection\",\"info\"]");
}

/* network.direction as a host sees it. */
static char *put_direction(char *at, uint8_t direction)
{
	switch ((enum direction)direction) {
	case DIRECTION_OUTBOUND:
		return put(at, "\"egress\"");
	case DIRECTION_INBOUND:
		return put(at, "\"ingress\"");
	case DIRECTION_LOCAL:
		return put(at, "\"internal\"");
	case DIRECTION_FORWARD:
		break;
	}
	return put(at, "\"unknown\"");
}

static char *put_address(char *at, const struct addr *addr)
{
	*at++ = '"';
	at = addr_put(at, addr);
	*at++ = '"';
	*at++ = ',';
	return at;
}

static char *put_related(char *at, const struct record *record)
{
	const unsigned ids[SIDES] = { FIELD_NAT_SRC_IP, FIELD_NAT_DST_IP };

	*at++ = '[';
	for (enum side side = INITIATOR; side < SIDES; side++) {
		at = put_address(at, &record->orig.addr[side]);
		if (record_has(record, ids[side]) &&
		    !addr_is_equal(&record->orig.addr[side], &record->nat.addr[side]))
			at = put_address(at, &record->nat.addr[side]);
	}
	at[-1] = ']';
	return at;
}

static char *put_quoted(char *at, uint64_t number)
{
	*at++ = '"';
	at = num_put_u64(at, number);
	*at++ = '"';
	return at;
}

static char *put_field(char *at, const struct field *field, const struct record *record)
{
	static const struct encode_conf conf = { 0 };

	if (field->type == FIELD_TYPE_U64)
		return put_long(at, value_integer(field, record));
	return value_put_json(at, &conf, field, record);
}

static char *put_value(char *at, const struct ecs_row *row, const struct record *record)
{
	const struct field *field =
		&field_table[record_has(record, row->id) ? row->id : row->instead];

	switch (row->kind) {
	case ECS_FIELD:
		return put_field(at, field, record);
	case ECS_QUOTED:
		return put_quoted(at, value_integer(field, record));
	case ECS_ACTION:
		return put_action(at, record->event);
	case ECS_TYPE:
		return put_type(at, record->event);
	case ECS_DURATION: /* in nanoseconds */
		return put_long(at, record->duration_ms > 0 && record->duration_ms < 9e12 ?
					    (uint64_t)(record->duration_ms * 1e6 + 0.5) : 0);
	case ECS_DIRECTION:
		return put_direction(at, record->direction);
	case ECS_BYTES:
		return put_sum(at, record, FIELD_BYTES_REPLY, record->bytes);
	case ECS_PACKETS:
		return put_sum(at, record, FIELD_PACKETS_REPLY, record->packets);
	case ECS_IANA:
		return put_quoted(at, record->orig.proto);
	case ECS_RELATED:
		return put_related(at, record);
	case ECS_CONSTANT:
		break;
	}
	return at;
}

/* After a member and its comma: out of one object, into the other. */
static char *put_step(char *at, const struct ecs *ecs, unsigned from, unsigned to)
{
	const unsigned closes = ecs->step[from][to].closes, n = ecs->step[from][to].opens_n;

	if (closes) {
		at--;
		memset(at, '}', closes);
		at += closes;
		*at++ = ',';
	}
	memcpy(at, ecs->step[from][to].opens, n);
	return at + n;
}

/* What a record with these fields has between its values. */
static void plan(struct ecs *ecs, const struct record *record)
{
	char *at = ecs->text, *start = at;
	unsigned group = 0;

	memcpy(ecs->has, record->has, sizeof(ecs->has));
	ecs->part_count = 0;
	*at++ = '{';
	for (unsigned i = 0; i < ecs->row_count; i++) {
		const struct ecs_row *row = &ecs->row[i];

		if (row->id != FIELD_COUNT && !record_has(record, row->id) &&
		    !record_has(record, row->instead))
			continue;
		at = put_step(at, ecs, group, row->group);
		group = row->group;
		memcpy(at, row->text, row->text_n);
		at += row->text_n;
		if (row->kind == ECS_CONSTANT) /* with its comma */
			continue;
		ecs->part[ecs->part_count].at = (uint16_t)(start - ecs->text);
		ecs->part[ecs->part_count].n = (uint16_t)(at - start);
		ecs->part[ecs->part_count++].row = (uint8_t)i;
		start = at;
		*at++ = ',';
	}
	at = put_step(at, ecs, group, 0);
	at[-1] = '}';
	*at++ = '\n';
	ecs->end_at = (uint16_t)(start - ecs->text);
	ecs->end_n = (uint16_t)(at - start);
}

static char *put_part(char *at, const char *text, unsigned n)
{
	if (n <= ECS_COPY)
		memcpy(at, text, ECS_COPY);
	else
		memcpy(at, text, n);
	return at + n;
}

static char *put_create(char *at, const struct ecs *ecs, const struct record *record)
{
	static const char digits[] = "0123456789abcdef";

	if (!ecs->has_id)
		return put(at, "{\"create\":{}}\n");
	at = put(at, "{\"create\":{\"_id\":\"");
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = digits[record->flow_id >> shift & 15];
	*at++ = '-';
	at = num_put_u64(at, record->seq);
	return put(at, "\"}}\n");
}

void ecs_create(struct buf *buf, struct ecs *ecs, const struct record *record)
{
	char *start = buf_reserve(buf, ecs->room), *at = start;

	if (!start)
		return;
	if (!ecs->part_count || memcmp(ecs->has, record->has, sizeof(ecs->has)) != 0)
		plan(ecs, record);
	at = put_create(at, ecs, record);
	for (unsigned i = 0; i < ecs->part_count; i++) {
		at = put_part(at, ecs->text + ecs->part[i].at, ecs->part[i].n);
		at = put_value(at, &ecs->row[ecs->part[i].row], record);
	}
	at = put_part(at, ecs->text + ecs->end_at, ecs->end_n);
	buf->len += (size_t)(at - start);
}

void ecs_properties(struct buf *buf, const struct ecs *ecs)
{
	unsigned group = 0;

	buf_putc(buf, '{');
	for (unsigned i = 0; i < ecs->row_count; i++) {
		const struct ecs_row *row = &ecs->row[i];
		const char *name = strrchr(row->path, '.');

		for (unsigned n = 0; n < ecs->step[group][row->group].closes; n++)
			buf_puts(buf, "}}");
		if (i)
			buf_putc(buf, ',');
		for (const char *c = ecs->step[group][row->group].opens; *c; c++) {
			buf_putc(buf, *c);
			if (*c == '{')
				buf_puts(buf, "\"properties\":{");
		}
		group = row->group;
		buf_putc(buf, '"');
		buf_puts(buf, name ? name + 1 : row->path);
		buf_puts(buf, "\":{\"type\":\"");
		buf_puts(buf, row->type);
		buf_puts(buf, "\"}");
	}
	for (unsigned n = 0; n < ecs->group[group].depth; n++)
		buf_puts(buf, "}}");
	buf_putc(buf, '}');
}
