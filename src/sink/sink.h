/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SINK_SINK_H
#define WEIR_SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/settings_sink.h"
#include "flow/record.h"

struct why;
struct encoder;

/* A sink is an encoder plus a delivery; the outbox around it (queue, thread,
 * batches, retries, spool, counts) is shared by all. */

enum delivery {
	DELIVERED,
	RETRY,    /* the same bytes later, with backoff */
	PARTIAL,  /* each record's fate is in batch->fate: DELIVERED, RETRY or REJECTED */
	SPLIT,    /* too large for the receiver (HTTP 413): halves of it */
	REJECTED, /* never: counted, one sample logged */
	PARKED,   /* not before somebody has mended the receiver (HTTP 401, 403, 404): said
		   * once, tried again once a minute */
	CLOSED,   /* nobody will ever read again (EPIPE) */
};

/* What deliver is given. The same batch comes again, bytes and all, until it is
 * delivered: repeats can be told by the receiver. */
struct batch {
	struct buf bytes; /* what encode and finish appended */
	size_t done;      /* 0 at first; a stream sink's own note of what is written */
	size_t count;     /* records */
	uint8_t *fate;    /* enum delivery per record, all DELIVERED before; read on PARTIAL */
	uint64_t retry_after_ns; /* set with RETRY and PARKED: what the receiver asked for */
	size_t rejected;         /* set with DELIVERED: so many that the receiver refused */
	/* True: the time is up; deliver returns RETRY as soon as it can. From any thread. */
	bool (*is_given_up)(void *context);
	void *context;
};

struct sink_conf {
	const struct settings_sink *settings; /* borrowed during open */
	const char *host;                     /* borrowed during open */
	int fd;                        /* file sink: where to write, stays the caller's; -1: path */
	const struct encoder *encoder; /* file sink: borrowed for its life; NULL: format */
};

struct sink {
	const struct sink_ops *ops; /* first member of every sink */
};

struct sink_ops {
	const char *name, *help;
	/* Checks what can be checked without the receiver, which may be down: -EINVAL
	 * with the sentence. On the collector's thread, does not block. */
	int (*open)(struct sink **ret, const struct sink_conf *conf, struct why *why);
	/* Appends the bytes of n records of a batch. On the sink's own thread. */
	void (*encode)(struct sink *sink, struct buf *buf, const struct record *record, size_t n);
	/* The batch is complete: appends what sums it up. NULL if meaningless. */
	void (*finish)(struct sink *sink, struct buf *buf);
	/* Delivers batch->bytes. May block up to the sink's timeout: own thread. */
	enum delivery (*deliver)(struct sink *sink, struct batch *batch, struct why *why);
	/* SIGHUP: opens its file anew; on the sink's own thread. NULL if meaningless. */
	void (*reopen)(struct sink *sink);
	void (*close)(struct sink *sink); /* NULL is a no-op */
};

/* NULL: this build has none of that type. */
const struct sink_ops *sink_ops_of(enum sink_type type);

/* One per enum sink_type. */
extern const struct sink_ops sink_file, sink_influxdb, sink_elasticsearch, sink_dummy;

#endif
