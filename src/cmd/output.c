// SPDX-License-Identifier: Apache-2.0
/* Standard output, where a closed pipe is no failure. */
#include "cmd/output.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool output_write(const char *bytes, size_t n)
{
	ssize_t written;

	while (n) {
		written = write(STDOUT_FILENO, bytes, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		n -= (size_t)written;
	}
	return true;
}

size_t output_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
