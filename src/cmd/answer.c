// SPDX-License-Identifier: Apache-2.0
/* A short answer, read whole. */
#include "cmd/answer.h"

#include "base/buf.h"
#include "client/client.h"
#include "cmd/collector.h"

static size_t on_body(void *context, const char *bytes, size_t n)
{
	struct buf *ret = context;

	buf_append(ret, bytes, n);
	return ret->error ? 0 : n;
}

int answer_get(struct collector *collector, const char *path, struct buf *ret, struct why *why)
{
	const struct client_outlet outlet = { on_body, ret };

	return client_get(collector->client, path, NULL, &outlet, why);
}
