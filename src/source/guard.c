// SPDX-License-Identifier: Apache-2.0
/*
 * The guard: a process that does one thing when the collector does nothing.
 *
 * It shares with the collector one page (when it last ticked, how often it was
 * given up on) and a socket over which descriptors come and go. It counts its
 * own quiet turns instead of comparing clocks, so that a suspended machine does
 * not look like a stopped collector. It must outlive whatever stops the
 * collector, and so has a session of its own and ignores what a terminal or a
 * service manager sends to a group; it must not outlive the collector itself,
 * and so ends at the end of file of their socket. What the collector would have
 * put back in the kernel, had it not been killed, is put back then. It also ends when
 * it is refused a descriptor that it should hold: what it cannot guard must not be
 * reliable, and the collector may be switching that on just now.
 */
#include "source/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/caps.h"
#include "base/num.h"
#include "base/why.h"
#include "source/ct_socket.h"
#include "source/ct_sysctl.h"

/* Turns without a tick until it gives up. */
#define QUIET_TURNS 5
#define CHECK_NS NUM_NS_PER_S
#define GUARD_NAME "weir-guard"

struct page {
	_Atomic uint64_t ticked_boot_ns;
	_Atomic uint64_t give_ups;
};

struct guard {
	struct page *page; /* owned: shared with the process */
	int fd;            /* owned: the socket to it */
	pid_t pid;
	bool alive;
	uint64_t check_boot_ns; /* when to see whether it lives */

	size_t watched;    /* what it has and may have to be told to let go */
	uint64_t *pending; /* owned: ids that it is yet to be told, with room for all */
	size_t pending_count, capacity;
};

enum order { WATCH_SOCKET, WATCH_SWITCH, UNWATCH };

struct message {
	uint64_t order, id;
};

/* The guard's side: what it holds. */
struct held {
	struct {
		uint64_t id;
		int fd;
		bool is_switch;
	} *item;
	size_t count, capacity;
};

static void held_drop(struct held *held, uint64_t id)
{
	size_t i;

	for (i = 0; i < held->count; i++) {
		if (held->item[i].id != id)
			continue;
		close(held->item[i].fd);
		held->item[i] = held->item[--held->count];
		return;
	}
}

static int held_add(struct held *held, uint64_t id, int fd, bool is_switch)
{
	void *grown;

	held_drop(held, id);
	if (held->count == held->capacity) {
		const size_t capacity = held->capacity ? 2 * held->capacity : 16;

		grown = reallocarray(held->item, capacity, sizeof(*held->item));
		if (!grown) {
			close(fd);
			return -ENOMEM;
		}
		held->item = grown;
		held->capacity = capacity;
	}
	held->item[held->count].id = id;
	held->item[held->count].is_switch = is_switch;
	held->item[held->count++].fd = fd;
	return 0;
}

static void give_up(const struct held *held)
{
	size_t i;

	for (i = 0; i < held->count; i++)
		if (!held->item[i].is_switch)
			ct_socket_set_reliable(held->item[i].fd, false);
}

static void put_back(const struct held *held)
{
	size_t i;

	for (i = 0; i < held->count; i++)
		if (held->item[i].is_switch)
			ct_sysctl_put_back(held->item[i].fd);
}

/* 1: a message, 0: the collector is gone. */
static int receive(int fd, struct message *ret, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { ret, sizeof(*ret) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	ssize_t n;

	*ret_fd = -1;
	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*ret))
		return 0;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
	return 1;
}

static _Noreturn void run(int fd, struct page *page, uint64_t patience_ns)
{
	const int turn_ms = (int)(patience_ns / QUIET_TURNS / NUM_NS_PER_MS);
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint64_t ticked, last = atomic_load(&page->ticked_boot_ns);
	struct held held = { 0 };
	unsigned quiet = 0;
	struct message message;
	int n, got_fd;

	for (;;) {
		n = poll(&poller, 1, turn_ms > 0 ? turn_ms : 1);
		if (n > 0) {
			if (!receive(fd, &message, &got_fd)) {
				put_back(&held);
				_exit(0);
			}
			if (message.order == UNWATCH)
				held_drop(&held, message.id);
			else if ((got_fd < 0 || held_add(&held, message.id, got_fd,
							 message.order == WATCH_SWITCH) < 0) &&
				 message.order != WATCH_SWITCH)
				_exit(1); /* then nothing is reliable any more */
			continue;
		}
		ticked = atomic_load(&page->ticked_boot_ns);
		quiet = ticked == last ? quiet + 1 : 0;
		last = ticked;
		if (quiet != QUIET_TURNS)
			continue;
		give_up(&held);
		atomic_fetch_add(&page->give_ups, 1);
	}
}

/* What is inherited is let go: signals, descriptors, rights, the terminal. */
static int shed(int fd)
{
	static const int kept[] = { CAP_NET_ADMIN };
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1,
				       SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGCHLD };
	sigset_t none;
	size_t i;
	int n, null;

	for (n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	for (i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_NAME, GUARD_NAME);

	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return -errno;
	/* first out of the way of the standard three */
	fd = fcntl(fd, F_DUPFD, 4);
	if (fd < 0)
		return -errno;
	for (n = 0; n < 3; n++)
		if (dup2(null, n) < 0)
			return -errno;
	if (dup2(fd, 3) < 0 || close_range(4, ~0U, 0) < 0)
		return -errno;
	if (chdir("/") < 0)
		return -errno;
	/* turning reliability off takes no right at all; a switch is root's, but
	 * that of a user namespace, and for another user, takes this one */
	caps_keep(kept, ARRAY_LEN(kept), NULL);
	return 3;
}

int guard_new_patient(struct guard **ret, uint64_t patience_ns, struct why *why)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int pair[2], r;
	void *page;

	if (!guard)
		return -ENOMEM;
	guard->fd = -1;
	page = mmap(NULL, sizeof(*guard->page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		r = why_set(why, -errno, "guard: shared page: %s", strerror(errno));
		goto fail;
	}
	guard->page = page;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = why_set(why, -errno, "guard: socketpair: %s", strerror(errno));
		goto fail;
	}
	guard->pid = fork();
	if (!guard->pid) {
		close(pair[0]);
		r = shed(pair[1]);
		if (r < 0)
			_exit(1);
		run(r, guard->page, patience_ns);
	}
	r = guard->pid < 0 ? -errno : 0;
	close(pair[1]);
	guard->fd = pair[0];
	if (r < 0) {
		why_set(why, r, "guard: fork: %s", strerror(-r));
		goto fail;
	}
	guard->alive = true;
	*ret = guard;
	return 0;
fail:
	guard_free(guard);
	return r;
}

int guard_new(struct guard **ret, struct why *why)
{
	return guard_new_patient(ret, GUARD_PATIENCE_NS, why);
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	if (guard->fd >= 0)
		close(guard->fd);
	/* end of file ends it too, but not while it is stopped */
	if (guard->pid > 0) {
		kill(guard->pid, SIGKILL);
		while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (guard->page)
		munmap(guard->page, sizeof(*guard->page));
	free(guard->pending);
	free(guard);
}

/* Never blocks: a guard that is stopped must not stop the collector. */
static int order(const struct guard *guard, enum order what, uint64_t id, int fd)
{
	struct message message = { .order = what, .id = id };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &message, sizeof(message) };
	struct msghdr envelope = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		envelope.msg_control = &control;
		envelope.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	if (sendmsg(guard->fd, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* False while there is one that finds no room. */
static bool send_pending(struct guard *guard)
{
	size_t sent = 0;

	while (sent < guard->pending_count &&
	       order(guard, UNWATCH, guard->pending[sent], -1) != -EAGAIN)
		sent++;
	guard->pending_count -= sent;
	memmove(guard->pending, guard->pending + sent,
		guard->pending_count * sizeof(*guard->pending));
	return !guard->pending_count;
}

static int reserve(struct guard *guard)
{
	const size_t capacity = guard->capacity ? 2 * guard->capacity : 16;
	void *grown;

	if (guard->watched < guard->capacity)
		return 0;
	grown = reallocarray(guard->pending, capacity, sizeof(*guard->pending));
	if (!grown)
		return -ENOMEM;
	guard->pending = grown;
	guard->capacity = capacity;
	return 0;
}

static int hand_over(struct guard *guard, enum order what, int fd, uint64_t id)
{
	int r;

	/* an old order must not come behind, for the same id */
	if (guard->pending_count && !send_pending(guard))
		return -EAGAIN;
	r = reserve(guard);
	if (r == 0)
		r = order(guard, what, id, fd);
	guard->watched += r == 0;
	return r;
}

int guard_watch(struct guard *guard, int fd, uint64_t id)
{
	return hand_over(guard, WATCH_SOCKET, fd, id);
}

int guard_watch_switch(struct guard *guard, int fd, uint64_t id)
{
	return hand_over(guard, WATCH_SWITCH, fd, id);
}

void guard_unwatch(struct guard *guard, uint64_t id)
{
	guard->watched--;
	if ((guard->pending_count && !send_pending(guard)) ||
	    order(guard, UNWATCH, id, -1) == -EAGAIN)
		guard->pending[guard->pending_count++] = id;
}

void guard_tick(struct guard *guard, uint64_t now_boot_ns)
{
	siginfo_t info = { 0 };

	atomic_store_explicit(&guard->page->ticked_boot_ns, now_boot_ns, memory_order_relaxed);
	if (now_boot_ns < guard->check_boot_ns || !guard->alive)
		return;
	guard->check_boot_ns = now_boot_ns + CHECK_NS;
	if (guard->pending_count)
		send_pending(guard);
	/* left unreaped, so that its number is not another's when it is freed */
	if (waitid(P_PID, (id_t)guard->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
		guard->alive = false;
}

uint64_t guard_give_ups(const struct guard *guard)
{
	return atomic_load(&guard->page->give_ups);
}

bool guard_is_alive(const struct guard *guard)
{
	return guard->alive;
}

int guard_pid(const struct guard *guard)
{
	return guard->pid;
}
