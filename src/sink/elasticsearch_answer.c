// SPDX-License-Identifier: Apache-2.0
/*
 * What Elasticsearch answers. Whatever it is, no record is taken for delivered of
 * which it does not say so, and none for refused.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/why.h"
#include "sink/elasticsearch_impl.h"
#include "sink/http.h"

/* An item has three objects at most; beyond so many it is no answer, and would take
 * a hundred times its length in memory. */
#define OPENINGS_PER_ITEM 32

static bool is_modest(const struct http_answer *answer, size_t items)
{
	size_t openings = 0;

	for (size_t i = 0; i < answer->body_n; i++)
		openings += answer->body[i] == '{' || answer->body[i] == '[';
	return openings <= OPENINGS_PER_ITEM * (items + 1);
}

/* 0: it has none. */
static json_int_t status_of(const json_t *result)
{
	return json_integer_value(json_object_get(result, "status"));
}

/* One that is there already (a repeat), or has a later version, is as good as taken. */
static enum delivery fate_of(json_int_t status)
{
	if (status == 200 || status == 201 || status == 409)
		return DELIVERED;
	if (status == 408 || status == 429 || status < 400 || status >= 500)
		return RETRY;
	/* the index, or the right to write to it, may come; what asks for it says so */
	if (status == 401 || status == 403 || status == 404)
		return RETRY;
	return REJECTED;
}

/* "create", "index": the one member of an item. */
static const json_t *result_of(json_t *items, size_t i)
{
	void *member = json_object_iter(json_array_get(items, i));

	return member ? json_object_iter_value(member) : NULL;
}

static void tell(struct why *why, const json_t *result)
{
	const json_t *error = json_object_get(result, "error");
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *reason = json_string_value(json_object_get(error, "reason"));
	char text[256];

	if (!result) {
		why_set(why, 0, "its answer has not all that was sent");
		return;
	}
	snprintf(text, sizeof(text), "%s: %s", type ? type : "error",
		 reason ? reason : "it does not say why");
	utf8_make_printable(text, strlen(text));
	why_set(why, 0, "HTTP %lld %s", (long long)status_of(result), text);
}

/* Whether the next record has a document; *at moves past its lines. */
static bool has_item(const struct buf *bytes, size_t *at)
{
	const char *end = memchr(bytes->data + *at, '\n', bytes->len - *at);
	const bool is_empty = bytes->data[*at] == '\n';

	for (unsigned lines = is_empty ? 1 : 2; lines && end; lines--) {
		*at = (size_t)(end - bytes->data) + 1;
		end = memchr(bytes->data + *at, '\n', bytes->len - *at);
	}
	return !is_empty;
}

/* What of an answer as a whole follows from its items. */
struct reading {
	size_t items, delivered, forbidden;
	bool is_missing;
};

static void read_item(struct reading *reading, const json_t *result, uint8_t *fate,
		      struct why *why)
{
	const json_int_t status = status_of(result);
	const bool is_first = reading->delivered == reading->items;

	*fate = (uint8_t)fate_of(status);
	reading->items++;
	reading->delivered += *fate == DELIVERED;
	reading->forbidden += status == 401 || status == 403;
	reading->is_missing |= status == 404;
	/* the sentence is of one that is refused, if there is one */
	if (*fate == REJECTED || (*fate == RETRY && is_first))
		tell(why, result);
}

static enum delivery read_items(struct batch *batch, json_t *items, struct reading *reading,
				struct why *why)
{
	size_t at = 0;

	for (size_t i = 0; i < batch->count && at < batch->bytes.len; i++) {
		if (has_item(&batch->bytes, &at)) /* else it is settled as it is */
			read_item(reading, result_of(items, reading->items), &batch->fate[i], why);
	}
	if (reading->forbidden && reading->forbidden == reading->items)
		return PARKED;
	return reading->delivered == reading->items ? DELIVERED : PARTIAL;
}

enum delivery elasticsearch_read(struct batch *batch, const struct http_answer *answer,
				 bool *is_missing, struct why *why)
{
	struct reading reading = { 0 };
	enum delivery verdict = RETRY;
	json_t *root, *items;

	*is_missing = false;
	if (answer->is_cut || !is_modest(answer, batch->count)) {
		why_set(why, 0, "its answer is too long to be read");
		return batch->count > 1 ? SPLIT : RETRY;
	}
	root = json_loadb(answer->body, answer->body_n, JSON_ALLOW_NUL, NULL);
	items = json_object_get(root, "items");
	if (json_is_array(items))
		verdict = read_items(batch, items, &reading, why);
	else
		why_set(why, 0, "its answer is none of the bulk API");
	*is_missing = reading.is_missing;
	json_decref(root);
	return verdict;
}

void elasticsearch_read_server(struct elasticsearch_server *ret, const struct http_answer *answer)
{
	json_t *root, *version;
	const char *number, *distribution;

	*ret = (struct elasticsearch_server){ 0 };
	if (answer->status / 100 != 2 || answer->is_cut || !is_modest(answer, 1))
		return;
	root = json_loadb(answer->body, answer->body_n, JSON_ALLOW_NUL, NULL);
	version = json_object_get(root, "version");
	number = json_string_value(json_object_get(version, "number"));
	distribution = json_string_value(json_object_get(version, "distribution"));
	if (!number || sscanf(number, "%3u.%3u", &ret->major, &ret->minor) != 2)
		ret->major = ret->minor = 0;
	ret->is_opensearch = distribution && !strcmp(distribution, "opensearch");
	json_decref(root);
}
