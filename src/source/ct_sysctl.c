// SPDX-License-Identifier: Apache-2.0
/*
 * The two switches of conntrack without which there is little to count:
 * nf_conntrack_acct (bytes and packets) and nf_conntrack_timestamp (start, stop).
 *
 * /proc/sys/net is that of the calling thread's namespace. A switch that is on
 * is not touched; one that we set is put back only where it still has our
 * value, so that whoever changed it meanwhile is left alone.
 */
#include "source/ct_sysctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/fs.h"
#include "base/why.h"
#include "source/netns.h"

#define FOLDER "/proc/sys/net/netfilter/"
#define OURS 1

static const char *const switches[] = {
	FOLDER "nf_conntrack_acct",
	FOLDER "nf_conntrack_timestamp",
};

/* Which switches of a namespace are ours to put back. */
struct changed {
	uint32_t netns;
	bool ours[ARRAY_LEN(switches)];
};

struct ct_sysctl {
	struct changed *changed; /* owned */
	size_t count, capacity;
};

int ct_sysctl_new(struct ct_sysctl **ret, struct why *why)
{
	struct ct_sysctl *sysctl = calloc(1, sizeof(*sysctl));

	if (!sysctl)
		return why_set(why, -ENOMEM, "out of memory");
	*ret = sysctl;
	return 0;
}

static struct changed *changed_find(struct ct_sysctl *sysctl, uint32_t netns)
{
	size_t i;

	for (i = 0; i < sysctl->count; i++)
		if (sysctl->changed[i].netns == netns)
			return &sysctl->changed[i];
	return NULL;
}

static struct changed *changed_get(struct ct_sysctl *sysctl, uint32_t netns)
{
	struct changed *changed = changed_find(sysctl, netns);

	if (changed)
		return changed;
	if (sysctl->count == sysctl->capacity) {
		const size_t capacity = sysctl->capacity ? 2 * sysctl->capacity : 16;

		changed = reallocarray(sysctl->changed, capacity, sizeof(*changed));
		if (!changed)
			return NULL;
		sysctl->changed = changed;
		sysctl->capacity = capacity;
	}
	changed = &sysctl->changed[sysctl->count++];
	*changed = (struct changed){ .netns = netns };
	return changed;
}

/* Inside the namespace. */
static void put_back(void *context, uint32_t netns)
{
	const struct changed *changed = changed_find(context, netns);
	uint64_t value;
	size_t i;

	for (i = 0; changed && i < ARRAY_LEN(switches); i++)
		if (changed->ours[i] && !fs_read_u64(switches[i], &value) && value == OURS)
			fs_write_text(switches[i], "0");
}

void ct_sysctl_free(struct ct_sysctl *sysctl)
{
	uint32_t *others;
	struct stat own;
	size_t i, n = 0;

	if (!sysctl)
		return;
	others = calloc(sysctl->count + 1, sizeof(*others));
	if (stat("/proc/thread-self/ns/net", &own) < 0)
		own.st_ino = 0;
	for (i = 0; i < sysctl->count; i++) {
		if (sysctl->changed[i].netns == own.st_ino)
			put_back(sysctl, sysctl->changed[i].netns);
		else if (others)
			others[n++] = sysctl->changed[i].netns;
		else
			netns_visit(&sysctl->changed[i].netns, 1, put_back, sysctl);
	}
	/* memory or a descriptor that was refused once must not leave a switch on */
	if (n && netns_visit(others, n, put_back, sysctl) < (int)n)
		netns_visit(others, n, put_back, sysctl);
	free(others);
	free(sysctl->changed);
	free(sysctl);
}

int ct_sysctl_enable(struct ct_sysctl *sysctl, uint32_t netns, struct why *why)
{
	struct changed *changed;
	int count = 0, r;
	uint64_t value;
	size_t i;

	for (i = 0; i < ARRAY_LEN(switches); i++) {
		r = fs_read_u64(switches[i], &value);
		if (r == -ENOENT)
			return why_set(why, r, "%s is missing: conntrack is not loaded",
				       switches[i]);
		if (r < 0)
			return why_set(why, r, "%s: %s", switches[i], strerror(-r));
		if (value)
			continue;
		changed = changed_get(sysctl, netns);
		if (!changed)
			return why_set(why, -ENOMEM, "out of memory");
		r = fs_write_text(switches[i], "1");
		if (r < 0)
			return why_set(why, r, "%s cannot be set: %s", switches[i], strerror(-r));
		changed->ours[i] = true;
		count++;
	}
	return count;
}

void ct_sysctl_forget(struct ct_sysctl *sysctl, uint32_t netns)
{
	struct changed *changed = changed_find(sysctl, netns);

	if (changed)
		*changed = sysctl->changed[--sysctl->count];
}

int ct_state_read(struct ct_state_now *ret, struct why *why)
{
	uint64_t value;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = fs_read_u64(FOLDER "nf_conntrack_count", &ret->count);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return why_set(why, r, FOLDER "nf_conntrack_count: %s", strerror(-r));
	ret->present = true;
	fs_read_u64(FOLDER "nf_conntrack_max", &ret->max);
	if (!fs_read_u64(FOLDER "nf_conntrack_acct", &value))
		ret->acct = value;
	if (!fs_read_u64(FOLDER "nf_conntrack_timestamp", &value))
		ret->timestamp = value;
	if (!fs_read_u64(FOLDER "nf_conntrack_events", &value))
		ret->events = (uint8_t)value;
	return 0;
}
