// SPDX-License-Identifier: Apache-2.0
/* The frame of one flow: both ends side by side, health over the last minute, what is told
 * of it while one looks. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/num.h"
#include "ui/layout.h"
#include "ui/names.h"
#include "ui/sparkline.h"
#include "ui/top_impl.h"

#define LABEL_COLUMNS 13
#define END_COLUMNS_LEAST 24
#define END_COLUMNS_MOST 48

enum unit { UNIT_TEXT, UNIT_BYTES, UNIT_RATE, UNIT_TIME_US, UNIT_COUNT, UNIT_USER };

/* A line: the same of both ends. */
struct pair {
	const char *label;
	const char *field[2];
	enum unit unit;
	bool is_owner;
};

static const struct pair pairs[] = {
	{ "bytes", { "bytes_orig", "bytes_reply" }, UNIT_BYTES },
	{ "packets", { "packets_orig", "packets_reply" }, UNIT_COUNT },
	{ "rate/s", { "rate_orig_bps", "rate_reply_bps" }, UNIT_RATE },
	{ "payload", { "tcp_payload_orig", "tcp_payload_reply" }, UNIT_BYTES },
	{ "segments", { "tcp_segments_orig", "tcp_segments_reply" }, UNIT_COUNT },
	{ "retransmits", { "retransmits", "server_retransmits" }, UNIT_COUNT },
	{ "rtt", { "rtt_us", "server_rtt_us" }, UNIT_TIME_US },
	{ "rtt varies", { "rttvar_us", "server_rttvar_us" }, UNIT_TIME_US },
	{ "rtt least", { "min_rtt_us", "server_min_rtt_us" }, UNIT_TIME_US },
	{ "cwnd", { "cwnd", "server_cwnd" }, UNIT_COUNT },
	{ "window shut", { "rwnd_limited_us", "server_rwnd_limited_us" }, UNIT_TIME_US },
	{ "process id", { "client_pid", "server_pid" }, UNIT_COUNT, true },
	{ "process", { "client_comm", "server_comm" }, UNIT_TEXT, true },
	{ "user", { "client_uid", "server_uid" }, UNIT_USER, true },
	{ "container", { "client_container", "server_container" }, UNIT_TEXT, true },
	{ "cgroup", { "client_cgroup", "server_cgroup" }, UNIT_TEXT, true },
	{ "executable", { "client_exe", NULL }, UNIT_TEXT },
};

static void put_value(char ret[CELL_SIZE], const struct show *show, const json_t *object,
		      const char *name, enum unit unit)
{
	const json_t *value = name ? json_object_get(object, name) : NULL;
	const uint64_t number = (uint64_t)json_number_value(value);
	const char *name_of_user;
	char text[32];

	ret[0] = '\0';
	if (!value)
		return;
	switch (unit) {
	case UNIT_TEXT:
		snprintf(ret, CELL_SIZE, "%s", json_string_value(value));
		return;
	case UNIT_BYTES:
		show_bytes(text, number);
		snprintf(ret, CELL_SIZE, "%s%s%llu%s", number < 1024 ? "" : text,
			 number < 1024 ? "" : " (", (unsigned long long)number,
			 number < 1024 ? "" : ")");
		return;
	case UNIT_RATE:
		show_rate(text, show, number);
		break;
	case UNIT_TIME_US:
		show_rtt(text, number);
		break;
	case UNIT_USER:
		name_of_user = names_user(show->names, (uint32_t)number);
		snprintf(ret, CELL_SIZE, name_of_user ? "%llu (%s)" : "%llu%s",
			 (unsigned long long)number, name_of_user ? name_of_user : "");
		return;
	default:
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
		break;
	}
	snprintf(ret, CELL_SIZE, "%s", text);
}

/* An end as it is, or as the other side of a translation has it. */
static void put_end(char ret[CELL_SIZE], const struct show *show, const json_t *object,
		    const char *prefix, const char *side)
{
	char ip[24], port[24];
	const char *address;
	const json_t *number;
	struct addr addr;

	snprintf(ip, sizeof(ip), "%s%s_ip", prefix, side);
	snprintf(port, sizeof(port), "%s%s_port", prefix, side);
	address = snapshot_text(object, ip);
	number = json_object_get(object, port);
	ret[0] = '\0';
	if (addr_parse(&addr, address, strlen(address)) == 0)
		show_end(ret, show, snapshot_text(object, "proto"), &addr,
			 (uint16_t)json_integer_value(number), number != NULL);
}

/* Where the lines of the view are put: those above `skip` are scrolled away. */
struct pen {
	struct frame *frame;
	unsigned row, room, skip; /* the first row; rows; lines */
	unsigned end_columns;
	unsigned lines;           /* so far, those that are not seen too */
	const char *mark;         /* of what is cut */
};

static bool next_line(struct pen *pen, unsigned *row)
{
	const unsigned line = pen->lines++;

	*row = pen->row + line - pen->skip;
	return line >= pen->skip && line - pen->skip < pen->room;
}

static void put_line(struct pen *pen, const char *label, const char *left, const char *right,
		     enum look look)
{
	const unsigned second = LABEL_COLUMNS + pen->end_columns + 1;
	char text[CELL_SIZE];
	unsigned row;

	if (!next_line(pen, &row))
		return;
	frame_put(pen->frame, row, 1, LABEL_COLUMNS, LOOK_DIM, label);
	layout_elide(text, sizeof(text), left, pen->end_columns, pen->mark, 1);
	frame_put(pen->frame, row, LABEL_COLUMNS, pen->end_columns, look, text);
	if (second >= pen->frame->columns)
		return;
	layout_elide(text, sizeof(text), right, pen->frame->columns - second, pen->mark, 1);
	frame_put(pen->frame, row, second, pen->frame->columns, look, text);
}

static void put_ends(struct pen *pen, const struct show *show, const json_t *object)
{
	char left[CELL_SIZE], right[CELL_SIZE];

	put_line(pen, "", "initiator", "responder", LOOK_BOLD);
	put_end(left, show, object, "", "src");
	put_end(right, show, object, "", "dst");
	put_line(pen, "address", left, right, LOOK_PLAIN);
	put_end(left, show, object, "nat_", "src");
	put_end(right, show, object, "nat_", "dst");
	if (*left || *right)
		put_line(pen, "translated", left, right, LOOK_KEY);
}

static void put_pairs(struct pen *pen, const struct show *show, const json_t *object)
{
	const bool is_servers = snapshot_is_servers(object);

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct pair *pair = &pairs[i];
		char left[CELL_SIZE], right[CELL_SIZE];
		/* the one local socket's, and that is the responder's */
		const bool moves = is_servers && pair->field[1] && !pair->is_owner &&
				   !strncmp(pair->field[1], "server_", 7);

		put_value(left, show, object, moves ? NULL : pair->field[0], pair->unit);
		put_value(right, show, object, pair->field[moves ? 0 : 1], pair->unit);
		if (*left || *right)
			put_line(pen, pair->label, *left ? left : "-", *right ? right : "-",
				 LOOK_PLAIN);
	}
}

static void put_status(char *ret, size_t size, const json_t *object)
{
	const json_t *status = json_object_get(object, "status"), *one;
	size_t i, n = 0;

	ret[0] = '\0';
	json_array_foreach(status, i, one)
		n += (size_t)snprintf(ret + n, n < size ? size - n : 0, "%s%s",
				      i ? " " : "  status ", json_string_value(one));
}

/* Of what the list has shown already some is not known before the first answer. */
static void put_rest(struct pen *pen, const json_t *object)
{
	char text[CELL_SIZE], status[160];
	const char *const start = snapshot_text(object, "start");
	const char *const counter = snapshot_text(object, "counted_by");
	unsigned row;

	put_status(status, sizeof(status), object);
	snprintf(text, sizeof(text), "netns %llu  zone %llu  mark %llu%s%s%s",
		 (unsigned long long)snapshot_count(object, "netns"),
		 (unsigned long long)snapshot_count(object, "zone"),
		 (unsigned long long)snapshot_count(object, "mark"), status,
		 json_object_get(object, "peer_flow_id") ? "  also seen as " : "",
		 snapshot_text(object, "peer_flow_id"));
	if (next_line(pen, &row))
		frame_put(pen->frame, row, 1, pen->frame->columns, LOOK_PLAIN, text);
	snprintf(text, sizeof(text), "%s%.19s%sflow %s%s%s%s", *start ? "began " : "", start,
		 *start ? "  " : "", snapshot_text(object, "flow_id"),
		 *counter ? "  counted by " : "", counter,
		 json_is_false(json_object_get(object, "exact")) ? "  NOT EXACT" : "");
	if (next_line(pen, &row))
		frame_put(pen->frame, row, 1, pen->frame->columns, LOOK_PLAIN, text);
}

static void put_minute(struct top *top, struct pen *pen, const char *label, unsigned left,
		       unsigned right)
{
	const struct show show = draw_show(top);
	uint64_t value[HISTORY_SECONDS];
	char text[2][END_COLUMNS_MOST * SPARKLINE_CHARACTER_SIZE + 1] = { "", "" };
	const unsigned what[2] = { left, right };

	for (int i = 0; i < 2; i++) {
		if (!what[i])
			continue;
		history_read(top->history, fetch_history_id(top->detail.id, what[i]),
			     show.now_ms, value);
		sparkline(text[i], END_COLUMNS_LEAST - 2, value, HISTORY_SECONDS, 0, show.utf8);
	}
	put_line(pen, label, text[0], text[1], LOOK_KEY);
}

static void put_events(struct top *top, struct pen *pen)
{
	const struct top_detail *detail = &top->detail;
	const unsigned kept = detail->events < TOP_EVENTS ? detail->events : TOP_EVENTS;
	char text[TOP_EVENT_SIZE + 4];
	unsigned row;

	if (next_line(pen, &row))
		frame_put(pen->frame, row, 1, pen->frame->columns, LOOK_DIM,
			  detail->events ? "told of it while this view is open, the newest first:" :
					   "nothing has been told of it while this view is open");
	for (unsigned back = 1; back <= kept; back++) {
		if (!next_line(pen, &row))
			continue;
		layout_elide(text, sizeof(text),
			     detail->event[(detail->events - back) % TOP_EVENTS],
			     pen->frame->columns - 1, pen->mark, 0);
		frame_put(pen->frame, row, 1, pen->frame->columns, LOOK_PLAIN, text);
	}
}

static void draw_title(struct top *top)
{
	const json_t *object = top->detail.object;
	struct frame *frame = &top->frame;
	char text[160], age[32] = "";
	const char *state = snapshot_text(object, "ct_state");

	if (json_object_get(object, "duration_ms"))
		num_print_duration(age, sizeof(age),
				   snapshot_count(object, "duration_ms") / 1000 * NUM_NS_PER_S);
	snprintf(text, sizeof(text), "%s %s  %s  age %s%s", snapshot_text(object, "proto"),
		 *state ? state : snapshot_text(object, "tcp_state"),
		 snapshot_text(object, "direction"), *age ? age : "-",
		 top->detail.has_ended ? "  it has ended: its last values" : "");
	frame_put(frame, 3, 1, frame->columns, top->detail.has_ended ? LOOK_WARN : LOOK_BOLD, text);
}

static void draw_lines(struct top *top, struct pen *pen)
{
	const json_t *object = top->detail.object;
	const struct show show = draw_show(top);

	put_ends(pen, &show, object);
	put_pairs(pen, &show, object);
	put_rest(pen, object);
	put_minute(top, pen, "last minute", HISTORY_OUT, HISTORY_IN);
	if (json_object_get(object, "rtt_us"))
		put_minute(top, pen, "rtt, retr.", HISTORY_RTT, HISTORY_RETRANSMITS);
	put_events(top, pen);
}

void draw_detail(struct top *top, unsigned row)
{
	struct frame *frame = &top->frame;
	unsigned ends = frame->columns > LABEL_COLUMNS ?
				(frame->columns - LABEL_COLUMNS - 1) / 2 : END_COLUMNS_LEAST;
	/* the last row is the keys' */
	const unsigned room = frame->rows > row + 1 ? frame->rows - row - 1 : 0;
	struct pen pen = { frame, row, room, UINT_MAX / 2, ends, 0, draw_mark(top) };
	unsigned lines;

	if (ends > END_COLUMNS_MOST)
		pen.end_columns = END_COLUMNS_MOST;
	draw_title(top);
	draw_lines(top, &pen); /* nothing of it is seen: so many lines there are */
	lines = pen.lines > room ? pen.lines - room : 0;
	if (top->detail.scroll > lines)
		top->detail.scroll = lines;
	pen.skip = top->detail.scroll;
	pen.lines = 0;
	draw_lines(top, &pen);
}
