// SPDX-License-Identifier: Apache-2.0
/* What /proc tells of a process. */
#include "source/proc_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "source/cgroup.h"

static void read_exe(int pid_fd, char ret[OWNER_PATH_SIZE])
{
	const ssize_t n = readlinkat(pid_fd, "exe", ret, OWNER_PATH_SIZE - 1);

	ret[n > 0 ? n : 0] = '\0';
}

static int read_at(int pid_fd, const char *name, char *ret, size_t size)
{
	const int fd = openat(pid_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	ret[n] = '\0';
	return (int)n;
}

int proc_read_owner(struct owner *ret, int pid_fd, uint32_t pid)
{
	char text[4096];
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->pid = pid;
	r = read_at(pid_fd, "comm", text, sizeof(text));
	if (why_is_shortage(r))
		return r;
	if (r > 0) {
		text[strcspn(text, "\n")] = '\0';
		memcpy(ret->comm, text, strnlen(text, OWNER_COMM_SIZE - 1));
	}
	read_exe(pid_fd, ret->exe);
	r = read_at(pid_fd, "cgroup", text, sizeof(text));
	if (r > 0)
		cgroup_parse(ret, text);
	return why_is_shortage(r) ? r : 0;
}
