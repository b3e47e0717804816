// SPDX-License-Identifier: Apache-2.0
/* HTTP to a weir, by libcurl over a unix socket. */
#include "client/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"

/* A collector answers between two looks at the kernel, each of some milliseconds;
 * its own guard takes one for stopped after as long. */
#define PATIENCE_S 5
/* A private collector opens everything before its first answer. */
#define PRIVATE_PATIENCE_S 30

struct client {
	CURL *curl; /* owned */
	char *path; /* owned; or: */
	char *name; /* owned: abstract */
};

/* One request's body, on its way to the caller or into the error text. */
struct transfer {
	struct client *client;
	const struct client_outlet *outlet;
	struct buf error; /* body of an answer that is not 200 */
	uint64_t until_boot_ns; /* when its first byte must be there */
	bool stopped, answered, silent;
};

#define ERROR_BYTES_MAX 4096

static int client_new(struct client **ret, struct why *why)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return why_set(why, -ENOMEM, "no memory for the client");
	client->curl = curl_easy_init();
	if (!client->curl) {
		client_close(client);
		return why_set(why, -ENOMEM, "libcurl does not start");
	}
	*ret = client;
	return 0;
}

static int say_silent(struct why *why)
{
	return why_set(why, -ETIMEDOUT, "the collector does not answer: is it stopped?");
}

/* Asks once, so that the caller hears of a missing daemon before it needs it. */
static int try_connect(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* where nobody accepts and the queue is full, connect(2) waits */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	close(fd);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

int client_open_path(struct client **ret, const char *path, struct why *why)
{
	struct client *client = NULL;
	int r = try_connect(path);

	if (r == -ETIMEDOUT)
		return say_silent(why);
	if (r < 0)
		return why_set(why, r, "%s: %s", path, strerror(-r));
	r = client_new(&client, why);
	if (r < 0)
		return r;
	client->path = strdup(path);
	if (!client->path) {
		client_close(client);
		return why_set(why, -ENOMEM, "no memory for the client");
	}
	*ret = client;
	return 0;
}

int client_open_abstract(struct client **ret, const char *name, struct why *why)
{
	struct client *client = NULL;
	const int r = client_new(&client, why);

	if (r < 0)
		return r;
	client->name = strdup(name);
	if (!client->name) {
		client_close(client);
		return why_set(why, -ENOMEM, "no memory for the client");
	}
	*ret = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->curl)
		curl_easy_cleanup(client->curl);
	free(client->path);
	free(client->name);
	free(client);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;
	const size_t length = size * n;
	long status = 0;

	curl_easy_getinfo(transfer->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		if (transfer->error.len < ERROR_BYTES_MAX)
			buf_append(&transfer->error, bytes, length);
		return length;
	}
	if (transfer->outlet->body(transfer->outlet->context, bytes, length) == length)
		return length;
	transfer->stopped = true;
	return 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *transfer = context;

	transfer->answered = true;
	return size * n;
}

/* Called about once a second, also when nothing happens. */
static int on_progress(void *context, curl_off_t wanted, curl_off_t got, curl_off_t to_send,
		       curl_off_t sent)
{
	struct transfer *transfer = context;

	transfer->silent = !transfer->answered && clock_boot_ns() > transfer->until_boot_ns;
	return transfer->silent;
}

static int put_url(struct client *client, struct buf *url, const char *path,
		   const struct client_param *params)
{
	char separator = '?';

	buf_printf(url, "http://weir%s", path);
	for (; params && params->name; params++) {
		char *value;

		if (!params->value)
			continue;
		value = curl_easy_escape(client->curl, params->value, 0);
		if (!value)
			return -ENOMEM;
		buf_printf(url, "%c%s=%s", separator, params->name, value);
		curl_free(value);
		separator = '&';
	}
	buf_putc(url, '\0');
	return url->error;
}

static void set_options(struct client *client, struct transfer *transfer, const char *url)
{
	CURL *curl = client->curl;

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

int client_get(struct client *client, const char *path, const struct client_param *params,
	       const struct client_outlet *outlet, struct why *why)
{
	struct transfer transfer = {
		.client = client,
		.outlet = outlet,
		.until_boot_ns = clock_boot_ns() + NUM_NS_PER_S *
			(client->name ? PRIVATE_PATIENCE_S : PATIENCE_S),
	};
	struct buf url = { 0 };
	long status = 0;
	CURLcode code;
	int r;

	r = put_url(client, &url, path, params);
	if (r < 0) {
		buf_fini(&url);
		return why_set(why, r, "no memory for the request");
	}
	set_options(client, &transfer, url.data);
	code = curl_easy_perform(client->curl);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (transfer.stopped || code == CURLE_OK)
		r = transfer.stopped ? 0 : status_error(&transfer, status, why);
	else if (transfer.silent)
		r = say_silent(why);
	else
		r = why_set(why, -EPIPE, "the collector went away: %s", curl_easy_strerror(code));
	buf_fini(&transfer.error);
	buf_fini(&url);
	return r;
}
