// SPDX-License-Identifier: Apache-2.0
/*
 * Elasticsearch and OpenSearch: documents into a data stream, by their bulk API. The
 * index template is there before the first document, or the types would be guessed
 * from it, for good; so it is put there again when another address is asked, which may
 * be another cluster. Of several addresses one is asked until it fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/why.h"
#include "sink/elasticsearch_impl.h"
#include "sink/http.h"

#define DATASET "weir.flow"

struct elasticsearch {
	struct sink sink;
	struct settings_sink settings;
	char host[256];
	struct ecs *ecs;   /* owned; NULL: schema conntracct */
	struct http *http; /* owned */
	char bulk_path[1024];
	bool is_ready; /* the templates are where we write to, as far as we are concerned */
};

static struct elasticsearch *elasticsearch_of(struct sink *sink)
{
	return container_of(sink, struct elasticsearch, sink);
}

/* "logs-DATASET-NAMESPACE" (reference, "Data stream naming scheme") names it. */
static void dataset_of(char ret[SINK_TEXT_SIZE], const char *index)
{
	const char *begin = strchr(index, '-'), *end = begin ? strchr(begin + 1, '-') : NULL;

	if (end && end > begin + 1)
		snprintf(ret, SINK_TEXT_SIZE, "%.*s", (int)(end - begin) - 1, begin + 1);
	else
		snprintf(ret, SINK_TEXT_SIZE, DATASET);
}

static int make_path(struct elasticsearch *search, struct why *why)
{
	struct buf path = { 0 };
	int r = 0;

	buf_putc(&path, '/');
	http_append_escaped(&path, search->settings.index);
	buf_puts(&path, "/_bulk" ELASTICSEARCH_FILTER);
	buf_putc(&path, '\0');
	if (path.error || path.len > sizeof(search->bulk_path))
		r = why_set(why, -ENOMEM, "no memory for sink %s", search->settings.name);
	else
		memcpy(search->bulk_path, path.data, path.len);
	buf_fini(&path);
	return r;
}

static void elasticsearch_close(struct sink *sink)
{
	struct elasticsearch *search;

	if (!sink)
		return;
	search = elasticsearch_of(sink);
	http_free(search->http);
	ecs_free(search->ecs);
	free(search);
}

static int elasticsearch_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	const struct settings_sink *settings = conf->settings;
	struct elasticsearch *search = calloc(1, sizeof(*search));
	char dataset[SINK_TEXT_SIZE];
	int r = 0;

	if (!search)
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	search->sink.ops = &sink_elasticsearch;
	search->settings = *settings;
	search->is_ready = !settings->manage_template;
	snprintf(search->host, sizeof(search->host), "%s", conf->host ? conf->host : "");
	dataset_of(dataset, settings->index);
	if (settings->schema == SINK_SCHEMA_WEIR) {
		const struct ecs_conf ecs = { .host = search->host,
					      .dataset = dataset,
					      .has_id = settings->dedup };

		search->ecs = ecs_new(&ecs);
		if (!search->ecs)
			r = why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	}
	if (r == 0)
		r = http_new(&search->http, settings, why);
	if (r == 0)
		r = make_path(search, why);
	if (r < 0)
		elasticsearch_close(&search->sink);
	else
		*ret = &search->sink;
	return r;
}

static void elasticsearch_encode(struct sink *sink, struct buf *buf,
				 const struct record *record, size_t n)
{
	struct elasticsearch *search = elasticsearch_of(sink);

	for (size_t i = 0; i < n; i++) {
		if (search->ecs)
			ecs_create(buf, search->ecs, &record[i]);
		else
			ecs_conntracct(buf, search->host, &record[i]);
	}
}

/* --- requests -------------------------------------------------------------------- */

/* One request to the address that is asked now. is_down: the next one may be better. */
static int ask(struct elasticsearch *search, struct http_request *request,
	       struct http_answer *answer, bool *is_down, struct why *why)
{
	int r;

	request->stays = true;
	r = http_ask(search->http, request, answer, why);
	*is_down = r < 0 || answer->status >= 500;
	return r;
}

/* DELIVERED: it is there; else what is wrong, with the path's part of the sentence. */
static enum delivery put_template(struct elasticsearch *search, struct batch *batch,
				  const char *folder, const struct buf *body, bool *is_down,
				  struct why *why)
{
	struct http_answer answer;
	struct why said = { "" };
	struct buf path = { 0 };
	enum delivery verdict = RETRY;

	buf_puts(&path, folder);
	http_append_escaped(&path, search->settings.index);
	buf_putc(&path, '\0');
	if (!path.error && !body->error) {
		struct http_request request = {
			.method = "PUT",
			.path = path.data,
			.content_type = "application/json",
			.body = body->data,
			.body_n = body->len,
			.batch = batch,
		};

		if (ask(search, &request, &answer, is_down, &said) == 0)
			verdict = answer.status / 100 == 2 ? DELIVERED :
							     http_verdict(&answer, batch, &said);
	}
	if (verdict != DELIVERED)
		why_set(why, 0, "its index template: %.250s", said.text);
	buf_fini(&path);
	return verdict;
}

static enum delivery put_new(struct elasticsearch *search, struct batch *batch, bool *is_down,
			     struct why *why)
{
	struct http_request request = { .method = "GET", .path = "/", .batch = batch };
	struct elasticsearch_server server = { 0 };
	struct http_answer answer;
	struct buf body = { 0 };
	enum delivery verdict = REJECTED;

	/* who may not ask for the version gets what every version takes */
	if (ask(search, &request, &answer, is_down, why) < 0)
		return RETRY;
	elasticsearch_read_server(&server, &answer);
	for (unsigned is_plain = 0; is_plain < 2 && verdict == REJECTED; is_plain++) {
		buf_clear(&body);
		elasticsearch_template(&body, &search->settings, search->ecs, &server,
				       is_plain);
		verdict = put_template(search, batch, "/_index_template/", &body, is_down, why);
	}
	buf_fini(&body);
	return verdict;
}

static enum delivery put_old(struct elasticsearch *search, struct batch *batch, bool *is_down,
			     struct why *why)
{
	struct buf body = { 0 };
	enum delivery verdict;

	elasticsearch_old_mappings(&body, &search->settings);
	verdict = put_template(search, batch, "/_template/conntracct_mappings.", &body, is_down,
			       why);
	if (verdict == DELIVERED) {
		buf_clear(&body);
		elasticsearch_old_settings(&body, &search->settings);
		verdict = put_template(search, batch, "/_template/conntracct_settings.", &body,
				       is_down, why);
	}
	buf_fini(&body);
	return verdict;
}

static enum delivery make_ready(struct elasticsearch *search, struct batch *batch,
				bool *is_down, struct why *why)
{
	enum delivery verdict;

	if (search->is_ready)
		return DELIVERED;
	verdict = search->ecs ? put_new(search, batch, is_down, why) :
				put_old(search, batch, is_down, why);
	search->is_ready = verdict == DELIVERED;
	/* no record is at fault: somebody has to mend it, or put it there */
	return verdict == REJECTED || verdict == SPLIT ? PARKED : verdict;
}

static enum delivery send_bulk(struct elasticsearch *search, struct batch *batch, bool *is_down,
			       struct why *why)
{
	struct http_request request = {
		.method = "POST",
		.path = search->bulk_path,
		.content_type = "application/x-ndjson",
		.body = batch->bytes.data,
		.body_n = batch->bytes.len,
		.batch = batch,
	};
	struct http_answer answer;
	bool is_missing = false;
	enum delivery verdict;

	if (ask(search, &request, &answer, is_down, why) < 0)
		return RETRY;
	if (answer.status / 100 == 2)
		verdict = elasticsearch_read(batch, &answer, &is_missing, why);
	else
		verdict = http_verdict(&answer, batch, why);
	if (answer.status == 404 || is_missing) /* somebody has dropped it */
		search->is_ready = !search->settings.manage_template;
	return verdict;
}

static bool has_documents(const struct batch *batch)
{
	for (size_t i = 0; i < batch->bytes.len; i++) {
		if (batch->bytes.data[i] != '\n')
			return true;
	}
	return false;
}

static enum delivery elasticsearch_deliver(struct sink *sink, struct batch *batch,
					   struct why *why)
{
	struct elasticsearch *search = elasticsearch_of(sink);
	enum delivery verdict;
	bool is_down;

	if (!has_documents(batch))
		return DELIVERED;
	for (uint32_t tried = 0;;) {
		is_down = false;
		batch->retry_after_ns = 0; /* what the address before wanted */
		verdict = make_ready(search, batch, &is_down, why);
		if (verdict == DELIVERED)
			verdict = send_bulk(search, batch, &is_down, why);
		if (!is_down)
			return verdict;
		if (search->settings.url_count > 1) {
			http_move_on(search->http);
			search->is_ready = !search->settings.manage_template;
		}
		if (++tried >= search->settings.url_count ||
		    (batch->is_given_up && batch->is_given_up(batch->context)))
			return verdict;
	}
}

const struct sink_ops sink_elasticsearch = {
	.name = "elasticsearch",
	.help = "Elasticsearch and OpenSearch, by their bulk API",
	.open = elasticsearch_open,
	.encode = elasticsearch_encode,
	.deliver = elasticsearch_deliver,
	.close = elasticsearch_close,
};
