// SPDX-License-Identifier: Apache-2.0
/*
 * The recording. It is written in pieces, and where there is no room for one it
 * is cut back to its last whole line, so that it can be replayed as far as it
 * goes, and ended: nobody can see in a file that something is missing in its
 * middle. What the collector is there for goes on.
 */
#include "engine/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/why.h"

#define PIECE_BYTES 16384

/* All that waits, or as many whole lines of it as there is room for. */
static int put(struct tap *tap)
{
	size_t done = 0;
	int r = 0, cut;
	ssize_t n;

	while (r == 0 && done < tap->waiting.len) {
		n = write(tap->fd, tap->waiting.data + done, tap->waiting.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			r = n == 0 ? -EIO : -errno;
	}
	while (done && tap->waiting.data[done - 1] != '\n')
		done--;
	tap->length_bytes += done;
	buf_consume(&tap->waiting, done);
	if (r < 0) {
		cut = ftruncate(tap->fd, (off_t)tap->length_bytes);
		(void)cut; /* of a pipe nothing can be taken back */
	}
	return r;
}

/* What still waits is lost. 0, or -errno of what was written before. */
static int shut(struct tap *tap)
{
	for (size_t i = 0; i < tap->waiting.len; i++)
		tap->lost += tap->waiting.data[i] == '\n';
	buf_fini(&tap->waiting);
	tap->is_open = false;
	return close(tap->fd) < 0 ? -errno : 0;
}

static void break_off(struct tap *tap, int r)
{
	tap->is_broken = true;
	log_error("%s: %s: the recording is incomplete and ends here", tap->path, strerror(-r));
}

int tap_open(struct tap *tap, const char *path, uint64_t started_wall_ns, struct why *why)
{
	int r;

	tap->path = path;
	tap->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (tap->fd < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	tap->is_open = true;
	buf_reserve(&tap->waiting, 2 * PIECE_BYTES); /* a piece and any line */
	buf_printf(&tap->waiting, "clock wall_minus_boot=%lld started=%llu\n",
		   (long long)clock_wall_minus_boot_ns(), (unsigned long long)started_wall_ns);
	r = tap->waiting.error ? tap->waiting.error : put(tap);
	if (r < 0) {
		shut(tap);
		why_set(why, r, "%s: %s", path, strerror(-r));
	}
	return r;
}

void tap_write(struct tap *tap, const struct obs *obs)
{
	const size_t before = tap->waiting.len;
	int r;

	if (!tap->is_open) {
		tap->lost += tap->path != NULL;
		return;
	}
	obs_append_text(&tap->waiting, obs);
	buf_putc(&tap->waiting, '\n');
	r = tap->waiting.error;
	if (r < 0) {
		tap->waiting.len = before;
		tap->lost++;
		put(tap);
	} else if (tap->waiting.len >= PIECE_BYTES) {
		r = put(tap);
	}
	if (r < 0) {
		shut(tap);
		break_off(tap, r);
	}
}

void tap_close(struct tap *tap)
{
	int r, closed;

	if (!tap->is_open)
		return;
	r = put(tap);
	closed = shut(tap); /* some file systems tell only now */
	if (r < 0 || closed < 0)
		break_off(tap, r < 0 ? r : closed);
}
