// SPDX-License-Identifier: Apache-2.0
/*
 * InfluxDB: version 1 and 2 of its write API, which VictoriaMetrics has too, and
 * UDP. A server that is down at the start is one that is down: it is retried. A
 * database that is not there is created once.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/why.h"
#include "encode/lineproto.h"
#include "encode/traffic.h"
#include "sink/http.h"
#include "sink/sink.h"

struct influxdb {
	struct sink sink;
	struct settings_sink settings;
	char host[256];
	struct lineproto_conf conf;
	struct traffic *traffic; /* owned; NULL: not wanted */
	struct http *http;       /* owned; NULL: UDP */
	int udp_fd;              /* owned */
	char write_path[2048];
	bool is_created; /* the database, as far as we are concerned */
};

static struct influxdb *influxdb_of(struct sink *sink)
{
	return container_of(sink, struct influxdb, sink);
}

static int make_path(struct influxdb *influxdb, struct why *why)
{
	const struct settings_sink *settings = &influxdb->settings;
	struct buf path = { 0 };
	int r = 0;

	if (settings->api == SINK_API_V2) {
		buf_puts(&path, "/api/v2/write?precision=ns&bucket=");
		http_append_escaped(&path, settings->bucket);
		buf_puts(&path, "&org=");
		http_append_escaped(&path, settings->org);
	} else {
		buf_puts(&path, "/write?precision=ns&db=");
		http_append_escaped(&path, settings->database);
		if (settings->retention_policy[0]) {
			buf_puts(&path, "&rp=");
			http_append_escaped(&path, settings->retention_policy);
		}
	}
	buf_putc(&path, '\0');
	if (path.error || path.len > sizeof(influxdb->write_path))
		r = why_set(why, -EINVAL, "sink %s: its names are too long", settings->name);
	else
		memcpy(influxdb->write_path, path.data, path.len);
	buf_fini(&path);
	return r;
}

static void influxdb_close(struct sink *sink)
{
	struct influxdb *influxdb;

	if (!sink)
		return;
	influxdb = influxdb_of(sink);
	http_free(influxdb->http);
	traffic_free(influxdb->traffic);
	if (influxdb->udp_fd >= 0)
		close(influxdb->udp_fd);
	free(influxdb);
}

static int influxdb_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	const struct settings_sink *settings = conf->settings;
	struct influxdb *influxdb = calloc(1, sizeof(*influxdb));
	int r = 0;

	if (!influxdb)
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	influxdb->sink.ops = &sink_influxdb;
	influxdb->udp_fd = -1;
	influxdb->settings = *settings;
	snprintf(influxdb->host, sizeof(influxdb->host), "%s", conf->host ? conf->host : "");
	influxdb->conf = (struct lineproto_conf){
		.host = influxdb->host,
		.string_fields = settings->string_fields,
		.tag_netns = settings->tag_netns,
		.tag_container = settings->tag_container,
		.source_ports = settings->source_ports,
	};
	if (settings->schema == SINK_SCHEMA_WEIR && settings->aggregate) {
		influxdb->traffic = traffic_new(&influxdb->conf);
		if (!influxdb->traffic)
			r = why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	}
	if (r == 0 && settings->api != SINK_API_UDP)
		r = http_new(&influxdb->http, settings, why);
	if (r == 0)
		r = make_path(influxdb, why);
	if (r < 0)
		influxdb_close(&influxdb->sink);
	else
		*ret = &influxdb->sink;
	return r;
}

/* --- encoding -------------------------------------------------------------------- */

static bool has_point(const struct influxdb *influxdb, const struct record *record)
{
	switch (influxdb->settings.per_flow) {
	case SINK_PER_FLOW_ALL:
		return true;
	case SINK_PER_FLOW_ENDED:
		/* an event of a socket is asked for by name */
		return record->event >= EVENT_END;
	case SINK_PER_FLOW_NONE:
		break;
	}
	return false;
}

static void influxdb_encode(struct sink *sink, struct buf *buf, const struct record *record,
			    size_t n)
{
	struct influxdb *influxdb = influxdb_of(sink);

	for (size_t i = 0; i < n; i++) {
		if (influxdb->settings.schema == SINK_SCHEMA_CONNTRACCT) {
			if (record[i].event <= EVENT_END)
				lineproto_conntracct(buf, &influxdb->conf, &record[i]);
			continue;
		}
		if (influxdb->traffic)
			traffic_add(influxdb->traffic, buf, &record[i]);
		if (has_point(influxdb, &record[i]))
			lineproto_flow(buf, &influxdb->conf, &record[i]);
	}
}

static void influxdb_finish(struct sink *sink, struct buf *buf)
{
	struct influxdb *influxdb = influxdb_of(sink);

	if (influxdb->traffic)
		traffic_flush(influxdb->traffic, buf);
}

/* --- HTTP ------------------------------------------------------------------------- */

/* DELIVERED: it is there. */
static enum delivery create_database(struct influxdb *influxdb, struct batch *batch,
				     struct why *why)
{
	struct buf query = { 0 }, body = { 0 };
	struct http_answer answer;
	enum delivery verdict = RETRY;

	buf_puts(&query, "CREATE DATABASE \"");
	for (const char *c = influxdb->settings.database; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_putc(&query, '\\');
		buf_putc(&query, *c);
	}
	buf_puts(&query, "\"");
	buf_putc(&query, '\0');
	buf_puts(&body, "q=");
	if (!query.error)
		http_append_escaped(&body, query.data);
	if (!body.error) {
		const struct http_request request = {
			.method = "POST",
			.path = "/query",
			.content_type = "application/x-www-form-urlencoded",
			.body = body.data,
			.body_n = body.len,
			.batch = batch,
		};

		if (http_ask(influxdb->http, &request, &answer, why) == 0)
			verdict = answer.status / 100 == 2 ? DELIVERED :
							     http_verdict(&answer, batch, why);
	}
	buf_fini(&query);
	buf_fini(&body);
	/* a server that does not know the path may still take records (VictoriaMetrics),
	 * and who may write may not be allowed to create */
	if (verdict == REJECTED || verdict == PARKED)
		verdict = DELIVERED;
	influxdb->is_created = verdict == DELIVERED;
	return verdict;
}

/* "partial write: … dropped=3": the rest is stored. */
static bool is_partial(const struct http_answer *answer, size_t *dropped)
{
	const char *number;

	if (answer->status == 422) {
		*dropped = 1; /* it does not say how many */
		return true;
	}
	if (answer->status != 400 || !strstr(answer->body, "partial write"))
		return false;
	/* what stands before may echo a line of ours; of what it cannot parse it counts none */
	for (number = answer->body; (number = strstr(number, "dropped=")); number++)
		*dropped = strtoul(number + 8, NULL, 10);
	if (!*dropped)
		*dropped = 1;
	return true;
}

static enum delivery deliver_http(struct influxdb *influxdb, struct batch *batch, struct why *why)
{
	const struct http_request request = {
		.method = "POST",
		.path = influxdb->write_path,
		.content_type = "text/plain; charset=utf-8",
		.body = batch->bytes.data,
		.body_n = batch->bytes.len,
		.batch = batch,
	};
	struct http_answer answer;
	enum delivery verdict;

	if (influxdb->settings.api == SINK_API_V1 && !influxdb->is_created) {
		verdict = create_database(influxdb, batch, why);
		if (verdict != DELIVERED)
			return verdict;
	}
	if (http_ask(influxdb->http, &request, &answer, why) < 0)
		return RETRY;
	if (answer.status / 100 == 2)
		return DELIVERED;
	verdict = http_verdict(&answer, batch, why);
	if (is_partial(&answer, &batch->rejected))
		return DELIVERED;
	if (answer.status == 404)
		influxdb->is_created = false; /* somebody has dropped it */
	return verdict;
}

/* --- UDP ---------------------------------------------------------------------------- */

static int connect_udp(struct influxdb *influxdb, struct why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG };
	const char *address = influxdb->settings.url[0], *colon;
	char host[SINK_TEXT_SIZE];
	struct addrinfo *list = NULL, *at;
	int r;

	if (!strncmp(address, "udp://", 6))
		address += 6;
	colon = strrchr(address, ':');
	if (!colon || !colon[1])
		return why_set(why, -EINVAL, "%.100s is not host:port", address);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	r = getaddrinfo(host, colon + 1, &hints, &list);
	if (r)
		return why_set(why, -EIO, "%.100s: %s", address, gai_strerror(r));
	for (at = list; at && influxdb->udp_fd < 0; at = at->ai_next) {
		influxdb->udp_fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (influxdb->udp_fd >= 0 &&
		    connect(influxdb->udp_fd, at->ai_addr, at->ai_addrlen) < 0) {
			close(influxdb->udp_fd);
			influxdb->udp_fd = -1;
		}
	}
	r = influxdb->udp_fd < 0 ? why_set(why, -EIO, "%.100s: %s", address, strerror(errno)) : 0;
	freeaddrinfo(list);
	return r;
}

/* As many whole lines as a datagram takes; at least one. */
static size_t datagram(const struct batch *batch, size_t most)
{
	const char *bytes = batch->bytes.data + batch->done;
	const size_t left = batch->bytes.len - batch->done;
	const char *end = left > most ? memrchr(bytes, '\n', most) : bytes + left - 1;

	if (!end)
		end = memchr(bytes, '\n', left);
	return end ? (size_t)(end - bytes) + 1 : left;
}

/* Nobody tells whether a datagram came; what a router or host says is of one before. */
static enum delivery deliver_udp(struct influxdb *influxdb, struct batch *batch, struct why *why)
{
	size_t n;

	if (influxdb->udp_fd < 0 && connect_udp(influxdb, why) < 0)
		return RETRY;
	while (batch->done < batch->bytes.len) {
		n = datagram(batch, influxdb->settings.udp_payload_bytes);
		if (send(influxdb->udp_fd, batch->bytes.data + batch->done, n, 0) >= 0) {
			batch->done += n;
			continue;
		}
		if (errno == ECONNREFUSED || errno == EINTR)
			continue; /* of the one before; this one is sent by the next call */
		if (errno == EMSGSIZE) {
			batch->rejected++;
			why_set(why, 0, "a line of %zu bytes is too long for a datagram", n);
			batch->done += n;
			continue;
		}
		why_set(why, -errno, "%.100s: %s", influxdb->settings.url[0], strerror(errno));
		close(influxdb->udp_fd);
		influxdb->udp_fd = -1;
		return RETRY;
	}
	return DELIVERED;
}

static enum delivery influxdb_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	struct influxdb *influxdb = influxdb_of(sink);

	if (!batch->bytes.len) /* nothing in it that has a point */
		return DELIVERED;
	if (influxdb->http)
		return deliver_http(influxdb, batch, why);
	return deliver_udp(influxdb, batch, why);
}

const struct sink_ops sink_influxdb = {
	.name = "influxdb",
	.help = "InfluxDB and VictoriaMetrics, by HTTP or UDP",
	.open = influxdb_open,
	.encode = influxdb_encode,
	.finish = influxdb_finish,
	.deliver = influxdb_deliver,
	.close = influxdb_close,
};
