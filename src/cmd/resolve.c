// SPDX-License-Identifier: Apache-2.0
/* Names for tables. All that a table wants to know is asked at once; what has not been
 * answered when the time is over stays a number. */
#include "cmd/resolve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "ui/names.h"

#define PATIENCE_NS (2 * NUM_NS_PER_S)
/* A table that is asked for once cannot wait until they come one by one. */
#define ONCE_PER_SECOND 100
#define ONCE_UNDER_WAY 64
/* On a terminal: whoever owns an address could push the columns behind it out of sight. */
#define HOST_MAX 40

static const char *host(void *context, const struct addr *addr)
{
	struct resolve *resolve = context;
	const char *name = names_of(resolve->names, addr, resolve->now_boot_ns);

	resolve->awaits |= !name && names_is_awaited(resolve->names, addr);
	return name;
}

static const char *service(void *context, const char *proto, uint16_t port)
{
	const struct resolve *resolve = context;

	return names_service(resolve->names, proto, port);
}

static const char *user(void *context, uint32_t uid)
{
	const struct resolve *resolve = context;

	return names_user(resolve->names, uid);
}

int resolve_init(struct resolve *resolve, const struct options *options, struct why *why)
{
	struct names_conf conf = { 0 };

	*resolve = (struct resolve){
		.rewrite = { .host = host, .service = service, .user = user },
		.patience_ns = PATIENCE_NS,
	};
	if (!options->resolve)
		return 0;
	if (!options->repeat) {
		conf.per_second = ONCE_PER_SECOND;
		conf.under_way = ONCE_UNDER_WAY;
	} else if (options->interval_ns < PATIENCE_NS) {
		resolve->patience_ns = options->interval_ns;
	}
	resolve->rewrite.context = resolve;
	resolve->rewrite.hides_header = options->no_header;
	if (output_width() && !options->wide)
		resolve->rewrite.host_max = HOST_MAX;
	return names_new(&resolve->names, &conf, why);
}

void resolve_fini(struct resolve *resolve)
{
	names_free(resolve->names);
	free(resolve->columns);
	*resolve = (struct resolve){ 0 };
}

const char *resolve_columns(struct resolve *resolve, const char *columns)
{
	if (!resolve->names || !columns) /* the default ones have the protocol */
		return columns;
	if (!resolve->columns && asprintf(&resolve->columns, "proto,%s", columns) < 0)
		resolve->columns = NULL;
	resolve->rewrite.hides_first_column = resolve->columns;
	return resolve->columns ? resolve->columns : columns;
}

static void wait_for_names(struct resolve *resolve)
{
	const uint64_t until_boot_ns = resolve->now_boot_ns + resolve->patience_ns;
	struct names *names = resolve->names;
	struct pollfd fds[NAMES_FDS_MAX];

	names_process(names, NULL, 0, resolve->now_boot_ns);
	while (names_awaited(names) && resolve->now_boot_ns < until_boot_ns) {
		const uint64_t left_ns = until_boot_ns - resolve->now_boot_ns;
		const int left_ms = (int)(left_ns / NUM_NS_PER_MS) + 1;
		const int names_ms = names_timeout_ms(names, resolve->now_boot_ns);
		const unsigned n = names_fds(names, fds, NAMES_FDS_MAX);

		if (poll(fds, n, names_ms < 0 || names_ms > left_ms ? left_ms : names_ms) < 0)
			return;
		resolve->now_boot_ns = clock_boot_ns();
		names_process(names, fds, n, resolve->now_boot_ns);
	}
}

int resolve_table(struct resolve *resolve, struct buf *rows, struct why *why)
{
	struct buf out = { 0 };

	if (!resolve->names)
		return 0;
	resolve->now_boot_ns = clock_boot_ns();
	rewrite_table(&out, &resolve->rewrite, rows->data, rows->len);
	wait_for_names(resolve);
	buf_clear(&out);
	rewrite_table(&out, &resolve->rewrite, rows->data, rows->len);
	if (out.error) {
		buf_fini(&out);
		return why_set(why, -ENOMEM, "no memory for names");
	}
	buf_fini(rows);
	*rows = out;
	return 0;
}
