// SPDX-License-Identifier: Apache-2.0
/* Sources that read rings of BPF programs: what they show, and when they read. */
#include "source/ring_source.h"

#include "base/clock.h"
#include "base/num.h"
#include "source/beacon.h"
#include "source/netns_set.h"
#include "source/source.h"

#define BEAT_BUSY_NS (20 * NUM_NS_PER_MS)
#define BEAT_QUIET_NS (100 * NUM_NS_PER_MS)
#define BEAT_IDLE_NS (500 * NUM_NS_PER_MS)
#define IDLE_AFTER_NS (2 * NUM_NS_PER_S)
#define BUSY_EVENTS 256

bool ring_source_shows(const struct source_conf *conf, struct netns_set *entered,
		       const struct key *key, struct source_stats *stats)
{
	if (beacon_is_one(key) && !conf->shows_beacons)
		return false;
	if (!conf->entered_only || netns_set_has(entered, key->netns))
		return true;
	stats->foreign++;
	return false;
}

uint64_t ring_source_next_boot_ns(uint64_t now_boot_ns, uint64_t heard_boot_ns, unsigned got)
{
	if (got >= BUSY_EVENTS)
		return clock_next_beat(now_boot_ns, BEAT_BUSY_NS);
	return clock_next_beat(now_boot_ns, now_boot_ns - heard_boot_ns >= IDLE_AFTER_NS ?
						    BEAT_IDLE_NS : BEAT_QUIET_NS);
}
