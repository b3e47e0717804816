// SPDX-License-Identifier: Apache-2.0
/*
 * Socket inode → process.
 *
 * A table of inodes remembers which sockets were found or given up; it forgets
 * all at once when it is half full, which costs one more pass and nothing else. A
 * pass that lacks a descriptor or memory proves nothing and is made again.
 */
#include "source/proc_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/num.h"
#include "base/why.h"
#include "source/proc_read.h"

#define INODES 65536U /* a power of two; half of it is used */
#define TRIES_MAX 2
/* Share of a core that a search may take. */
#define CPU_SHARE 0.02
#define PAUSE_MIN_NS (100 * NUM_NS_PER_MS)
#define PAUSE_MAX_NS (30 * NUM_NS_PER_S)
#define PAUSE_REFUSED_NS NUM_NS_PER_S

enum inode_state { INODE_EMPTY, INODE_WANTED, INODE_TENTATIVE, INODE_DONE };

struct inode {
	uint64_t cookie;
	uint32_t number;
	uint8_t state, tries;
};

struct proc_owner {
	struct obs_outlet outlet;
	struct inode *inode; /* owned, open addressing */
	uint32_t used, wanted;

	DIR *proc; /* owned; NULL: no pass is under way */
	uint64_t pass_cpu_ns, next_boot_ns;
	uint64_t refused; /* passes that were broken off */
	bool is_refused;  /* so was the last */
};

int proc_owner_new(struct proc_owner **ret, const struct obs_outlet *outlet)
{
	struct proc_owner *owners = calloc(1, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	owners->outlet = *outlet;
	owners->inode = calloc(INODES, sizeof(*owners->inode));
	if (!owners->inode) {
		free(owners);
		return -ENOMEM;
	}
	*ret = owners;
	return 0;
}

void proc_owner_free(struct proc_owner *owners)
{
	if (!owners)
		return;
	if (owners->proc)
		closedir(owners->proc);
	free(owners->inode);
	free(owners);
}

/* The cell of that inode, or the empty one where it would be. */
static struct inode *inode_at(const struct proc_owner *owners, uint32_t number)
{
	uint32_t i = number * 2654435761U % INODES; /* Knuth's multiplier spreads runs */

	while (owners->inode[i].state != INODE_EMPTY && owners->inode[i].number != number)
		i = (i + 1) % INODES;
	return &owners->inode[i];
}

static void forget_all(struct proc_owner *owners)
{
	memset(owners->inode, 0, INODES * sizeof(*owners->inode));
	owners->used = owners->wanted = 0;
}

void proc_owner_want(struct proc_owner *owners, uint32_t inode, uint64_t cookie)
{
	struct inode *at;

	if (!inode)
		return;
	at = inode_at(owners, inode);
	if (at->state != INODE_EMPTY && at->cookie == cookie)
		return;
	if (at->state == INODE_EMPTY) {
		if (owners->used >= INODES / 2) {
			forget_all(owners);
			at = inode_at(owners, inode);
		}
		owners->used++;
	} else if (at->state == INODE_WANTED || at->state == INODE_TENTATIVE) {
		owners->wanted--;
	}
	*at = (struct inode){ .cookie = cookie, .number = inode, .state = INODE_WANTED };
	owners->wanted++;
}

bool proc_owner_is_searching(const struct proc_owner *owners)
{
	return owners->wanted > 0 && !owners->is_refused;
}

uint64_t proc_owner_refused(const struct proc_owner *owners)
{
	return owners->refused;
}

static void found(struct proc_owner *owners, struct inode *inode, const struct owner *owner,
		  uint64_t now_boot_ns)
{
	struct obs obs = { .kind = OBS_OWNER, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = now_boot_ns };

	obs.owner.cookie = inode->cookie;
	obs.owner.owner = *owner;
	owners->outlet.emit(owners->outlet.context, &obs);
	if (owner->pid == 1) {
		inode->state = INODE_TENTATIVE; /* another may hold it as well */
		return;
	}
	inode->state = INODE_DONE;
	owners->wanted--;
}

/* 0, or -errno when something was refused. */
static int look_at_process(struct proc_owner *owners, const char *pid, uint64_t now_boot_ns)
{
	char path[64], link[64];
	struct owner owner = { 0 };
	const struct dirent *entry;
	struct inode *inode;
	unsigned number;
	int pid_fd, r = 0;
	DIR *fds;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	fds = opendir(path);
	if (!fds)
		return why_is_shortage(-errno) ? -errno : 0; /* else gone, or not ours */
	*strrchr(path, '/') = '\0';
	pid_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pid_fd < 0 && why_is_shortage(-errno))
		r = -errno;
	while (r == 0 && pid_fd >= 0 && owners->wanted && (entry = readdir(fds))) {
		n = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%u]", &number) != 1)
			continue;
		inode = inode_at(owners, number);
		if (inode->state != INODE_WANTED && inode->state != INODE_TENTATIVE)
			continue;
		if (!owner.pid)
			r = proc_read_owner(&owner, pid_fd, (uint32_t)strtoul(pid, NULL, 10));
		if (r == 0)
			found(owners, inode, &owner, now_boot_ns);
	}
	if (pid_fd >= 0)
		close(pid_fd);
	closedir(fds);
	return r;
}

static uint64_t break_off(struct proc_owner *owners, uint64_t now_boot_ns)
{
	if (owners->proc)
		closedir(owners->proc);
	owners->proc = NULL;
	owners->pass_cpu_ns = 0;
	owners->refused++;
	owners->is_refused = true;
	owners->next_boot_ns = now_boot_ns + PAUSE_REFUSED_NS;
	return owners->next_boot_ns;
}

/* What a whole pass has not found is held by nobody, or hidden from us. */
static void finish_pass(struct proc_owner *owners, uint64_t now_boot_ns)
{
	uint64_t pause_ns = (uint64_t)((double)owners->pass_cpu_ns / CPU_SHARE);

	closedir(owners->proc);
	owners->proc = NULL;
	owners->is_refused = false;
	for (uint32_t i = 0; i < INODES && owners->wanted; i++) {
		struct inode *inode = &owners->inode[i];

		if (inode->state != INODE_WANTED && inode->state != INODE_TENTATIVE)
			continue;
		if (inode->state == INODE_WANTED && ++inode->tries < TRIES_MAX)
			continue;
		inode->state = INODE_DONE;
		owners->wanted--;
	}
	if (pause_ns < PAUSE_MIN_NS)
		pause_ns = PAUSE_MIN_NS;
	if (pause_ns > PAUSE_MAX_NS)
		pause_ns = PAUSE_MAX_NS;
	owners->next_boot_ns = now_boot_ns + pause_ns;
	owners->pass_cpu_ns = 0;
}

uint64_t proc_owner_work(struct proc_owner *owners, uint64_t now_boot_ns, uint64_t slice_ns)
{
	const uint64_t began_ns = clock_thread_cpu_ns();
	const struct dirent *entry;

	if (!owners->wanted && !owners->proc)
		return UINT64_MAX;
	if (!owners->proc) {
		if (now_boot_ns < owners->next_boot_ns)
			return owners->next_boot_ns;
		owners->proc = opendir("/proc");
		if (!owners->proc) {
			if (why_is_shortage(-errno))
				return break_off(owners, now_boot_ns);
			owners->next_boot_ns = now_boot_ns + PAUSE_MAX_NS;
			return owners->next_boot_ns;
		}
	}
	do {
		entry = owners->wanted ? readdir(owners->proc) : NULL;
		if (!entry) {
			owners->pass_cpu_ns += clock_thread_cpu_ns() - began_ns;
			finish_pass(owners, now_boot_ns);
			return owners->wanted ? owners->next_boot_ns : UINT64_MAX;
		}
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    look_at_process(owners, entry->d_name, now_boot_ns) < 0)
			return break_off(owners, now_boot_ns);
	} while (clock_thread_cpu_ns() - began_ns < slice_ns);
	owners->pass_cpu_ns += clock_thread_cpu_ns() - began_ns;
	return now_boot_ns;
}
