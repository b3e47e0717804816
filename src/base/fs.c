// SPDX-License-Identifier: Apache-2.0
/* Small files of /proc and /sys, read and written whole. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

int fs_read_text(const char *path, char *ret, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		n = read(fd, ret + length, size - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			close(fd);
			return (int)n;
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	if (length && ret[length - 1] == '\n')
		length--;
	ret[length] = '\0';
	return (int)length;
}

int fs_read_u64(const char *path, uint64_t *ret)
{
	char text[32];
	int n = fs_read_text(path, text, sizeof(text));

	if (n < 0)
		return n;
	return num_parse_u64(ret, text, (size_t)n);
}

int fs_write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}
