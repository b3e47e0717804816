/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_REWRITE_H
#define WEIR_CMD_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct buf;

/* Names in the place of numbers, in what the collector has written for a person. Text to
 * text; what has no name stays as it is. */
struct rewrite {
	/* Each returns a name, valid until the next call, or NULL. */
	const char *(*host)(void *context, const struct addr *addr);
	const char *(*service)(void *context, const char *proto, uint16_t port);
	const char *(*user)(void *context, uint32_t uid);
	void *context;
	size_t host_max; /* of a longer name the end is shown, behind ".."; 0: all of it */
	/* Of tables: these were only asked for so that the rest can be read. */
	bool hides_first_column, hides_header;
};

/* "192.0.2.1:443" to "web.example:https", "[2001:db8::1]:443" to "[2001:db8::1]:https",
 * an address alone to a name alone; anything else is copied. */
void rewrite_end(struct buf *out, const struct rewrite *rewrite, const char *proto,
		 const char *word, size_t n);
/* Lines of tab-separated cells, the first with the titles: what each cell is, and the
 * protocol that ports are of, is known by these. */
void rewrite_table(struct buf *out, const struct rewrite *rewrite, const char *text, size_t n);
/* A line of the trace, n bytes with or without its end. */
void rewrite_trace(struct buf *out, const struct rewrite *rewrite, const char *line, size_t n);

#endif
