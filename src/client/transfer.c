// SPDX-License-Identifier: Apache-2.0
/* One request over a unix socket, as libcurl is told of it and as its answer is
 * read; whoever runs the handle waits for it (client.c) or not (requests.c). */
#include <errno.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "client/client_impl.h"

/* A collector answers between two looks at the kernel, each of some milliseconds;
 * its own guard takes one for stopped after as long. */
#define PATIENCE_S 5
/* A private collector opens everything before its first answer. */
#define PRIVATE_PATIENCE_S 30
#define ERROR_BYTES_MAX 4096

static void be_patient(struct transfer *transfer)
{
	transfer->until_boot_ns = clock_boot_ns() + transfer->patience_ns;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	const size_t length = size * n;
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		if (transfer->error.len < ERROR_BYTES_MAX)
			buf_append(&transfer->error, bytes, length);
	} else if (transfer->outlet->body(transfer->outlet->context, bytes, length) != length) {
		transfer->stopped = true;
		return 0;
	}
	be_patient(transfer); /* from here: what the caller did with it took its own time */
	return length;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;

	transfer->answered = true;
	be_patient(transfer);
	return size * n;
}

/* Called about once a second, also when nothing happens. */
static int on_progress(void *context, curl_off_t wanted, curl_off_t got, curl_off_t to_send,
		       curl_off_t sent)
{
	struct transfer *transfer = context;

	transfer->silent = !(transfer->answered && transfer->outlet->is_endless) &&
			   clock_boot_ns() > transfer->until_boot_ns;
	return transfer->silent;
}

static int put_url(CURL *curl, struct buf *url, const char *path,
		   const struct client_param *params)
{
	char separator = '?';

	buf_printf(url, "http://weir%s", path);
	for (; params && params->name; params++) {
		char *value;

		if (!params->value)
			continue;
		value = curl_easy_escape(curl, params->value, 0);
		if (!value)
			return -ENOMEM;
		buf_printf(url, "%c%s=%s", separator, params->name, value);
		curl_free(value);
		separator = '&';
	}
	buf_putc(url, '\0');
	return url->error;
}

static void set_options(const struct client *client, struct transfer *transfer,
			const char *url)
{
	CURL *curl = transfer->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 262144L);
	if (client->path)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->path);
	else
		curl_easy_setopt(curl, CURLOPT_ABSTRACT_UNIX_SOCKET, client->name);
}

static int status_error(const struct transfer *transfer, long status, struct why *why)
{
	json_t *body;
	const char *sentence;

	switch (status) {
	case 200:
		return 0;
	case 400:
	case 503:
		body = json_loadb(transfer->error.data, transfer->error.len, 0, NULL);
		sentence = json_string_value(json_object_get(body, "error"));
		if (!sentence)
			sentence = status == 503 ? "the daemon is starting" :
						   "the daemon did not take the request";
		why_set(why, 0, "%s", sentence);
		json_decref(body);
		return status == 503 ? -EAGAIN : -EBADMSG;
	case 404:
		return why_set(why, -ENOENT, "the daemon does not know this request: it is of "
					     "another version");
	default:
		return why_set(why, -EIO, "the daemon answered with status %ld", status);
	}
}

int transfer_begin(struct transfer *transfer, const struct client *client, const char *path,
		   const struct client_param *params, struct why *why)
{
	struct buf url = { 0 };
	const int r = put_url(transfer->curl, &url, path, params);

	transfer->patience_ns = NUM_NS_PER_S * (client->name ? PRIVATE_PATIENCE_S : PATIENCE_S);
	be_patient(transfer);
	if (r == 0)
		set_options(client, transfer, url.data);
	buf_fini(&url);
	return r < 0 ? why_set(why, r, "no memory for the request") : 0;
}

int transfer_end(struct transfer *transfer, CURLcode code, struct why *why)
{
	long status = 0;
	int r;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->stopped || code == CURLE_OK)
		r = transfer->stopped ? 0 : status_error(transfer, status, why);
	else if (transfer->silent)
		r = client_say_silent(why);
	else
		r = why_set(why, -EPIPE, "the collector went away: %s", curl_easy_strerror(code));
	buf_fini(&transfer->error);
	return r;
}
