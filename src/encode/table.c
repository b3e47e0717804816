// SPDX-License-Identifier: Apache-2.0
/*
 * The table view: one line a flow, cells separated by tabs, which whoever shows
 * them aligns. Besides the plain fields there are columns that put several
 * fields into one cell, as a person reads them. Control characters in texts
 * become '?', so that a cell cannot break the line or the terminal.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/why.h"
#include "encode/columns.h"
#include "encode/value.h"

#define CELL_SIZE (2 * VALUE_SIZE)

struct column {
	const char *name, *title;
	uint8_t shows[2]; /* the second, perhaps, where a record lacks the first */
	/* Writes the cell at `at`, at most CELL_SIZE; returns its end. */
	char *(*put)(char *at, const struct encode_conf *conf, const struct record *record);
};

static char *put_text(char *at, const char *text)
{
	const size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_field(char *at, const struct encode_conf *conf, const struct record *record,
		       unsigned id)
{
	return record_has(record, id) ? value_put(at, conf, &field_table[id], record) : at;
}

/* a.b.c.d:port, [v6]:port, or the address alone */
static char *put_end(char *at, const struct tuple *tuple, enum side side)
{
	const bool ports = proto_has_ports(tuple->proto);
	const bool brackets = ports && !addr_is_v4(&tuple->addr[side]);

	if (brackets)
		*at++ = '[';
	at = addr_put(at, &tuple->addr[side]);
	if (brackets)
		*at++ = ']';
	if (!ports)
		return at;
	*at++ = ':';
	return num_put_u64(at, ntohs(tuple->port_be[side]));
}

static char *put_proto(char *at, const struct encode_conf *conf, const struct record *record)
{
	return put_field(at, conf, record, FIELD_PROTO);
}

static char *put_state(char *at, const struct encode_conf *conf, const struct record *record)
{
	if (record_has(record, FIELD_CT_STATE))
		return put_field(at, conf, record, FIELD_CT_STATE);
	return put_field(at, conf, record, FIELD_TCP_STATE);
}

static char *put_src(char *at, const struct encode_conf *conf, const struct record *record)
{
	return put_end(at, &record->orig, INITIATOR);
}

static char *put_dst(char *at, const struct encode_conf *conf, const struct record *record)
{
	return put_end(at, &record->orig, RESPONDER);
}

/* Only what translation changed: "src 203.0.113.9:4711 dst 10.0.0.2:80" */
static char *put_nat(char *at, const struct encode_conf *conf, const struct record *record)
{
	const bool src = record_has(record, FIELD_NAT_SRC_IP);
	const bool dst = record_has(record, FIELD_NAT_DST_IP);

	if (src) {
		at = put_text(at, "src ");
		at = put_end(at, &record->nat, INITIATOR);
	}
	if (src && dst)
		*at++ = ' ';
	if (dst) {
		at = put_text(at, "dst ");
		at = put_end(at, &record->nat, RESPONDER);
	}
	return at;
}

static char *put_count(char *at, const struct encode_conf *conf, uint64_t bytes)
{
	char text[24];

	if (conf->exact_numbers)
		return num_put_u64(at, bytes);
	return put_text(at, num_print_size(text, sizeof(text), bytes));
}

static char *put_sent(char *at, const struct encode_conf *conf, const struct record *record)
{
	return record_has(record, FIELD_BYTES_ORIG) ?
		       put_count(at, conf, record->bytes[INITIATOR]) : at;
}

static char *put_received(char *at, const struct encode_conf *conf, const struct record *record)
{
	return record_has(record, FIELD_BYTES_REPLY) ?
		       put_count(at, conf, record->bytes[RESPONDER]) : at;
}

static char *put_rate(char *at, const struct encode_conf *conf, uint64_t bps)
{
	char text[24];

	if (conf->exact_numbers)
		return num_put_u64(at, conf->bits ? bps : bps / 8);
	if (conf->bits)
		return put_text(at, num_print_rate(text, sizeof(text), bps));
	return put_text(at, num_print_size(text, sizeof(text), bps / 8));
}

static char *put_rate_out(char *at, const struct encode_conf *conf, const struct record *record)
{
	return record_has(record, FIELD_RATE_ORIG_BPS) ?
		       put_rate(at, conf, record->rate_bps[INITIATOR]) : at;
}

static char *put_rate_in(char *at, const struct encode_conf *conf, const struct record *record)
{
	return record_has(record, FIELD_RATE_REPLY_BPS) ?
		       put_rate(at, conf, record->rate_bps[RESPONDER]) : at;
}

static char *put_age(char *at, const struct encode_conf *conf, const struct record *record)
{
	char text[24];

	if (!record_has(record, FIELD_DURATION_MS))
		return at;
	return put_text(at, num_print_duration(text, sizeof(text),
					       (uint64_t)(record->duration_ms * 1e6)));
}

static char *put_process_of(char *at, const struct record *record, enum side side, unsigned pid)
{
	at = put_text(at, record->owner[side].comm);
	if (!record_has(record, pid))
		return at;
	*at++ = '/';
	return num_put_u64(at, record->owner[side].pid);
}

static char *put_process(char *at, const struct encode_conf *conf, const struct record *record)
{
	const bool client = record_has(record, FIELD_CLIENT_COMM);
	const bool server = record_has(record, FIELD_SERVER_COMM);

	if (client)
		at = put_process_of(at, record, INITIATOR, FIELD_CLIENT_PID);
	if (server) {
		at = put_text(at, client ? " > " : "> ");
		at = put_process_of(at, record, RESPONDER, FIELD_SERVER_PID);
	}
	return at;
}

static char *put_rtt(char *at, const struct encode_conf *conf, const struct record *record)
{
	char text[24];

	if (!record_has(record, FIELD_RTT_US))
		return at;
	return put_text(at, num_print_duration(text, sizeof(text),
					       record->rtt_us[INITIATOR] * NUM_NS_PER_US));
}

static char *put_retrans(char *at, const struct encode_conf *conf, const struct record *record)
{
	return put_field(at, conf, record, FIELD_RETRANSMITS);
}

static char *put_direction(char *at, const struct encode_conf *conf, const struct record *record)
{
	return put_field(at, conf, record, FIELD_DIRECTION);
}

#define ONE(id) { id, FIELD_COUNT }

/* Composite columns; their ids follow those of the fields. */
static const struct column columns[] = {
	{ "proto", "PROTO", ONE(FIELD_PROTO), put_proto },
	{ "state", "STATE", ONE(FIELD_CT_STATE), put_state },
	{ "dir", "DIR", ONE(FIELD_DIRECTION), put_direction },
	{ "src", "SOURCE", ONE(FIELD_SRC_IP), put_src },
	{ "dst", "DESTINATION", ONE(FIELD_DST_IP), put_dst },
	{ "sent", "SENT", ONE(FIELD_BYTES_ORIG), put_sent },
	{ "received", "RECEIVED", ONE(FIELD_BYTES_REPLY), put_received },
	{ "rate_out", "RATE-OUT", ONE(FIELD_RATE_ORIG_BPS), put_rate_out },
	{ "rate_in", "RATE-IN", ONE(FIELD_RATE_REPLY_BPS), put_rate_in },
	{ "age", "AGE", ONE(FIELD_DURATION_MS), put_age },
	{ "rtt", "RTT", ONE(FIELD_RTT_US), put_rtt },
	{ "retrans", "RETRANS", ONE(FIELD_RETRANSMITS), put_retrans },
	{ "nat", "NAT", { FIELD_NAT_SRC_IP, FIELD_NAT_DST_IP }, put_nat },
	{ "process", "PROCESS", { FIELD_CLIENT_COMM, FIELD_SERVER_COMM }, put_process },
};

static const char default_list[] = "proto,state,src,dst,sent,received,rate_out,rate_in,age,process";

/* Names as people copy them from a header: in any case, - for _. */
static bool is_same(const char *name, const char *word, size_t n)
{
	for (; n && *name; n--, name++, word++) {
		if (tolower(*name) != tolower((unsigned char)*word) &&
		    !(strchr("_-", *name) && strchr("_-", *word)))
			return false;
	}
	return !n && !*name;
}

static int column_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (is_same(columns[i].name, name, n) || is_same(columns[i].title, name, n))
			return (int)(FIELD_COUNT + i);
	}
	for (int id = 0; id < FIELD_COUNT; id++) {
		if (is_same(field_table[id].name, name, n))
			return id;
	}
	return -ENOENT;
}

static int table_columns(struct encode_conf *conf, const char *list, struct why *why)
{
	_Static_assert(FIELD_COUNT + ARRAY_LEN(columns) <= UINT8_MAX, "column ids fit a byte");
	const char *name;
	size_t n;
	int id;

	conf->column_count = 0;
	while (list) {
		n = columns_next(&list, &name);
		id = column_find(name, n);
		if (id < 0) {
			struct nearest nearest = { .word = name, .n = n };

			table_columns_offer(&nearest);
			return why_set(why, -EINVAL, "unknown column \"%.*s\"%s%s%s", (int)n, name,
				       nearest.best ? ", did you mean \"" : "",
				       nearest.best ? nearest.best : "",
				       nearest.best ? "\"?" : "; weir help fields lists them");
		}
		if (conf->column_count == FIELD_COUNT)
			return why_set(why, -EINVAL, "more columns than there are fields");
		conf->column[conf->column_count++] = (uint8_t)id;
	}
	return 0;
}

/* Without a choice: the default, worked out anew, since conf is the caller's. */
static const struct encode_conf *with_columns(const struct encode_conf *conf,
					      struct encode_conf *own)
{
	if (conf->column_count)
		return conf;
	*own = *conf;
	table_columns(own, default_list, NULL);
	return own;
}

/* Titles of fields are in one style with those above. */
static void put_title(struct buf *buf, const char *name)
{
	for (; *name; name++)
		buf_putc(buf, (char)(*name == '_' ? '-' : toupper(*name)));
}

static void table_head(struct buf *buf, const struct encode_conf *given)
{
	struct encode_conf own;
	const struct encode_conf *conf = with_columns(given, &own);

	for (size_t i = 0; i < conf->column_count; i++) {
		const unsigned id = conf->column[i];

		if (i)
			buf_putc(buf, '\t');
		put_title(buf, id < FIELD_COUNT ? field_table[id].name :
						  columns[id - FIELD_COUNT].title);
	}
	buf_putc(buf, '\n');
}

static void table_record(struct buf *buf, const struct encode_conf *given,
			 const struct record *record)
{
	struct encode_conf own;
	const struct encode_conf *conf = with_columns(given, &own);
	char *at, *start;

	for (size_t i = 0; i < conf->column_count; i++) {
		const unsigned id = conf->column[i];

		at = buf_reserve(buf, CELL_SIZE + 1);
		if (!at)
			return;
		if (i)
			*at++ = '\t';
		start = at;
		if (id < FIELD_COUNT)
			at = put_field(at, conf, record, id);
		else
			at = columns[id - FIELD_COUNT].put(at, conf, record);
		if (at == start)
			*at++ = '-';
		utf8_make_printable(start, (size_t)(at - start));
		buf->len = (size_t)(at - buf->data);
	}
	buf_putc(buf, '\n');
}

int table_column_fields(uint8_t ret[2], const char *name)
{
	const int id = column_find(name, strlen(name));

	if (id < 0)
		return id;
	ret[0] = id < FIELD_COUNT ? (uint8_t)id : columns[id - FIELD_COUNT].shows[0];
	ret[1] = id < FIELD_COUNT ? FIELD_COUNT : columns[id - FIELD_COUNT].shows[1];
	return 0;
}

void table_columns_offer(struct nearest *nearest)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		nearest_offer(nearest, columns[i].name);
		nearest_offer(nearest, columns[i].title);
	}
	for (int id = 0; id < FIELD_COUNT; id++)
		nearest_offer(nearest, field_table[id].name);
}

const struct encoder encoder_table = {
	.name = "table",
	.help = "columns for a person",
	.content_type = "text/tab-separated-values",
	.head = table_head,
	.record = table_record,
	.columns = table_columns,
};
