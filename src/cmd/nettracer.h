/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_NETTRACER_H
#define WEIR_CMD_NETTRACER_H

struct collector;
struct options;
struct why;

/* Flags that this format has not, and those that it has alone. 0 or -EINVAL with the
 * sentence. */
int nettracer_check(const struct options *options, struct why *why);

/* weir list -o nettracer: the connections alive now, and of those that have closed since
 * the last round, those of less than a round too, each once with its last values; on a
 * terminal as a table, else as lines for programs. One round, or as many as the options
 * ask for. 0 or -errno with the sentence; *written as output_write has it. */
int nettracer_list(struct collector *collector, const struct options *options, int *written,
		   struct why *why);

#endif
