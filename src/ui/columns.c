// SPDX-License-Identifier: Apache-2.0
/* What stands in each column, and how important it is when there is little room. */
#include "ui/columns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/num.h"
#include "ui/names.h"
#include "ui/sparkline.h"

void show_rate(char ret[32], const struct show *show, uint64_t bps)
{
	if (bps == SNAPSHOT_ABSENT)
		snprintf(ret, 32, "-");
	else if (show->bits)
		num_print_rate(ret, 32, bps);
	else
		num_print_size(ret, 32, bps / 8);
}

void show_bytes(char ret[32], uint64_t bytes)
{
	if (bytes == SNAPSHOT_ABSENT)
		snprintf(ret, 32, "-");
	else
		num_print_size(ret, 32, bytes);
}

void show_rtt(char ret[32], uint64_t us)
{
	if (us == SNAPSHOT_ABSENT)
		snprintf(ret, 32, "-");
	else
		num_print_duration(ret, 32, us * NUM_NS_PER_US);
}

void show_end(char ret[CELL_SIZE], const struct show *show, const char *proto,
	      const struct addr *addr, uint16_t port, bool has_port)
{
	const char *const name = names_of(show->names, addr, show->now_boot_ns);
	const char *const service = names_service(show->names, proto, port);
	const bool brackets = has_port && !name && !addr_is_v4(addr);
	char address[ADDR_TEXT_SIZE], number[16];

	addr_print(address, addr);
	snprintf(number, sizeof(number), "%u", port);
	snprintf(ret, CELL_SIZE, "%s%s%s%s%s", brackets ? "[" : "", name ? name : address,
		 brackets ? "]" : "", has_port ? ":" : "",
		 !has_port ? "" : service ? service : number);
}

/* Rates that are something stand out from those that are not. */
static void put_rate(struct cell *cell, const struct show *show, uint64_t bps)
{
	char text[32];

	show_rate(text, show, bps);
	snprintf(cell->text, CELL_SIZE, "%s", text);
	if (!bps || bps == SNAPSHOT_ABSENT)
		cell->look = LOOK_DIM;
}

static void put_out(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		    unsigned width)
{
	put_rate(cell, show, row->rate_bps[0]);
}

static void put_in(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		   unsigned width)
{
	put_rate(cell, show, row->rate_bps[1]);
}

static void put_sent(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		     unsigned width)
{
	show_bytes(cell->text, row->bytes[0]);
}

static void put_received(struct cell *cell, const struct snapshot_row *row,
			 const struct show *show, unsigned width)
{
	show_bytes(cell->text, row->bytes[1]);
}

static void put_rtt(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		    unsigned width)
{
	show_rtt(cell->text, row->rtt_us);
}

static void put_retransmits(struct cell *cell, const struct snapshot_row *row,
			    const struct show *show, unsigned width)
{
	const double percent = snapshot_retransmit_percent(row);

	if (percent < 0)
		snprintf(cell->text, CELL_SIZE, "-");
	else
		snprintf(cell->text, CELL_SIZE, percent < 9.95 ? "%.1f" : "%.0f", percent);
	if (percent >= 1)
		cell->look = percent >= 5 ? LOOK_BAD : LOOK_WARN;
	else if (percent <= 0)
		cell->look = LOOK_DIM;
}

static void put_age(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		    unsigned width)
{
	char text[32] = "-";

	if (row->age_ms != SNAPSHOT_ABSENT)
		num_print_duration(text, sizeof(text), row->age_ms / 1000 * NUM_NS_PER_S);
	snprintf(cell->text, CELL_SIZE, "%s", text);
}

static void put_minute(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		       unsigned width)
{
	uint64_t value[HISTORY_SECONDS];
	const unsigned room = (CELL_SIZE - 1) / SPARKLINE_CHARACTER_SIZE;

	history_read(show->history, row->id, show->now_ms, value);
	sparkline(cell->text, width < room ? width : room, value, HISTORY_SECONDS, 0,
		  show->utf8);
	cell->look = LOOK_KEY;
}

static void put_proto(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		      unsigned width)
{
	snprintf(cell->text, CELL_SIZE, "%s", row->proto);
}

static enum look look_of_state(const char *state)
{
	if (!strncmp(state, "syn", 3))
		return LOOK_WARN;
	return strcmp(state, "established") ? LOOK_DIM : LOOK_GOOD;
}

static void put_state(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		      unsigned width)
{
	snprintf(cell->text, CELL_SIZE, "%s", *row->state ? row->state : "-");
	cell->look = look_of_state(row->state);
}

static void put_source(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		       unsigned width)
{
	show_end(cell->text, show, row->proto, &row->addr[0], row->port[0], row->has_ports);
}

static void put_destination(struct cell *cell, const struct snapshot_row *row,
			    const struct show *show, unsigned width)
{
	show_end(cell->text, show, row->proto, &row->addr[1], row->port[1], row->has_ports);
}

static void put_process(struct cell *cell, const struct snapshot_row *row,
			const struct show *show, unsigned width)
{
	snprintf(cell->text, CELL_SIZE, "%s", *row->process ? row->process : "-");
	if (!*row->process)
		cell->look = LOOK_DIM;
}

static void put_key(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		    unsigned width)
{
	const bool is_host = !strcmp(show->by, "host");
	const char *known = NULL;
	struct addr addr;
	unsigned number;
	char proto[16];

	if (is_host && addr_parse(&addr, row->key, strlen(row->key)) == 0)
		known = names_of(show->names, &addr, show->now_boot_ns);
	else if (!strcmp(show->by, "port") && sscanf(row->key, "%u/%15s", &number, proto) == 2)
		known = names_service(show->names, proto, (uint16_t)number);
	else if (!strcmp(show->by, "user") && sscanf(row->key, "%u", &number) == 1)
		known = names_user(show->names, number);
	/* a number of a service or user says as much as its name */
	if (known && !is_host)
		snprintf(cell->text, CELL_SIZE, "%s (%.200s)", row->key, known);
	else
		snprintf(cell->text, CELL_SIZE, "%s", known ? known : row->key);
}

static void put_flows(struct cell *cell, const struct snapshot_row *row, const struct show *show,
		      unsigned width)
{
	snprintf(cell->text, CELL_SIZE, "%llu", (unsigned long long)row->flows);
}

#define DOWN .is_descending = true, .is_right = true
#define NUMBERS(out, in, sent, received) \
	{ "OUT/s", out, DOWN, .rank = 3, .least = 6, .most = 6, .put = put_out }, \
	{ "IN/s", in, DOWN, .rank = 4, .least = 6, .most = 6, .put = put_in }, \
	{ "SENT", sent, DOWN, .rank = 12, .least = 6, .most = 6, .put = put_sent }, \
	{ "RECV", received, DOWN, .rank = 11, .least = 6, .most = 6, .put = put_received }, \
	{ "RTT", "rtt_us", DOWN, .rank = 8, .least = 6, .most = 6, .put = put_rtt }, \
	{ "RETR%", "retransmit_percent", DOWN, .rank = 10, .least = 5, .most = 5, \
	  .put = put_retransmits }

static const struct column flow_columns[] = {
	{ "PROTO", "proto", .rank = 9, .least = 5, .most = 7, .put = put_proto },
	{ "STATE", "state", .rank = 7, .least = 11, .most = 11, .put = put_state },
	{ "SOURCE", "src", .rank = 1, .has_port = true, .least = 18, .most = 64,
	  .put = put_source },
	{ "DESTINATION", "dst", .rank = 2, .has_port = true, .least = 18, .most = 64,
	  .put = put_destination },
	NUMBERS("rate_out", "rate_in", "sent", "received"),
	{ "AGE", "age", DOWN, .rank = 13, .least = 6, .most = 6, .put = put_age },
	{ "LAST MINUTE", "rate", .is_descending = true, .rank = 6, .least = 8, .most = 20,
	  .put = put_minute },
	{ "PROCESS", "process", .rank = 5, .least = 12, .most = 40, .put = put_process },
};

static const struct column group_columns[] = {
	{ NULL, "key", .rank = 1, .least = 20, .most = 70, .put = put_key },
	{ "FLOWS", "flows", DOWN, .rank = 2, .least = 6, .most = 7, .put = put_flows },
	NUMBERS("rate_out", "rate_in", "bytes_out", "bytes_in"),
	{ "OLDEST", "age", DOWN, .rank = 13, .least = 6, .most = 6, .put = put_age },
	{ "LAST MINUTE", "rate", .is_descending = true, .rank = 6, .least = 8, .most = 20,
	  .put = put_minute },
};

#define GROUPS group_columns, ARRAY_LEN(group_columns)

const struct kind kind_table[KINDS] = {
	{ "flow", "flows", NULL, flow_columns, ARRAY_LEN(flow_columns) },
	{ "process", "processes", "PROCESS", GROUPS },
	{ "container", "containers", "CONTAINER", GROUPS },
	{ "host", "remote hosts", "REMOTE HOST", GROUPS },
	{ "port", "service ports", "SERVICE PORT", GROUPS },
	{ "netns", "namespaces", "NAMESPACE", GROUPS },
	{ "proto", "protocols", "PROTOCOL", GROUPS },
	{ "user", "users", "USER", GROUPS },
};

int kind_column(const struct kind *kind, const char *order)
{
	for (size_t i = 0; i < kind->count; i++) {
		if (kind->column[i].order && !strcmp(kind->column[i].order, order))
			return (int)i;
	}
	return -ENOENT;
}

const char *kind_filter(char *ret, size_t size, const struct kind *kind, const char *key)
{
	/* the filter language has two quotes and no escapes */
	const char quote = strchr(key, '"') ? '\'' : '"';
	char proto[24];
	unsigned port;

	if (!strcmp(key, "(others)"))
		return "this is what there was no room for in rows of its own: no filter has it";
	if (strchr(key, quote))
		return "both kinds of quotes are in this name: no filter can hold it";
	if (strstr(key, "\uFFFD"))
		return "this name is not UTF-8: no filter can hold it";
	if (!strcmp(kind->by, "host")) {
		snprintf(ret, size, "host %s", key);
	} else if (!strcmp(kind->by, "port")) {
		if (sscanf(key, "%u/%23s", &port, proto) == 2)
			snprintf(ret, size, "dst port %u and proto = %s", port, proto);
		else
			snprintf(ret, size, "proto = %s", key);
	} else if (!strcmp(kind->by, "netns") || !strcmp(kind->by, "proto")) {
		snprintf(ret, size, "%s = %s", kind->by, key);
	} else {
		const char *field = !strcmp(kind->by, "process") ? "comm" : kind->by;

		if (strcmp(key, "-"))
			snprintf(ret, size, "%s = %c%s%c", field, quote, key, quote);
		else if (!strcmp(field, "user"))
			snprintf(ret, size, "not user >= 0");
		else
			snprintf(ret, size, "not %s ~ \".\"", field);
	}
	return NULL;
}
