// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of recorded observations: any line. What is read and written
 * again is read as the same, and the flow table takes every observation there is.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/why.h"
#include "flow/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const struct record *record)
{
	(void)context;
	(void)record;
}

static struct table *small_table(void)
{
	const struct table_conf conf = {
		.max_flows = 8,
		.max_sockets = 8,
		.refresh_ns = NUM_NS_PER_S,
		.curve = curve_default,
		.out = { .emit = ignore },
	};
	struct table *table;
	struct why why;

	return table_new(&table, &conf, &why) < 0 ? NULL : table;
}

/* Flows that were opened are somewhere. */
static void check(const struct table *table)
{
	struct table_stats stats;

	table_stats(table, &stats);
	assert(stats.opened == stats.ended + stats.live + stats.lost_table_full);
	assert(stats.live <= stats.capacity);
}

static void observe(struct table *table, char *line)
{
	struct buf once = { 0 }, twice = { 0 };
	struct why why = { "" };
	struct obs obs, again;

	if (obs_parse_text(&obs, line, &why) < 0) {
		assert(why.text[0]);
		return;
	}
	obs_append_text(&once, &obs);
	buf_putc(&once, '\0');
	if (!once.error) {
		char *newline = strchr(once.data, '\n');

		if (newline)
			*newline = '\0';
		assert(!obs_parse_text(&again, once.data, &why));
		if (newline)
			*newline = '\n';
		obs_append_text(&twice, &again);
		buf_putc(&twice, '\0');
		assert(twice.error || !strcmp(once.data, twice.data));
	}
	buf_fini(&once);
	buf_fini(&twice);
	if (!table)
		return;
	table_observe(table, &obs);
	table_advance(table, obs.at_boot_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table = small_table();
	char *text = malloc(size + 1), *line, *rest;

	if (text) {
		memcpy(text, data, size);
		text[size] = '\0';
		rest = text;
		while ((line = strsep(&rest, "\n")))
			observe(table, line);
	}
	if (table)
		check(table);
	free(text);
	table_free(table);
	return 0;
}
