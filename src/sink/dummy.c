// SPDX-License-Identifier: Apache-2.0
/* Takes everything and keeps nothing: for measurements of what lies before it. */
#include <errno.h>
#include <stdlib.h>

#include "base/why.h"
#include "sink/sink.h"

static int dummy_open(struct sink **ret, const struct sink_conf *conf, struct why *why)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return why_set(why, -ENOMEM, "no memory for sink %s", conf->settings->name);
	(*ret)->ops = &sink_dummy;
	return 0;
}

static void dummy_encode(struct sink *sink, struct buf *buf, const struct record *record, size_t n)
{
}

static enum delivery dummy_deliver(struct sink *sink, struct batch *batch, struct why *why)
{
	return DELIVERED;
}

static void dummy_close(struct sink *sink)
{
	free(sink);
}

const struct sink_ops sink_dummy = {
	.name = "dummy",
	.help = "takes everything and keeps nothing",
	.open = dummy_open,
	.encode = dummy_encode,
	.deliver = dummy_deliver,
	.close = dummy_close,
};
