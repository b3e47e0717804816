// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP by libcurl, blocking, on the thread of the sink. It follows no redirect
 * (records go where they were told to, and nowhere else), reads no more of an
 * answer than it keeps, and names no secret in what it says.
 */
#include "sink/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "base/why.h"

/* Below this gzip costs more than it saves. */
#define GZIP_LEAST_BYTES 512
#define GZIP_LEVEL 1

struct http {
	struct settings_sink settings; /* a copy: secrets live as long as the sink */
	CURL *curl;                    /* owned */
	struct libdeflate_compressor *gzip; /* owned; NULL: not wanted */
	struct buf zipped, answer;          /* owned */
	uint32_t at;                        /* the address that answered last */
	char authorization[SINK_TEXT_SIZE + 32]; /* a header line; empty: none */
	char error[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- what curl calls ------------------------------------------------------------ */

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct http *http = context;

	if (http->answer.len + n > HTTP_ANSWER_MAX)
		return 0; /* ends the transfer: what is there is enough to judge */
	buf_append(&http->answer, bytes, n);
	return http->answer.error ? 0 : n;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct batch *batch = context;

	return batch && batch->is_given_up && batch->is_given_up(batch->context);
}

/* --- options that stay ------------------------------------------------------------ */

static void set_tls(struct http *http)
{
	const struct settings_sink *settings = &http->settings;
	CURL *curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, settings->tls_verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, settings->tls_verify ? 2L : 0L);
	if (settings->tls_ca[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, settings->tls_ca);
	if (settings->tls_cert[0]) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, settings->tls_cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, settings->tls_key);
	}
}

static void set_always(struct http *http)
{
	const struct settings_sink *settings = &http->settings;
	CURL *curl = http->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(settings->timeout_ns / NUM_NS_PER_MS));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(settings->connect_timeout_ns / NUM_NS_PER_MS));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	if (settings->username[0]) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, settings->username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, settings->password);
	}
	set_tls(http);
}

int http_new(struct http **ret, const struct settings_sink *settings, struct why *why)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	http->settings = *settings;
	if (settings->token[0])
		snprintf(http->authorization, sizeof(http->authorization),
			 "Authorization: %s %s",
			 settings->type == SINK_ELASTICSEARCH ? "ApiKey" : "Token",
			 settings->token);
	pthread_once(&once, init_curl);
	http->curl = curl_easy_init();
	if (settings->gzip)
		http->gzip = libdeflate_alloc_compressor(GZIP_LEVEL);
	if (!http->curl || (settings->gzip && !http->gzip)) {
		http_free(http);
		return why_set(why, -ENOMEM, "no memory for sink %s", settings->name);
	}
	set_always(http);
	*ret = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	libdeflate_free_compressor(http->gzip);
	buf_fini(&http->zipped);
	buf_fini(&http->answer);
	free(http);
}

/* --- one request -------------------------------------------------------------------- */

/* The body, smaller if that is wanted and worth it. True: it is gzip. */
static bool zip(struct http *http, const struct http_request *request, const char **body,
		size_t *n)
{
	char *room;

	*body = request->body;
	*n = request->body_n;
	if (!http->gzip || request->body_n < GZIP_LEAST_BYTES)
		return false;
	buf_clear(&http->zipped);
	room = buf_reserve(&http->zipped,
			   libdeflate_gzip_compress_bound(http->gzip, request->body_n));
	if (!room)
		return false;
	http->zipped.len = libdeflate_gzip_compress(http->gzip, request->body, request->body_n,
						    room, http->zipped.capacity);
	if (!http->zipped.len)
		return false;
	*body = room;
	*n = http->zipped.len;
	return true;
}

static struct curl_slist *headers_of(const struct http *http, const struct http_request *request,
				     bool is_zipped)
{
	struct curl_slist *headers = NULL;
	char type[128];

	/* no wait for "100 Continue" */
	headers = curl_slist_append(headers, "Expect:");
	if (http->authorization[0])
		headers = curl_slist_append(headers, http->authorization);
	if (request->content_type) {
		snprintf(type, sizeof(type), "Content-Type: %s", request->content_type);
		headers = curl_slist_append(headers, type);
	}
	if (is_zipped)
		headers = curl_slist_append(headers, "Content-Encoding: gzip");
	return headers;
}

/* ADDRESS + path; an address may end in a slash. */
static bool url_of(const struct http *http, uint32_t i, const char *path, struct buf *url)
{
	size_t n = strlen(http->settings.url[i]);

	while (n && http->settings.url[i][n - 1] == '/')
		n--;
	buf_append(url, http->settings.url[i], n);
	buf_puts(url, path);
	buf_putc(url, '\0');
	return !url->error;
}

static void set_method(CURL *curl, const struct http_request *request, const char *body, size_t n)
{
	if (request->content_type) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
	} else {
		curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* host:port of the address, for sentences: without user and password, whatever they
 * hold. */
static const char *host_of(const char *url)
{
	const char *host = strstr(url, "://"), *at;

	host = host ? host + 3 : url;
	at = strrchr(host, '@');
	return at ? at + 1 : host;
}

static int ask_one(struct http *http, uint32_t i, const struct http_request *request,
		   struct http_answer *answer, struct why *why)
{
	struct curl_slist *headers;
	struct buf url = { 0 };
	curl_off_t after = 0;
	const char *body;
	CURLcode code;
	size_t n;
	bool is_zipped = zip(http, request, &body, &n);

	buf_clear(&http->answer);
	http->error[0] = '\0';
	headers = headers_of(http, request, is_zipped);
	if (!headers || !url_of(http, i, request->path, &url)) {
		curl_slist_free_all(headers);
		buf_fini(&url);
		return why_set(why, -EIO, "no memory");
	}
	set_method(http->curl, request, body, n);
	curl_easy_setopt(http->curl, CURLOPT_URL, url.data);
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, request->batch);
	code = curl_easy_perform(http->curl);
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &after);
	answer->retry_after_ns = after > 0 ? (uint64_t)after * NUM_NS_PER_S : 0;
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	buf_fini(&url);
	/* a body of more than is kept: its status counts all the same */
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && answer->status >= 200)) {
		buf_putc(&http->answer, '\0');
		answer->body = http->answer.error ? "" : http->answer.data;
		answer->body_n = http->answer.error ? 0 : http->answer.len - 1;
		answer->is_cut = code != CURLE_OK || http->answer.error;
		return 0;
	}
	return why_set(why, -EIO, "%.*s: %.150s",
		       (int)strcspn(host_of(http->settings.url[i]), "/?#"),
		       host_of(http->settings.url[i]),
		       http->error[0] ? http->error : curl_easy_strerror(code));
}

int http_ask(struct http *http, const struct http_request *request, struct http_answer *answer,
	     struct why *why)
{
	const uint32_t count = request->stays ? 1 : http->settings.url_count;
	uint32_t i;
	int r = -EIO;

	*answer = (struct http_answer){ .body = "" };
	for (uint32_t tried = 0; tried < count; tried++) {
		i = (http->at + tried) % http->settings.url_count;
		r = ask_one(http, i, request, answer, why);
		if (r == 0 && answer->status < 500) {
			http->at = i;
			return 0;
		}
		if (on_progress((void *)(uintptr_t)request->batch, 0, 0, 0, 0))
			break;
	}
	return r;
}

void http_move_on(struct http *http)
{
	http->at = (http->at + 1) % http->settings.url_count;
}

enum delivery http_verdict(const struct http_answer *answer, struct batch *batch,
			   struct why *why)
{
	char sample[128];

	snprintf(sample, sizeof(sample), "%s", answer->body);
	utf8_make_printable(sample, strlen(sample));
	why_set(why, 0, "HTTP %ld %s", answer->status, sample);
	batch->retry_after_ns = answer->retry_after_ns;
	switch (answer->status) {
	case 413:
		return SPLIT;
	case 401:
	case 403:
	case 404:
	case 405:
	case 407:
		return PARKED;
	case 408:
	case 425:
	case 429:
		return RETRY;
	default:
		/* one that sends elsewhere is set up wrongly, which somebody can mend */
		if (answer->status / 100 == 3)
			return PARKED;
		return answer->status >= 500 ? RETRY : REJECTED;
	}
}

void http_append_escaped(struct buf *buf, const char *text)
{
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-._~";

	for (; *text; text++) {
		if (strchr(kept, *text))
			buf_putc(buf, *text);
		else
			buf_printf(buf, "%%%02X", (unsigned char)*text);
	}
}
