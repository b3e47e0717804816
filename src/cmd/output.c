// SPDX-License-Identifier: Apache-2.0
/* Standard output, where a closed pipe is no failure. */
#include "cmd/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"

int output_write(const char *bytes, size_t n)
{
	ssize_t written;

	while (n) {
		written = write(STDOUT_FILENO, bytes, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		n -= (size_t)written;
	}
	return 0;
}

int output_exit_code(int r)
{
	if (r == 0 || r == -EPIPE)
		return EXIT_OK;
	fprintf(stderr, "weir: standard output: %s\n", strerror(-r));
	return EXIT_FAILED;
}

size_t output_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
