// SPDX-License-Identifier: Apache-2.0
#include "engine/self.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void read_memory(struct self *ret)
{
	unsigned long long size_pages = 0, resident_pages = 0;
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *statm = fopen("/proc/self/statm", "re");

	if (!statm)
		return;
	if (fscanf(statm, "%llu %llu", &size_pages, &resident_pages) == 2) {
		ret->virtual_bytes = size_pages * page_bytes;
		ret->resident_bytes = resident_pages * page_bytes;
	}
	fclose(statm);
}

static uint64_t count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count ? count - 1 : 0; /* the folder's own */
}

void self_read(struct self *ret)
{
	struct rlimit limit;

	*ret = (struct self){ .open_fds = count_fds() };
	read_memory(ret);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		ret->max_fds = limit.rlim_cur;
}
