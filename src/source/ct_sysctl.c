// SPDX-License-Identifier: Apache-2.0
/*
 * The two switches of conntrack without which there is little to count:
 * nf_conntrack_acct (bytes and packets) and nf_conntrack_timestamp (start, stop).
 *
 * /proc/sys/net is that of the calling thread's namespace, but a switch that is
 * open stays that of the namespace it was opened in, and does not keep it alive
 * (proc_sys_open holds no reference to it). So they stay open: that is how they
 * are looked at again and put back without entering the namespace. A switch that
 * is on is not touched; one that we set is put back only where it still has our
 * value, so that whoever changed it meanwhile is left alone.
 */
#include "source/ct_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/fs.h"
#include "base/num.h"
#include "base/why.h"
#include "source/guard.h"
#include "source/netns.h"

#define FOLDER "/proc/sys/net/netfilter/"
/* Namespaces in one look: at some 3 us a switch less than a millisecond. */
#define LOOK_MAX 128

static const char *const switches[] = {
	FOLDER "nf_conntrack_acct",
	FOLDER "nf_conntrack_timestamp",
};

/* The switches of a namespace, and which of them are ours to put back. */
struct place {
	uint32_t netns;
	int fd[ARRAY_LEN(switches)]; /* owned; -1: not there, or not to be written */
	bool ours[ARRAY_LEN(switches)];
	bool watched[ARRAY_LEN(switches)]; /* the guard would put it back */
};

struct ct_sysctl {
	struct guard *guard; /* borrowed; NULL: there is none */
	uint32_t own;
	struct place *place; /* owned */
	size_t count, capacity;
	size_t turn; /* where the next look begins */
};

int ct_sysctl_new(struct ct_sysctl **ret, struct guard *guard, struct why *why)
{
	struct ct_sysctl *sysctl = calloc(1, sizeof(*sysctl));
	int r;

	if (!sysctl)
		return why_set(why, -ENOMEM, "out of memory");
	sysctl->guard = guard;
	r = netns_own(&sysctl->own, why);
	if (r < 0) {
		ct_sysctl_free(sysctl);
		return r;
	}
	*ret = sysctl;
	return 0;
}

static struct place *place_find(const struct ct_sysctl *sysctl, uint32_t netns)
{
	size_t i;

	for (i = 0; i < sysctl->count; i++)
		if (sysctl->place[i].netns == netns)
			return &sysctl->place[i];
	return NULL;
}

static struct place *place_get(struct ct_sysctl *sysctl, uint32_t netns)
{
	struct place *place = place_find(sysctl, netns);
	size_t i;

	if (place)
		return place;
	if (sysctl->count == sysctl->capacity) {
		const size_t capacity = sysctl->capacity ? 2 * sysctl->capacity : 16;

		place = reallocarray(sysctl->place, capacity, sizeof(*place));
		if (!place)
			return NULL;
		sysctl->place = place;
		sysctl->capacity = capacity;
	}
	place = &sysctl->place[sysctl->count++];
	*place = (struct place){ .netns = netns };
	for (i = 0; i < ARRAY_LEN(switches); i++)
		place->fd[i] = -1;
	return place;
}

static int read_switch(int fd, uint64_t *ret)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n < 0)
		return -errno;
	if (n && text[n - 1] == '\n')
		n--;
	return num_parse_u64(ret, text, (size_t)n);
}

void ct_sysctl_put_back(int fd)
{
	uint64_t value;

	/* what fails here is a namespace that is no more */
	if (!read_switch(fd, &value) && value == 1 && pwrite(fd, "0", 1, 0) < 0)
		return;
}

/* Beside those of sockets, which are the numbers of namespaces. */
static uint64_t guard_id(const struct place *place, size_t i)
{
	return (uint64_t)(i + 1) << 32 | place->netns;
}

/* A guard that takes no order now is told at the next look. */
static void claim(const struct ct_sysctl *sysctl, struct place *place, size_t i)
{
	place->ours[i] = true;
	if (sysctl->guard && !place->watched[i])
		place->watched[i] = !guard_watch_switch(sysctl->guard, place->fd[i],
							guard_id(place, i));
}

static void disclaim(const struct ct_sysctl *sysctl, struct place *place, size_t i)
{
	place->ours[i] = false;
	if (place->watched[i])
		guard_unwatch(sysctl->guard, guard_id(place, i));
	place->watched[i] = false;
}

static void place_close(const struct ct_sysctl *sysctl, struct place *place)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(switches); i++) {
		disclaim(sysctl, place, i);
		if (place->fd[i] >= 0)
			close(place->fd[i]);
	}
}

void ct_sysctl_free(struct ct_sysctl *sysctl)
{
	size_t i, k;

	if (!sysctl)
		return;
	for (i = 0; i < sysctl->count; i++) {
		for (k = 0; k < ARRAY_LEN(switches); k++)
			if (sysctl->place[i].ours[k])
				ct_sysctl_put_back(sysctl->place[i].fd[k]);
		place_close(sysctl, &sysctl->place[i]);
	}
	free(sysctl->place);
	free(sysctl);
}

/* 1: it is open; 0: it cannot be written, but is on; or -errno. */
static int open_switch(struct place *place, size_t i, struct why *why)
{
	uint64_t value;
	int r;

	if (place->fd[i] >= 0)
		return 1;
	place->fd[i] = open(switches[i], O_RDWR | O_CLOEXEC);
	if (place->fd[i] >= 0)
		return 1;
	r = -errno;
	if (r == -ENOENT)
		return why_set(why, r, "%s is missing: conntrack is not loaded", switches[i]);
	if ((r == -EACCES || r == -EPERM || r == -EROFS) &&
	    !fs_read_u64(switches[i], &value) && value)
		return 0;
	return why_set(why, r, "%s cannot be set: %s", switches[i], strerror(-r));
}

/* 1: it was off and is on; 0: it was on; or -errno. */
static int turn_on(const struct ct_sysctl *sysctl, struct place *place, size_t i,
		   struct why *why)
{
	uint64_t value;
	int r = read_switch(place->fd[i], &value);

	if (r == -ENOENT)
		return 0; /* the namespace is going */
	if (r < 0)
		return why_set(why, r, "%s: %s", switches[i], strerror(-r));
	if (value && !place->ours[i])
		return 0;
	/* first the guard: to be killed in between must not leave it on */
	claim(sysctl, place, i);
	if (value || pwrite(place->fd[i], "1", 1, 0) == 1)
		return !value;
	r = -errno;
	disclaim(sysctl, place, i);
	return why_set(why, r, "%s cannot be set: %s", switches[i], strerror(-r));
}

int ct_sysctl_enable(struct ct_sysctl *sysctl, uint32_t netns, struct why *why)
{
	struct place *place = place_get(sysctl, netns);
	int count = 0, r;
	size_t i;

	if (!place)
		return why_set(why, -ENOMEM, "out of memory");
	for (i = 0; i < ARRAY_LEN(switches); i++) {
		r = open_switch(place, i, why);
		if (r > 0)
			r = turn_on(sysctl, place, i, why);
		if (r < 0)
			return r;
		count += r;
	}
	return count;
}

/* Whether something of it was off and is on. */
static bool look(struct ct_sysctl *sysctl, struct place *place, struct why *why)
{
	bool was_off = false;
	size_t i;

	for (i = 0; i < ARRAY_LEN(switches); i++) {
		/* conntrack may have been loaded since; why it cannot be set is told */
		if (place->netns == sysctl->own)
			open_switch(place, i, NULL);
		if (place->fd[i] < 0)
			continue;
		was_off |= turn_on(sysctl, place, i, why) > 0;
	}
	return was_off;
}

unsigned ct_sysctl_watch(struct ct_sysctl *sysctl, struct why *why)
{
	struct place *own = place_find(sysctl, sysctl->own);
	unsigned were_off = 0;
	size_t i;

	if (own)
		were_off += look(sysctl, own, why);
	for (i = 0; i < sysctl->count && i < LOOK_MAX; i++) {
		sysctl->turn = (sysctl->turn + 1) % sysctl->count;
		were_off += look(sysctl, &sysctl->place[sysctl->turn], why);
	}
	return were_off;
}

void ct_sysctl_forget(struct ct_sysctl *sysctl, uint32_t netns)
{
	struct place *place = place_find(sysctl, netns);

	if (!place)
		return;
	place_close(sysctl, place);
	*place = sysctl->place[--sysctl->count];
}

void ct_sysctl_forget_all(struct ct_sysctl *sysctl)
{
	while (sysctl->count)
		place_close(sysctl, &sysctl->place[--sysctl->count]);
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
	r = fs_read_u64(FOLDER "nf_conntrack_acct", &value);
	if (r == 0)
		ret->acct = value;
	else if (r != -ENOENT)
		return why_set(why, r, FOLDER "nf_conntrack_acct: %s", strerror(-r));
	if (!fs_read_u64(FOLDER "nf_conntrack_timestamp", &value))
		ret->timestamp = value;
	if (!fs_read_u64(FOLDER "nf_conntrack_events", &value))
		ret->events = (uint8_t)value;
	return 0;
}
