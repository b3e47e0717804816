// SPDX-License-Identifier: Apache-2.0
/* Rings of a minute in a fixed array, found by an open hash over the ids. */
#include "ui/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	uint64_t id;
	uint64_t second;      /* of the newest value; 0: unused */
	uint64_t until_ms;    /* how long that holds */
	uint64_t value[HISTORY_SECONDS]; /* at second % HISTORY_SECONDS */
};

/* Slots looked at for one id: what does not fit there gives way. */
#define NEAR 8

struct history {
	uint32_t slots;
	struct ring *ring; /* owned */
};

int history_new(struct history **ret, uint32_t ids)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->slots = ids + NEAR;
	history->ring = calloc(history->slots, sizeof(*history->ring));
	if (!history->ring) {
		history_free(history);
		return -ENOMEM;
	}
	*ret = history;
	return 0;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	free(history->ring);
	free(history);
}

static struct ring *near(const struct history *history, uint64_t id)
{
	/* ids are hashes or flow ids, which are */
	return &history->ring[(id * 0x9e3779b97f4a7c15ULL >> 32) % (history->slots - NEAR)];
}

static struct ring *find(const struct history *history, uint64_t id)
{
	struct ring *ring = near(history, id);

	for (int i = 0; i < NEAR; i++) {
		if (ring[i].second && ring[i].id == id)
			return &ring[i];
	}
	return NULL;
}

static struct ring *take(struct history *history, uint64_t id)
{
	struct ring *ring = near(history, id), *oldest = ring;

	for (int i = 1; i < NEAR; i++) {
		if (ring[i].second < oldest->second)
			oldest = &ring[i];
	}
	*oldest = (struct ring){ .id = id };
	return oldest;
}

/* What the seconds up to `second` were when nobody looked. */
static void fill(struct ring *ring, uint64_t second)
{
	const uint64_t last = ring->value[ring->second % HISTORY_SECONDS];
	uint64_t from = ring->second + 1;

	if (second >= HISTORY_SECONDS && from < second - (HISTORY_SECONDS - 1))
		from = second - (HISTORY_SECONDS - 1);
	for (uint64_t at = from; at <= second; at++)
		ring->value[at % HISTORY_SECONDS] = at * 1000 <= ring->until_ms ? last : 0;
}

void history_tell(struct history *history, uint64_t id, uint64_t at_ms, uint64_t held_ms,
		  uint64_t value)
{
	const uint64_t second = at_ms / 1000 + 1; /* 0 is unused */
	struct ring *ring = find(history, id);

	if (!ring)
		ring = take(history, id);
	else if (second < ring->second)
		return;
	if (!ring->second)
		memset(ring->value, 0, sizeof(ring->value));
	else if (second > ring->second)
		fill(ring, second);
	/* of several in one second the greatest: a burst is not to be missed */
	if (second > ring->second || value > ring->value[second % HISTORY_SECONDS])
		ring->value[second % HISTORY_SECONDS] = value;
	ring->second = second;
	ring->until_ms = at_ms + held_ms + 1000;
}

void history_read(const struct history *history, uint64_t id, uint64_t now_ms,
		  uint64_t ret[HISTORY_SECONDS])
{
	const struct ring *ring = find(history, id);
	const uint64_t now = now_ms / 1000 + 1;
	struct ring copy;

	memset(ret, 0, HISTORY_SECONDS * sizeof(*ret));
	if (!ring || ring->second > now)
		return;
	copy = *ring;
	fill(&copy, now);
	for (uint64_t i = 0; i < HISTORY_SECONDS; i++)
		ret[i] = copy.value[(now + 1 + i) % HISTORY_SECONDS];
}
