// SPDX-License-Identifier: Apache-2.0
/* Requests that do not block, by libcurl's multi interface. */
#include "client/requests.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/why.h"
#include "client/client_impl.h"

struct requests {
	CURLM *multi;          /* owned */
	struct client *client; /* borrowed */
	struct request *first;
};

struct request {
	struct request *next;
	struct requests *requests; /* borrowed */
	struct transfer transfer;
	struct client_outlet outlet;
	request_done done;
	void *context;
};

int requests_new(struct requests **ret, struct client *client, struct why *why)
{
	struct requests *requests = calloc(1, sizeof(*requests));

	if (!requests)
		return why_set(why, -ENOMEM, "no memory for the client");
	requests->client = client;
	requests->multi = curl_multi_init();
	if (!requests->multi) {
		requests_free(requests);
		return why_set(why, -ENOMEM, "libcurl does not start");
	}
	*ret = requests;
	return 0;
}

void requests_free(struct requests *requests)
{
	if (!requests)
		return;
	while (requests->first)
		request_cancel(requests->first);
	if (requests->multi)
		curl_multi_cleanup(requests->multi);
	free(requests);
}

int request_start(struct request **ret, struct requests *requests, const char *path,
		  const struct client_param *params, const struct client_outlet *outlet,
		  request_done done, void *context, struct why *why)
{
	struct request *request = calloc(1, sizeof(*request));
	int r;

	if (!request)
		return why_set(why, -ENOMEM, "no memory for the request");
	request->requests = requests;
	request->outlet = *outlet;
	request->done = done;
	request->context = context;
	request->transfer.outlet = &request->outlet;
	request->transfer.curl = curl_easy_init();
	if (!request->transfer.curl) {
		free(request);
		return why_set(why, -ENOMEM, "no memory for the request");
	}
	r = transfer_begin(&request->transfer, requests->client, path, params, why);
	if (r == 0) {
		curl_easy_setopt(request->transfer.curl, CURLOPT_PRIVATE, request);
		if (curl_multi_add_handle(requests->multi, request->transfer.curl) != CURLM_OK)
			r = why_set(why, -ENOMEM, "no memory for the request");
	}
	if (r < 0) {
		curl_easy_cleanup(request->transfer.curl);
		free(request);
		return r;
	}
	request->next = requests->first;
	requests->first = request;
	*ret = request;
	return 0;
}

static void unlink_request(struct request *request)
{
	struct request **at = &request->requests->first;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	curl_multi_remove_handle(request->requests->multi, request->transfer.curl);
}

static void free_request(struct request *request)
{
	curl_easy_cleanup(request->transfer.curl);
	free(request);
}

void request_cancel(struct request *request)
{
	if (!request)
		return;
	unlink_request(request);
	buf_fini(&request->transfer.error);
	free_request(request);
}

/* The caller may start or cancel others from done: the request is off the list. */
static void finish(struct request *request, CURLcode code)
{
	struct why why = { "" };
	int r;

	unlink_request(request);
	r = transfer_end(&request->transfer, code, &why);
	request->done(request->context, r, &why);
	free_request(request);
}

static bool finish_all(struct requests *requests)
{
	struct request *request;
	const CURLMsg *message;
	bool any = false;
	int left;

	while ((message = curl_multi_info_read(requests->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		finish(request, message->data.result);
		any = true;
	}
	return any;
}

static unsigned short waited_for(short events)
{
	return (unsigned short)((events & POLLIN ? CURL_WAIT_POLLIN : 0) |
				(events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
}

int requests_wait(struct requests *requests, struct pollfd *fds, unsigned count,
		  int timeout_ms, struct why *why)
{
	struct curl_waitfd waited[REQUESTS_FDS_MAX];
	int running;
	CURLMcode code;

	if (count > REQUESTS_FDS_MAX)
		return why_set(why, -E2BIG, "too many descriptors to wait for");
	for (unsigned i = 0; i < count; i++)
		waited[i] = (struct curl_waitfd){ fds[i].fd, (short)waited_for(fds[i].events), 0 };
	code = curl_multi_perform(requests->multi, &running);
	/* the caller wants to know of it before it waits any longer */
	if (finish_all(requests))
		timeout_ms = 0;
	if (code == CURLM_OK)
		code = curl_multi_poll(requests->multi, waited, count, timeout_ms, NULL);
	/* libcurl leaves revents alone where it did not wait: ask the kernel */
	for (unsigned i = 0; i < count; i++)
		fds[i].revents = 0;
	if (count && poll(fds, count, 0) < 0 && errno != EINTR)
		return why_set(why, -errno, "poll failed");
	if (code == CURLM_OK)
		code = curl_multi_perform(requests->multi, &running);
	finish_all(requests);
	return code == CURLM_OK ? 0 : why_set(why, -EIO, "libcurl: %s", curl_multi_strerror(code));
}
