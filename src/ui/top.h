/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_TOP_H
#define WEIR_UI_TOP_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct why;

/* The live view: who talks to whom, how fast, how well. */

/* A typed filter with its NUL. */
#define TOP_TYPED_SIZE 4096

struct top_conf {
	struct client *client; /* borrowed */
	const char *chosen;    /* what flags choose, a filter; NULL: everything */
	const char *typed;     /* the filter a person typed, below TOP_TYPED_SIZE; NULL: none */
	bool all;              /* loopback, closed and doubly seen flows, too */
	const char *order;     /* of --sort; NULL: by rate */
	uint64_t interval_ns;  /* 0: a second */
	uint64_t count;        /* answers after which it ends; 0: it does not */
	bool bits, color, names;
	const char *advice;    /* what is not seen and the command that helps; NULL: nothing */
	int ended_fd;          /* readable once the collector is gone for good; -1: never */
};

/* Until q, the last answer or a signal that ends; the terminal is then as it was. 0, or
 * -errno with the sentence; -EPIPE when the collector is gone for good. One that can come
 * back is waited for. */
int top_run(const struct top_conf *conf, struct why *why);

#endif
