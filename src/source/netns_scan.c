// SPDX-License-Identifier: Apache-2.0
/*
 * Finding network namespaces: in /proc/PID/ns/net of each process, and in the
 * mount table, where a namespace without processes can be kept by name (nsfs).
 *
 * The links are read, not followed: opening a namespace is not needed to know
 * its number. The mount table is read again only when poll(2) says that it has
 * changed (proc_pid_mountinfo(5)), and then through a new stream: rewinding one
 * would show what is in its buffer.
 */
#include "source/netns_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/why.h"

#define MOUNTS_PATH "/proc/self/mountinfo"
#define PATH_SIZE 4096
/* Rows of one mount table that are looked at. */
#define MOUNTS_MAX 65536

struct mounted {
	uint32_t netns;
	char *path; /* owned */
};

struct netns_scan {
	DIR *proc;      /* owned */
	int mounts_fd;  /* owned: tells when the mount table changes */
	bool have_read; /* the mount table, as it was last */
	struct mounted *mounted; /* owned, as are the paths */
	size_t count, capacity;
};

/* "net:[4026531840]" */
static bool parse_link(uint32_t *ret, const char *text)
{
	unsigned long number;
	char *end;

	if (strncmp(text, "net:[", 5) != 0)
		return false;
	errno = 0;
	number = strtoul(text + 5, &end, 10);
	if (errno || *end != ']' || !number || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* Blanks and backslashes stand there as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

static void forget_mounts(struct netns_scan *scan)
{
	while (scan->count)
		free(scan->mounted[--scan->count].path);
}

/* False: there was no memory for it. */
static bool add_mount(struct netns_scan *scan, uint32_t netns, const char *path)
{
	struct mounted *grown;
	size_t i;

	for (i = 0; i < scan->count; i++)
		if (scan->mounted[i].netns == netns)
			return true; /* one name is enough */
	if (scan->count == scan->capacity) {
		const size_t capacity = scan->capacity ? 2 * scan->capacity : 16;

		if (capacity > MOUNTS_MAX)
			return true;
		grown = reallocarray(scan->mounted, capacity, sizeof(*grown));
		if (!grown)
			return false;
		scan->mounted = grown;
		scan->capacity = capacity;
	}
	scan->mounted[scan->count].path = strdup(path);
	if (!scan->mounted[scan->count].path)
		return false;
	scan->mounted[scan->count++].netns = netns;
	return true;
}

static int read_mounts(struct netns_scan *scan)
{
	char *line = NULL, root[64], path[PATH_SIZE];
	FILE *mounts = fopen(MOUNTS_PATH, "re");
	uint32_t netns;
	size_t size = 0;
	int r = 0;

	if (!mounts)
		return -errno; /* what was known stays known */
	forget_mounts(scan);
	while (getline(&line, &size, mounts) > 0) {
		/* id parent device root path …; only in nsfs is a root no path */
		if (sscanf(line, "%*s %*s %*s %63s %4095s", root, path) != 2)
			continue;
		if (!parse_link(&netns, root))
			continue;
		unescape(path);
		if (!add_mount(scan, netns, path))
			r = -ENOMEM;
	}
	if (!feof(mounts))
		r = -ENOMEM;
	free(line);
	fclose(mounts);
	return r;
}

static bool mounts_changed(const struct netns_scan *scan)
{
	struct pollfd poller = { .fd = scan->mounts_fd, .events = POLLPRI };

	return poll(&poller, 1, 0) > 0 || !scan->have_read;
}

int netns_scan_new(struct netns_scan **ret, struct why *why)
{
	struct netns_scan *scan = calloc(1, sizeof(*scan));
	int r;

	if (!scan)
		return -ENOMEM;
	scan->mounts_fd = open(MOUNTS_PATH, O_RDONLY | O_CLOEXEC);
	scan->proc = opendir("/proc");
	if (!scan->proc) {
		r = why_set(why, -errno, "/proc: %s", strerror(errno));
		netns_scan_free(scan);
		return r;
	}
	*ret = scan;
	return 0;
}

void netns_scan_free(struct netns_scan *scan)
{
	if (!scan)
		return;
	if (scan->proc)
		closedir(scan->proc);
	if (scan->mounts_fd >= 0)
		close(scan->mounts_fd);
	forget_mounts(scan);
	free(scan->mounted);
	free(scan);
}

static void scan_processes(struct netns_scan *scan, netns_found_fn found, void *context,
			   bool *blind)
{
	const struct dirent *entry;
	char name[32], link[64], path[48];
	uint32_t netns;
	ssize_t n;

	rewinddir(scan->proc);
	while ((entry = readdir(scan->proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    strlen(entry->d_name) > 10)
			continue;
		snprintf(name, sizeof(name), "%.10s/ns/net", entry->d_name);
		n = readlinkat(dirfd(scan->proc), name, link, sizeof(link) - 1);
		if (n < 0) {
			if (errno == EACCES || errno == EPERM)
				*blind = true;
			continue; /* ended meanwhile */
		}
		link[n] = '\0';
		if (!parse_link(&netns, link))
			continue;
		snprintf(path, sizeof(path), "/proc/%s", name);
		found(context, netns, path);
	}
}

int netns_scan_run(struct netns_scan *scan, netns_found_fn found, void *context, bool *blind)
{
	size_t i;
	int r = 0;

	*blind = false;
	if (mounts_changed(scan))
		r = read_mounts(scan);
	scan->have_read = r == 0;
	for (i = 0; i < scan->count; i++)
		found(context, scan->mounted[i].netns, scan->mounted[i].path);
	scan_processes(scan, found, context, blind);
	return r;
}
