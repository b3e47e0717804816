// SPDX-License-Identifier: Apache-2.0
/*
 * The event loop: epoll, timerfd, signalfd; one thread.
 *
 * A watch that is removed while its event waits in the same batch must not be
 * called: removed watches are only marked, and freed after the batch.
 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/num.h"
#include "base/why.h"

#define BATCH 32
#define SIGNALS_MAX 8

struct watch {
	struct watch *next;
	int fd;
	bool removed;
	loop_fn fn;
	void *context;
};

struct loop_timer {
	struct loop *loop; /* borrowed */
	int fd;            /* owned */
	uint64_t at_boot_ns;
	loop_fn fn;
	void *context;
};

struct signal_row {
	int number;
	loop_fn fn;
	void *context;
};

struct loop {
	int epoll_fd, signal_fd;
	struct watch *watches; /* owned */
	sigset_t signals;
	struct signal_row signal[SIGNALS_MAX];
	unsigned signal_count;
	bool quit;
	int code;
	uint64_t wakeups;
};

int loop_new(struct loop **ret, struct why *why)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return why_set(why, -ENOMEM, "no memory for the event loop");
	loop->signal_fd = -1;
	sigemptyset(&loop->signals);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		r = why_set(why, -errno, "epoll: %s", strerror(errno));
		loop_free(loop);
		return r;
	}
	*ret = loop;
	return 0;
}

static void forget_removed(struct loop *loop)
{
	struct watch **at = &loop->watches, *watch;

	while ((watch = *at)) {
		if (!watch->removed) {
			at = &watch->next;
			continue;
		}
		*at = watch->next;
		free(watch);
	}
}

void loop_free(struct loop *loop)
{
	struct watch *watch;

	if (!loop)
		return;
	for (watch = loop->watches; watch; watch = watch->next)
		watch->removed = true;
	forget_removed(loop);
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

int loop_add_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fn fn, void *context)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct epoll_event event = { .events = epoll_events, .data.ptr = watch };

	if (!watch)
		return -ENOMEM;
	*watch = (struct watch){ .fd = fd, .fn = fn, .context = context };
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		const int r = -errno;

		free(watch);
		return r;
	}
	watch->next = loop->watches;
	loop->watches = watch;
	return 0;
}

void loop_remove_fd(struct loop *loop, int fd)
{
	struct watch *watch;

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	for (watch = loop->watches; watch; watch = watch->next) {
		if (watch->fd == fd)
			watch->removed = true;
	}
}

static void on_timer(void *context)
{
	struct loop_timer *timer = context;
	uint64_t expirations;

	if (read(timer->fd, &expirations, sizeof(expirations)) < 0)
		return; /* it was set anew in this very batch */
	timer->at_boot_ns = UINT64_MAX;
	timer->fn(timer->context);
}

int loop_timer_new(struct loop *loop, struct loop_timer **ret, loop_fn fn, void *context)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	int r;

	if (!timer)
		return -ENOMEM;
	*timer = (struct loop_timer){ .loop = loop, .fn = fn, .context = context };
	timer->at_boot_ns = UINT64_MAX;
	timer->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->fd < 0) {
		r = -errno;
		free(timer);
		return r;
	}
	r = loop_add_fd(loop, timer->fd, EPOLLIN, on_timer, timer);
	if (r < 0) {
		close(timer->fd);
		free(timer);
		return r;
	}
	*ret = timer;
	return 0;
}

void loop_timer_set(struct loop_timer *timer, uint64_t at_boot_ns)
{
	struct itimerspec when = { 0 };

	if (timer->at_boot_ns == at_boot_ns)
		return;
	timer->at_boot_ns = at_boot_ns;
	if (at_boot_ns == 0)
		at_boot_ns = 1; /* zero would disarm it */
	if (at_boot_ns != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_boot_ns / NUM_NS_PER_S);
		when.it_value.tv_nsec = (long)(at_boot_ns % NUM_NS_PER_S);
	}
	timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_remove_fd(timer->loop, timer->fd);
	close(timer->fd);
	free(timer);
}

static void on_signal(void *context)
{
	struct loop *loop = context;
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		for (unsigned i = 0; i < loop->signal_count; i++) {
			if (loop->signal[i].number == (int)info.ssi_signo)
				loop->signal[i].fn(loop->signal[i].context);
		}
	}
}

int loop_add_signal(struct loop *loop, int signal_number, loop_fn fn, void *context)
{
	const bool first = loop->signal_fd < 0;
	int fd;

	if (loop->signal_count == SIGNALS_MAX)
		return -ENOSPC;
	sigaddset(&loop->signals, signal_number);
	if (sigprocmask(SIG_BLOCK, &loop->signals, NULL) < 0)
		return -errno;
	fd = signalfd(loop->signal_fd, &loop->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	loop->signal_fd = fd;
	loop->signal[loop->signal_count++] = (struct signal_row){ signal_number, fn, context };
	return first ? loop_add_fd(loop, fd, EPOLLIN, on_signal, loop) : 0;
}

int loop_run(struct loop *loop)
{
	struct epoll_event event[BATCH];
	struct watch *watch;
	int n;

	while (!loop->quit) {
		n = epoll_wait(loop->epoll_fd, event, BATCH, -1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		loop->wakeups++;
		for (int i = 0; i < n; i++) {
			watch = event[i].data.ptr;
			if (!watch->removed)
				watch->fn(watch->context);
		}
		forget_removed(loop);
	}
	return loop->code;
}

void loop_quit(struct loop *loop, int code)
{
	loop->quit = true;
	loop->code = code;
}

uint64_t loop_wakeups(const struct loop *loop)
{
	return loop->wakeups;
}
