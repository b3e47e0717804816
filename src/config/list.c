// SPDX-License-Identifier: Apache-2.0
/* Lists of words among the settings: event names, addresses, ports. */
#include "config/list.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/why.h"
#include "config/schema.h"
#include "config/settings.h"

/* In the order of enum event. */
static const char *const event_names[] = { "start",  "update", "end",	"connect",
					   "accept", "close",  "failed", NULL };

/* A list on its way: nothing is taken over before all of it is right. */
struct list {
	enum schema_type type;
	uint32_t events;
	struct settings_ports ports;
	char url[SINK_URLS_MAX][SINK_TEXT_SIZE];
	uint32_t url_count;
};

static int add_event(struct list *list, const char *word, struct why *why)
{
	struct nearest nearest = { .word = word, .n = strlen(word) };

	for (unsigned i = 0; event_names[i]; i++) {
		if (!strcmp(event_names[i], word)) {
			list->events |= 1U << i;
			return 0;
		}
		nearest_offer(&nearest, event_names[i]);
	}
	if (nearest.best)
		return why_set(why, -EINVAL, "there is no event \"%.60s\"; did you mean %s?", word,
			       nearest.best);
	return why_set(why, -EINVAL, "there is no event \"%.60s\"; there are start, update, end, "
				     "connect, accept, close, failed", word);
}

static int add_port(struct list *list, const char *word, struct why *why)
{
	uint64_t port;

	if (num_parse_u64(&port, word, strlen(word)) < 0 || !port || port > UINT16_MAX)
		return why_set(why, -EINVAL, "\"%.60s\" is no port", word);
	for (uint32_t i = 0; i < list->ports.count; i++) {
		if (list->ports.port[i] == port)
			return why_set(why, -EINVAL, "port %s is named twice", word);
	}
	if (list->ports.count == SETTINGS_PORTS_MAX)
		return why_set(why, -ERANGE, "more than %d ports", SETTINGS_PORTS_MAX);
	list->ports.port[list->ports.count++] = (uint16_t)port;
	return 0;
}

static int add_url(struct list *list, const char *word, struct why *why)
{
	const size_t n = strlen(word);

	if (n >= SINK_TEXT_SIZE)
		return why_set(why, -ERANGE, "an address of more than %d bytes",
			       SINK_TEXT_SIZE - 1);
	if (list->url_count == SINK_URLS_MAX)
		return why_set(why, -ERANGE, "more than %d addresses", SINK_URLS_MAX);
	memcpy(list->url[list->url_count++], word, n + 1);
	return 0;
}

static int add(struct list *list, const char *word, struct why *why)
{
	switch (list->type) {
	case SCHEMA_EVENTS:
		return add_event(list, word, why);
	case SCHEMA_PORTS:
		return add_port(list, word, why);
	default:
		return add_url(list, word, why);
	}
}

static int add_json(struct list *list, const char *text, struct why *why)
{
	json_t *array = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	char number[24];
	json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(array))
		r = why_set(why, -EINVAL, "not a JSON list");
	json_array_foreach(array, i, item) {
		const char *word = json_string_value(item);

		if (json_is_integer(item)) {
			snprintf(number, sizeof(number), "%lld", json_integer_value(item));
			word = number;
		}
		r = word ? add(list, word, why) :
			   why_set(why, -EINVAL, "item %zu is not a word", i + 1);
		if (r < 0)
			break;
	}
	json_decref(array);
	return r;
}

static int add_words(struct list *list, const char *text, struct why *why)
{
	char word[SINK_TEXT_SIZE];
	size_t n;
	int r;

	while (*text) {
		text += strspn(text, ", ");
		n = strcspn(text, ", ");
		if (n >= sizeof(word))
			return why_set(why, -ERANGE, "a word of more than %zu bytes",
				       sizeof(word) - 1);
		if (n) {
			memcpy(word, text, n);
			word[n] = '\0';
			r = add(list, word, why);
			if (r < 0)
				return r;
		}
		text += n;
	}
	return 0;
}

int list_decode(const struct schema_row *row, void *settings, const char *text, struct why *why)
{
	char *member = (char *)settings + row->offset;
	struct list list = { .type = row->type };
	struct settings_sink *sink = settings;
	int r;

	r = *text == '[' ? add_json(&list, text, why) : add_words(&list, text, why);
	if (r < 0)
		return r;
	if (row->type == SCHEMA_EVENTS) {
		if (!list.events)
			return why_set(why, -EINVAL, "no event is named");
		memcpy(member, &list.events, sizeof(list.events));
	} else if (row->type == SCHEMA_PORTS) {
		memcpy(member, &list.ports, sizeof(list.ports));
	} else {
		memcpy(sink->url, list.url, sizeof(sink->url));
		sink->url_count = list.url_count;
	}
	return 0;
}

void list_print(const struct schema_row *row, const void *settings, struct buf *buf)
{
	const char *member = (const char *)settings + row->offset;
	const struct settings_ports *ports = (const void *)member;
	const struct settings_sink *sink = settings;
	const char *comma = "";
	uint32_t events;

	buf_putc(buf, '[');
	switch (row->type) {
	case SCHEMA_EVENTS:
		memcpy(&events, member, sizeof(events));
		for (unsigned i = 0; event_names[i]; i++) {
			if (!(events >> i & 1))
				continue;
			buf_printf(buf, "%s%s", comma, event_names[i]);
			comma = ", ";
		}
		break;
	case SCHEMA_PORTS:
		for (uint32_t i = 0; i < ports->count; i++)
			buf_printf(buf, "%s%u", i ? ", " : "", ports->port[i]);
		break;
	default:
		for (uint32_t i = 0; i < sink->url_count; i++) {
			buf_puts(buf, i ? ", " : "");
			json_append_string(buf, sink->url[i], strlen(sink->url[i]));
		}
	}
	buf_putc(buf, ']');
}
