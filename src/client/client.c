// SPDX-License-Identifier: Apache-2.0
/* HTTP to a weir, by libcurl over a unix socket. */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/why.h"
#include "client/client_impl.h"

/* For a connection, where nobody accepts and the queue is full. */
#define PATIENCE_S 5

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

int client_say_silent(struct why *why)
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
		return client_say_silent(why);
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

int client_get(struct client *client, const char *path, const struct client_param *params,
	       const struct client_outlet *outlet, struct why *why)
{
	struct transfer transfer = { .curl = client->curl, .outlet = outlet };
	const int r = transfer_begin(&transfer, client, path, params, why);

	if (r < 0)
		return r;
	return transfer_end(&transfer, curl_easy_perform(client->curl), why);
}
