// SPDX-License-Identifier: Apache-2.0
/* An engine without a kernel: the table as a recording leaves it. Its clock stands still
 * at the last observation, so that whoever looks, and whenever, sees the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "engine/engine_impl.h"
#include "flow/replay.h"

int replay_open(struct engine *engine, const struct table_conf *conf, struct why *why)
{
	const char *path = engine->conf.replay_path;
	struct replay replay = { 0 };
	struct why inner = { "" };
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	r = replay_file(&replay, conf, file, &inner);
	fclose(file);
	engine->table = replay.table;
	engine->frozen_boot_ns = replay.now_boot_ns;
	return r < 0 ? why_set(why, r, "%s: %s", path, inner.text) : 0;
}
