// SPDX-License-Identifier: Apache-2.0
/* A queue of lines: their bytes one behind the other, their times in a ring. */
#include "cmd/held.h"

#include <assert.h>
#include <string.h>

void held_fini(struct held *held)
{
	buf_fini(&held->text);
	*held = (struct held){ 0 };
}

bool held_is_full(const struct held *held)
{
	return held->count == HELD_LINES || held->text.len - held->first >= HELD_BYTES;
}

int held_push(struct held *held, const char *line, size_t n, uint64_t until_boot_ns)
{
	assert(held->count < HELD_LINES && n && line[n - 1] == '\n');
	/* what has gone makes room when it is most of it */
	if (held->first > held->text.len / 2) {
		buf_consume(&held->text, held->first);
		held->first = 0;
	}
	buf_append(&held->text, line, n);
	if (held->text.error)
		return held->text.error;
	held->until_boot_ns[(held->begin + held->count++) % HELD_LINES] = until_boot_ns;
	return 0;
}

bool held_first(const struct held *held, const char **line, size_t *n, uint64_t *until_boot_ns)
{
	const char *at = held->text.data + held->first;

	if (!held->count)
		return false;
	*line = at;
	*n = (size_t)((const char *)memchr(at, '\n', held->text.len - held->first) - at) + 1;
	*until_boot_ns = held->until_boot_ns[held->begin];
	return true;
}

void held_pop(struct held *held)
{
	const char *line;
	uint64_t until_boot_ns;
	size_t n;

	if (!held_first(held, &line, &n, &until_boot_ns))
		return;
	held->first += n;
	held->begin = (held->begin + 1) % HELD_LINES;
	held->count--;
}
