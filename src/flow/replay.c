// SPDX-License-Identifier: Apache-2.0
/* A recording, fed to a table as if it were happening now. */
#include "flow/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/why.h"
#include "flow/obs.h"

/* Below this a deadline that does not move would stand still for ever. */
#define STEP_NS NUM_NS_PER_MS
/* With the newline. What a collector writes is below 2 KiB; a comment may be longer. */
#define LINE_BYTES_MAX 65536

void replay_advance(struct replay *replay, uint64_t boot_ns)
{
	uint64_t next_boot_ns = table_advance(replay->table, replay->now_boot_ns);

	while (next_boot_ns <= boot_ns && next_boot_ns != UINT64_MAX) {
		if (next_boot_ns < replay->now_boot_ns + STEP_NS)
			next_boot_ns = replay->now_boot_ns + STEP_NS;
		replay->now_boot_ns = next_boot_ns;
		next_boot_ns = table_advance(replay->table, next_boot_ns);
	}
	/* what several sources saw is in the order of arrival, not of time */
	if (boot_ns > replay->now_boot_ns)
		replay->now_boot_ns = boot_ns;
}

static int begin(struct replay *replay, const struct table_conf *given, const char *line,
		 struct why *why)
{
	struct table_conf conf = *given;

	if (sscanf(line, "clock wall_minus_boot=%" SCNd64 " started=%" SCNu64,
		   &conf.wall_minus_boot_ns, &conf.started_wall_ns) != 2)
		return why_set(why, -EINVAL, "the first line is no clock");
	if (conf.started_wall_ns > INT64_MAX)
		return why_set(why, -EINVAL, "the clock's start is a time after the year 2262");
	return table_new(&replay->table, &conf, why);
}

static int replay_line(struct replay *replay, const struct table_conf *conf, const char *line,
		       struct why *why)
{
	struct obs obs;
	int r;

	if (*line == '#' || *line == '\n')
		return 0;
	if (!replay->table)
		return begin(replay, conf, line, why);
	r = obs_parse_text(&obs, line, why);
	if (r < 0)
		return r;
	if (!replay->now_boot_ns)
		replay->now_boot_ns = obs.at_boot_ns;
	replay_advance(replay, obs.at_boot_ns);
	table_observe(replay->table, &obs);
	return 0;
}

/* The next line, whole, into LINE_BYTES_MAX + 1 bytes: 1; or 0 at the end, or -errno. */
static int read_line(FILE *file, char *line, struct why *why)
{
	if (!fgets(line, LINE_BYTES_MAX + 1, file))
		return ferror(file) ? why_set(why, -errno, "%s", strerror(errno)) : 0;
	if (strlen(line) == LINE_BYTES_MAX && line[LINE_BYTES_MAX - 1] != '\n')
		return why_set(why, -EINVAL, "it has more than %d bytes: this is no recording",
			       LINE_BYTES_MAX);
	return 1;
}

int replay_file(struct replay *replay, const struct table_conf *conf, FILE *file,
		struct why *why)
{
	char *line = malloc(LINE_BYTES_MAX + 1);
	int r = line ? 1 : why_set(why, -ENOMEM, "no memory for a line");

	for (unsigned number = 1; r > 0; number++) {
		struct why inner = { "" };

		r = read_line(file, line, &inner);
		if (r > 0) {
			r = replay_line(replay, conf, line, &inner);
			r = r < 0 ? r : 1;
		}
		if (r < 0)
			why_set(why, r, "line %u: %s", number, inner.text);
	}
	free(line);
	if (r == 0 && !replay->table)
		return why_set(why, -EINVAL, "no clock, no observation");
	return r;
}
