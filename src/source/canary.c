// SPDX-License-Identifier: Apache-2.0
/*
 * The canary: a source is opened as the engine opens it, and its observations of
 * one known flow are compared with the truth.
 */
#include "source/canary.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/beacon.h"
#include "source/source.h"

/* Emulated machines take their time. */
#define PATIENCE_NS (10 * NUM_NS_PER_S)
#define LOOKS_MIN 100
#define PAUSE_MS 5
#define TALKS 3
/* The entry began during the proof. */
#define START_SLACK_NS (60 * NUM_NS_PER_S)

struct canary {
	struct beacon *beacon; /* owned, as the source */
	struct source *source;
	struct ends_mark ends;
	struct obs_ct last; /* what was said of the flow last, where any was */
	bool told, swept, begun, ended;
};

static void on_obs(void *context, const struct obs *obs)
{
	struct canary *canary = context;

	if (obs->kind == OBS_SWEEP) {
		canary->swept = true;
		return;
	}
	if (!key_is_equal(&obs->ct.key, beacon_key(canary->beacon)))
		return;
	canary->told = true;
	canary->begun |= obs->kind == OBS_OPEN;
	canary->ended |= obs->kind == OBS_CLOSE;
	canary->last = obs->ct;
}

static bool is_walked(const void *context)
{
	const struct canary *canary = context;

	return canary->told && canary->swept;
}

static bool is_begun(const void *context)
{
	return ((const struct canary *)context)->begun;
}

static bool is_ended(const void *context)
{
	return ((const struct canary *)context)->ended;
}

void canary_watch(struct source *source, bool (*is_so)(const void *context), const void *context)
{
	const uint64_t until_boot_ns = clock_boot_ns() + PATIENCE_NS;
	uint64_t now_boot_ns = clock_boot_ns(), next_boot_ns;
	unsigned looks = 0;

	/* a machine that is busy, or slow, gets to as many looks as another */
	while (!is_so(context) && (now_boot_ns < until_boot_ns || looks < LOOKS_MIN)) {
		looks++;
		next_boot_ns = source->ops->tick(source, now_boot_ns);
		now_boot_ns = clock_boot_ns();
		if (next_boot_ns > now_boot_ns)
			poll(NULL, 0, PAUSE_MS);
	}
}

static int compare(const struct canary *canary, struct why *why)
{
	const struct obs_ct *ct = &canary->last;
	const uint64_t now_wall_ns = clock_wall_ns();
	uint64_t bytes[SIDES], packets[SIDES];

	if (!canary->told)
		return why_set(why, -ENOTSUP, "a flow of our own is not shown");
	beacon_counted(canary->beacon, bytes, packets);
	if (!(ct->has & CT_COUNTERS))
		return why_set(why, -ENOTSUP, "a flow of our own is shown without counters");
	if (memcmp(ct->bytes, bytes, sizeof(bytes)) ||
	    memcmp(ct->packets, packets, sizeof(packets)))
		return why_set(why, -ENOTSUP,
			       "a flow of our own is shown with %" PRIu64 " and %" PRIu64
			       " bytes instead of %" PRIu64 " and %" PRIu64,
			       ct->bytes[0], ct->bytes[1], bytes[0], bytes[1]);
	if (ct->has & CT_START && (ct->start_wall_ns > now_wall_ns + START_SLACK_NS ||
				   ct->start_wall_ns + START_SLACK_NS < now_wall_ns))
		return why_set(why, -ENOTSUP, "a flow of our own is shown with a wrong start");
	return 0;
}

static int talk(struct canary *canary, struct why *why)
{
	for (int i = 0; i < TALKS; i++) {
		const int r = beacon_talk(canary->beacon, CANARY_REQUEST_BYTES, CANARY_REPLY_BYTES);

		if (r < 0)
			return why_set(why, r, "talking over a loopback of our own: %s",
				       strerror(-r));
	}
	return 0;
}

static int open_source(struct canary *canary, const struct source_ops *ops,
		       enum feature feature, enum rung rung, struct why *why)
{
	struct source_conf conf = { .refresh_ns = NUM_NS_PER_S, .ends = &canary->ends,
				    .shows_beacons = true };
	const struct obs_outlet outlet = { on_obs, canary };

	conf.rung[feature] = rung;
	if (feature == FEATURE_END)
		conf.rung[FEATURE_BEGIN] = rung;
	return ops->open(&canary->source, &conf, &outlet, why);
}

static void canary_fini(struct canary *canary)
{
	if (canary->source)
		canary->source->ops->close(canary->source);
	beacon_free(canary->beacon);
}

static int open_canary(struct canary *canary, const struct source_ops *ops,
		       enum feature feature, enum rung rung, struct why *why)
{
	struct why reason = { "" };
	int r;

	*canary = (struct canary){ 0 };
	/* nobody else tells ends here: every pass is proof */
	canary->ends.read_until_boot_ns = UINT64_MAX;
	r = beacon_new(&canary->beacon, &reason);
	if (r < 0)
		return why_set(why, r, "it cannot be proven: %s", reason.text);
	return open_source(canary, ops, feature, rung, why);
}

int canary_live(enum rung rung, struct why *why)
{
	struct canary canary;
	int r;

	r = open_canary(&canary, &source_ctwalk, FEATURE_LIVE, rung, why);
	if (r == 0)
		r = talk(&canary, why);
	if (r == 0) {
		canary_watch(canary.source, is_walked, &canary);
		r = compare(&canary, why);
	}
	canary_fini(&canary);
	return r;
}

/* The end's counters are those of all that was sent. */
static int prove_end(struct canary *canary, struct why *why)
{
	const int r = beacon_drop(canary->beacon);

	if (r < 0)
		return why_set(why, r, "dropping a flow of our own: %s", strerror(-r));
	canary_watch(canary->source, is_ended, canary);
	if (!canary->ended)
		return why_set(why, -ENOTSUP, "it can be attached, but the end of a flow of our "
					      "own is not told");
	return compare(canary, why);
}

int canary_life(enum rung rung, struct why *why)
{
	struct canary canary;
	int r;

	r = open_canary(&canary, &source_ctlife, FEATURE_END, rung, why);
	if (r == 0)
		r = talk(&canary, why);
	if (r == 0) {
		canary_watch(canary.source, is_begun, &canary);
		if (!canary.begun)
			r = why_set(why, -ENOTSUP, "it can be attached, but the begin of a flow of "
						   "our own is not told");
	}
	if (r == 0)
		r = prove_end(&canary, why);
	canary_fini(&canary);
	return r;
}
