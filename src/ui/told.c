// SPDX-License-Identifier: Apache-2.0
/* What is told of one flow while a person looks at it: its records, as trace prints them. */
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "ui/top_impl.h"

static void add_event(struct top_detail *detail, const char *line, size_t n)
{
	char *at = detail->event[detail->events++ % TOP_EVENTS];

	snprintf(at, TOP_EVENT_SIZE, "%.*s", (int)(n < TOP_EVENT_SIZE ? n : TOP_EVENT_SIZE - 1),
		 line);
}

/* The second word of a line: what happened. */
static bool is_event(const char *line, size_t n, const char *event)
{
	const char *word = memchr(line, ' ', n);
	const size_t length = strlen(event);

	return word && (size_t)(line + n - word) > length + 1 &&
	       !memcmp(word + 1, event, length) && word[1 + length] == ' ';
}

/* Sockets close before conntrack's entry ends, and its start may be told late: but what
 * connects after a close, or starts after an end, is another connection. */
static bool is_anothers(struct top_detail *detail, const char *line, size_t n)
{
	if (is_event(line, n, "close"))
		detail->is_closed = true;
	else if (is_event(line, n, "end"))
		detail->is_over = detail->is_closed = true;
	else if (is_event(line, n, "connect") || is_event(line, n, "accept"))
		detail->is_all_told = detail->is_closed;
	else if (is_event(line, n, "start"))
		detail->is_all_told = detail->is_over;
	return detail->is_all_told;
}

static size_t on_event_body(void *context, const char *bytes, size_t n)
{
	struct top *top = context;
	struct top_detail *detail = &top->detail;
	const char *end;

	top->is_dirty = true;
	buf_append(&detail->line, bytes, n);
	while (detail->line.len &&
	       (end = memchr(detail->line.data, '\n', detail->line.len))) {
		if (is_anothers(detail, detail->line.data, (size_t)(end - detail->line.data)))
			return 0; /* that ends the stream */
		add_event(detail, detail->line.data, (size_t)(end - detail->line.data));
		buf_consume(&detail->line, (size_t)(end - detail->line.data) + 1);
	}
	return n;
}

static void on_events_done(void *context, int r, const struct why *why)
{
	struct top *top = context;

	top->detail.stream = NULL;
}

void told_close(struct top *top)
{
	request_cancel(top->detail.stream);
	top->detail.stream = NULL;
}

void told_open(struct top *top)
{
	const struct client_param params[] = {
		{ "filter", top->detail.told_filter },
		{ "format", "trace" },
		{ NULL, NULL },
	};
	const struct client_outlet outlet = { on_event_body, top, .is_endless = true };
	struct why why;

	told_close(top);
	buf_clear(&top->detail.line);
	request_start(&top->detail.stream, top->requests, "/api/v1/events", params, &outlet,
		      on_events_done, top, &why);
}
