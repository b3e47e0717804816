// SPDX-License-Identifier: Apache-2.0
/* One flow that is looked at: which it is, what answers say of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "ui/top_impl.h"

__attribute__((format(printf, 2, 3)))
static void add(char filter[DETAIL_FILTER_SIZE], const char *format, ...)
{
	const size_t n = strlen(filter);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(filter + n, DETAIL_FILTER_SIZE - n, format, arguments);
	va_end(arguments);
}

/* What tells it from others: some have no ports but a number, some share all of that but
 * are of another zone or namespace. */
static void make_filters(struct top_detail *detail)
{
	static const char *const numbers[] = { "src port", "dst port", "icmp_id", "gre_key" };
	static const char *const fields[] = { "src_port", "dst_port", "icmp_id", "gre_key" };
	const json_t *object = detail->object;
	char *filter = detail->filter, *told = detail->told_filter;
	const unsigned long long zone = snapshot_count(object, "zone");

	filter[0] = '\0';
	add(filter, "proto = %s and src host %s and dst host %s", snapshot_text(object, "proto"),
	    snapshot_text(object, "src_ip"), snapshot_text(object, "dst_ip"));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (json_object_get(object, fields[i]))
			add(filter, " and %s %s%llu", numbers[i], i < 2 ? "" : "= ",
			    (unsigned long long)snapshot_count(object, fields[i]));
	}
	/* records of its sockets have no zone, and a peer's are of another namespace */
	memcpy(told, filter, DETAIL_FILTER_SIZE);
	if (json_object_get(object, "zone")) {
		add(told, " and not zone != %llu", zone);
		add(filter, " and zone = %llu", zone);
	}
	add(filter, " and netns = %llu", (unsigned long long)snapshot_count(object, "netns"));
}

void detail_open(struct top *top)
{
	struct top_detail *detail = &top->detail;

	detail->id = top->snapshot.row[top->selected].id;
	json_decref(detail->object);
	detail->object = json_incref(snapshot_object(&top->snapshot, top->selected));
	detail->has_ended = detail->is_anothers = false;
	detail->is_closed = detail->is_over = detail->is_all_told = false;
	detail->events = detail->scroll = 0;
	make_filters(detail);
	top->mode = TOP_DETAIL;
	told_open(top);
	fetch_anew(top);
}

void detail_close(struct top *top)
{
	told_close(top);
	top->mode = TOP_ROWS;
	fetch_anew(top);
}

static json_t *object_of(const struct snapshot *snapshot, uint64_t id)
{
	for (size_t i = 0; i < snapshot->count; i++) {
		if (snapshot->row[i].id == id)
			return snapshot_object(snapshot, i);
	}
	return NULL;
}

/* An id is final with the first record, which waits for counters: what had none may have
 * another now; and another collector may not know when it began. Otherwise another id is
 * another flow that has the same ends. */
static json_t *find(const struct top_detail *detail, const struct snapshot *now)
{
	json_t *object = object_of(now, detail->id);

	if (!object && now->count == 1 &&
	    ((detail->is_anothers && !detail->is_closed) ||
	     !json_object_get(detail->object, "counted_by")))
		object = snapshot_object(now, 0);
	return object;
}

void detail_take(struct top *top, const struct snapshot *now)
{
	static const char *const fields[] = {
		[HISTORY_OUT] = "rate_orig_bps", [HISTORY_IN] = "rate_reply_bps",
		[HISTORY_RTT] = "rtt_us",
	};
	struct top_detail *detail = &top->detail;
	const uint64_t at_ms = now->sums.at_ms, held_ms = top_interval_now_ms(top);
	json_t *object = find(detail, now);
	uint64_t before, after;

	detail->has_ended = !object;
	if (!object)
		return;
	detail->is_anothers = false;
	detail->id = strtoull(snapshot_text(object, "flow_id"), NULL, 16);
	before = snapshot_count(detail->object, "retransmits");
	after = snapshot_count(object, "retransmits");
	history_tell(top->history, fetch_history_id(detail->id, HISTORY_RETRANSMITS), at_ms, 0,
		     after > before ? after - before : 0);
	for (unsigned what = HISTORY_OUT; what < ARRAY_LEN(fields); what++)
		history_tell(top->history, fetch_history_id(detail->id, what), at_ms, held_ms,
			     snapshot_count(object, fields[what]));
	json_decref(detail->object);
	detail->object = json_incref(object);
}
