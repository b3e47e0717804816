// SPDX-License-Identifier: Apache-2.0
/*
 * Answers that need a walk over all flows before their first byte. The walks are made
 * one after the other, in slices between the looks at the kernel, while the connection
 * of each is suspended.
 */
#include "base/clock.h"
#include "serve/serve_impl.h"

bool gather_wait(struct gather *gather)
{
	struct gather **at = &gather->serve->gathers;

	if (gather->done)
		return false;
	if (gather->suspended)
		return true;
	while (*at)
		at = &(*at)->next;
	gather->next = NULL;
	*at = gather;
	gather->suspended = true;
	MHD_suspend_connection(gather->connection);
	serve_wake(gather->serve);
	return true;
}

static void finish_first(struct serve *serve)
{
	struct gather *gather = serve->gathers;

	serve->gathers = gather->next;
	gather->done = true;
	gather->suspended = false;
	MHD_resume_connection(gather->connection);
}

bool gather_work(struct serve *serve, uint64_t for_ns)
{
	struct gather *gather = serve->gathers;

	if (!gather)
		return false;
	if (!gather->slice(gather, clock_boot_ns() + for_ns))
		return true;
	finish_first(serve);
	return serve->gathers != NULL;
}

void gather_end_all(struct serve *serve)
{
	while (serve->gathers) {
		serve->gathers->aborted = true; /* it must not look complete */
		finish_first(serve);
	}
}

void gather_forget(struct gather *gather)
{
	struct gather **at = &gather->serve->gathers;

	while (*at && *at != gather)
		at = &(*at)->next;
	if (*at)
		*at = gather->next;
}
