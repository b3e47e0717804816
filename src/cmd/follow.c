// SPDX-License-Identifier: Apache-2.0
/*
 * weir trace --resolve. One loop waits for the stream, for name servers, for the reader of
 * standard output, for the time of the line that was held longest, and for a signal.
 * Standard output is written to when poll(2) says that it takes something, in pieces that
 * fit a pipe then (PIPE_BUF), so that a signal finds the loop and not a blocked write.
 */
#include "cmd/follow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "client/requests.h"
#include "cmd/held.h"
#include "cmd/output.h"
#include "cmd/resolve.h"
#include "ui/names.h"

#define PATIENCE_NS (1 * NUM_NS_PER_S)
/* For a reader that does not read, once a signal has come. */
#define LAST_WRITE_MS 1000
/* Written lines that are not taken; beyond it the collector waits. */
#define OUT_BYTES_MAX (1U << 20)

enum { FD_SIGNALS, FD_OUT, FD_NAMES };

struct follow {
	struct resolve *resolve; /* borrowed */
	struct held held;
	struct buf partial;      /* owned: a line that is not whole */
	struct buf out, scratch; /* owned */
	struct pollfd fds[FD_NAMES + NAMES_FDS_MAX];
	bool is_over, is_signalled;
	int written, r;
	struct why *why;         /* borrowed */
};

/* What the line becomes now; true: a name is to come. */
static bool rewrite(struct follow *follow, struct buf *out, const char *line, size_t n)
{
	follow->resolve->awaits = false;
	rewrite_trace(out, &follow->resolve->rewrite, line, n);
	return follow->resolve->awaits;
}

/* Lines whose names are here, or whose time is over, go to out; with `all` each. */
static void release(struct follow *follow, bool all)
{
	const char *line;
	uint64_t until_boot_ns;
	size_t n;

	while (held_first(&follow->held, &line, &n, &until_boot_ns)) {
		const size_t before = follow->out.len;
		const bool awaits = rewrite(follow, &follow->out, line, n);

		if (awaits && !all && follow->resolve->now_boot_ns < until_boot_ns &&
		    !held_is_full(&follow->held)) {
			follow->out.len = before;
			return;
		}
		held_pop(&follow->held);
	}
}

/* Writes a piece, which poll has room for. */
static void write_piece(struct follow *follow)
{
	const size_t n = follow->out.len < PIPE_BUF ? follow->out.len : PIPE_BUF;

	follow->written = output_write(follow->out.data, n);
	buf_consume(&follow->out, n);
}

/* Until all is written, or nobody reads, or a signal; after a signal, until the reader takes
 * nothing for a second. */
static void write_all(struct follow *follow)
{
	while (follow->out.len && follow->written == 0) {
		const bool last = follow->is_signalled;
		struct pollfd fds[] = {
			[FD_SIGNALS] = { last ? -1 : follow->fds[FD_SIGNALS].fd, POLLIN, 0 },
			[FD_OUT] = { STDOUT_FILENO, POLLOUT, 0 },
		};

		if (poll(fds, 2, last ? LAST_WRITE_MS : -1) <= 0)
			return;
		follow->is_signalled |= fds[FD_SIGNALS].revents != 0;
		if (fds[FD_OUT].revents)
			write_piece(follow);
		else
			return;
	}
}

static int take_line(struct follow *follow, const char *line, size_t n)
{
	uint64_t until_boot_ns = 0;

	if (held_is_full(&follow->held))
		release(follow, false);
	buf_clear(&follow->scratch);
	if (rewrite(follow, &follow->scratch, line, n))
		until_boot_ns = follow->resolve->now_boot_ns + PATIENCE_NS;
	return held_push(&follow->held, line, n, until_boot_ns);
}

static size_t on_body(void *context, const char *bytes, size_t n)
{
	struct follow *follow = context;
	const char *line, *end, *stop;
	int r = 0;

	buf_append(&follow->partial, bytes, n);
	line = follow->partial.data;
	end = line + follow->partial.len;
	follow->resolve->now_boot_ns = clock_boot_ns();
	while (r == 0 && !follow->partial.error && line < end &&
	       (stop = memchr(line, '\n', (size_t)(end - line)))) {
		r = take_line(follow, line, (size_t)(stop - line) + 1);
		line = stop + 1;
	}
	if (r < 0 || follow->partial.error || follow->out.error) {
		follow->r = why_set(follow->why, -ENOMEM, "no memory for lines");
		return 0;
	}
	buf_consume(&follow->partial, (size_t)(line - follow->partial.data));
	if (follow->out.len > OUT_BYTES_MAX)
		write_all(follow);
	return follow->is_signalled || follow->written < 0 ? 0 : n;
}

static void on_done(void *context, int r, const struct why *why)
{
	struct follow *follow = context;

	follow->is_over = true;
	if (follow->r == 0 && r < 0)
		follow->r = why_set(follow->why, r, "%s", why->text);
}

static int until_ms(const struct follow *follow, uint64_t now_boot_ns)
{
	const int names_ms = names_timeout_ms(follow->resolve->names, now_boot_ns);
	const char *line;
	uint64_t until_boot_ns;
	size_t n;
	int held_ms;

	if (!held_first(&follow->held, &line, &n, &until_boot_ns))
		return names_ms < 0 ? 60000 : names_ms;
	held_ms = clock_poll_ms(until_boot_ns, now_boot_ns);
	return names_ms < 0 || held_ms < names_ms ? held_ms : names_ms;
}

static int turn(struct follow *follow, struct requests *requests)
{
	struct names *names = follow->resolve->names;
	struct pollfd *out = &follow->fds[FD_OUT];
	const unsigned n = names_fds(names, follow->fds + FD_NAMES, NAMES_FDS_MAX);
	int r;

	/* without events it tells only that nobody reads any more */
	*out = (struct pollfd){ STDOUT_FILENO, follow->out.len ? POLLOUT : 0, 0 };
	r = requests_wait(requests, follow->fds, FD_NAMES + n, until_ms(follow, clock_boot_ns()),
			  follow->why);
	if (r < 0)
		return r;
	follow->is_signalled |= follow->fds[FD_SIGNALS].revents != 0;
	follow->resolve->now_boot_ns = clock_boot_ns();
	names_process(names, follow->fds + FD_NAMES, n, follow->resolve->now_boot_ns);
	release(follow, false);
	if (out->revents & POLLOUT && follow->out.len)
		write_piece(follow);
	else if (out->revents & (POLLERR | POLLNVAL))
		follow->written = out->revents & POLLNVAL ? -EBADF : -EPIPE;
	return follow->out.error;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void run(struct follow *follow, struct requests *requests)
{
	int r = 0;

	while (r == 0 && !follow->is_over && !follow->is_signalled && follow->written == 0)
		r = turn(follow, requests);
	if (r < 0 && follow->r == 0)
		follow->r = r;
	release(follow, true);
	buf_append(&follow->out, follow->partial.data, follow->partial.len);
	write_all(follow);
}

int follow_events(struct client *client, const struct client_param *params,
		  struct resolve *resolve, int *written, struct why *why)
{
	struct follow follow = { .resolve = resolve, .why = why };
	const struct client_outlet outlet = { on_body, &follow, .is_endless = true };
	struct requests *requests = NULL;
	struct request *request;
	const int signals = block_signals();

	if (signals < 0)
		return why_set(why, -errno, "signalfd: %s", strerror(errno));
	resolve->rewrite.host_max = 0; /* no columns stand behind it */
	follow.fds[FD_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	follow.r = requests_new(&requests, client, why);
	if (follow.r == 0)
		follow.r = request_start(&request, requests, "/api/v1/events", params, &outlet,
					 on_done, &follow, why);
	if (follow.r == 0)
		run(&follow, requests);
	*written = follow.written;
	requests_free(requests);
	close(signals);
	held_fini(&follow.held);
	buf_fini(&follow.partial);
	buf_fini(&follow.out);
	buf_fini(&follow.scratch);
	return follow.r;
}
