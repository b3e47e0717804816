/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_FOLLOW_H
#define WEIR_CMD_FOLLOW_H

struct client;
struct client_param;
struct resolve;
struct why;

/* The stream of events as trace lines on standard output, with names. A line that has a
 * name to come waits for it, a second at most, and those behind it with it: all are
 * written, in their order. Until the stream ends, or nobody reads, or SIGINT or SIGTERM
 * (which are blocked from then on), before which it writes what it holds. *written is
 * output_write's result. 0, or -errno with the sentence. */
int follow_events(struct client *client, const struct client_param *params,
		  struct resolve *resolve, int *written, struct why *why);

#endif
