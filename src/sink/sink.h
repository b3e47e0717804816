/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_SINK_H
#define WEIR_SINK_SINK_H

#include <stddef.h>

#include "base/buf.h"
#include "flow/record.h"

struct why;
struct encoder;

/* A sink is an encoder plus a delivery; the outbox around it (queue, thread,
 * counts) is shared by all. */

enum delivery {
	DELIVERED,
	RETRY,    /* the same bytes later */
	REJECTED, /* never: counted */
	CLOSED,   /* nobody will ever read again (EPIPE) */
};

struct sink_conf {
	const char *name;              /* borrowed during open */
	int fd;                        /* file sink: where to write; stays the caller's */
	const struct encoder *encoder; /* borrowed for the sink's life */
	const char *host;              /* borrowed during open */
};

struct sink {
	const struct sink_ops *ops; /* first member of every sink */
};

struct sink_ops {
	const char *name, *help;
	int (*open)(struct sink **ret, const struct sink_conf *conf, struct why *why);
	/* Appends the bytes of n records. Pure; on the sink's own thread. */
	void (*encode)(struct sink *sink, struct buf *buf, const struct record *record, size_t n);
	/* Delivers all of buf. May block: own thread. */
	enum delivery (*deliver)(struct sink *sink, struct buf *buf, struct why *why);
	void (*close)(struct sink *sink); /* NULL is a no-op */
};

extern const struct sink_ops sink_file;

#endif
