// SPDX-License-Identifier: Apache-2.0
/*
 * The door: takes clients from the listening socket and gives them to the
 * library.
 *
 * The library would take them itself, but not without descriptors: then it tries
 * for ever, at the cost of a whole core, or, while there are connections, not
 * again before one of them ends (MHD_accept_connection of 0.9.75). So one
 * descriptor is kept here, and who finds no room is told so. It is afterwards the
 * connection of who was told last, since to close that at once would break into
 * the client's request. When even this one is not to be had, the door stays shut
 * for a while.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/why.h"
#include "serve/serve_impl.h"

#define SHUT_NS NUM_NS_PER_S
#define TELL_NS (60 * NUM_NS_PER_S)

static void keep(struct serve *serve, int fd)
{
	if (serve->kept_fd >= 0)
		close(serve->kept_fd);
	serve->kept_fd = fd;
}

static void tell(struct serve *serve, const char *reason)
{
	if (log_limit_allows(&serve->turned_away, clock_boot_ns(), TELL_NS))
		log_warn("the API takes no more clients for now: %s", reason);
}

static void turn_away(struct serve *serve, int fd, const char *reason)
{
	char body[256], answer[512];

	snprintf(body, sizeof(body), "{\"error\":\"no more clients for now: %s\"}\n", reason);
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
	send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	keep(serve, fd);
	tell(serve, reason);
}

/* A private collector's socket has a name that anyone may find. */
static bool is_welcome(const struct serve *serve, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !serve->conf.only_pid ||
	       (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
		peer.pid == serve->conf.only_pid);
}

/* refused: why the client came by the descriptor that was kept; 0: by another. */
static void let_in(struct serve *serve, int fd, int refused)
{
	const struct sockaddr_un nameless = { .sun_family = AF_UNIX };

	if (!is_welcome(serve, fd)) {
		close(fd);
	} else if (refused < 0) {
		turn_away(serve, fd, strerror(-refused));
	} else if (serve->connections >= SERVE_CONNECTIONS_MAX) {
		turn_away(serve, fd, "too many are connected");
	} else {
		/* closes it when it fails */
		MHD_add_connection(serve->daemon, fd, (const struct sockaddr *)&nameless,
				   sizeof(nameless.sun_family));
		serve_wake(serve);
	}
}

static void shut(struct serve *serve)
{
	loop_remove_fd(serve->loop, serve->listen_fd);
	serve->is_open = false;
	loop_timer_set(serve->door_timer, clock_boot_ns() + SHUT_NS);
}

static int take(const struct serve *serve)
{
	const int fd = accept4(serve->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One at a time: only then is it sure that somebody stands there, which is not
 * looked at before there is a descriptor. */
static void on_client(void *context)
{
	struct serve *serve = context;
	int fd = take(serve), refused = 0;

	if (why_is_shortage(fd)) {
		refused = fd;
		keep(serve, -1);
		fd = take(serve);
	}
	if (fd >= 0) {
		let_in(serve, fd, refused);
	} else if (fd != -EAGAIN && fd != -EINTR && fd != -ECONNABORTED) {
		tell(serve, strerror(-fd));
		shut(serve);
	}
	if (serve->kept_fd < 0)
		serve->kept_fd = eventfd(0, EFD_CLOEXEC);
}

static int listen_in_loop(struct serve *serve)
{
	const int r = loop_add_fd(serve->loop, serve->listen_fd, EPOLLIN, on_client, serve);

	serve->is_open = r == 0;
	return r;
}

static void on_shut_for_long(void *context)
{
	struct serve *serve = context;

	if (listen_in_loop(serve) < 0)
		loop_timer_set(serve->door_timer, clock_boot_ns() + SHUT_NS);
}

int door_open(struct serve *serve, struct why *why)
{
	int r;

	serve->kept_fd = eventfd(0, EFD_CLOEXEC);
	if (serve->kept_fd < 0 || fcntl(serve->listen_fd, F_SETFL, O_NONBLOCK) < 0)
		return why_set(why, -errno, "the API's socket: %s", strerror(errno));
	r = loop_timer_new(serve->loop, &serve->door_timer, on_shut_for_long, serve);
	if (r == 0)
		r = listen_in_loop(serve);
	return r == 0 ? 0 : why_set(why, r, "the API's socket: %s", strerror(-r));
}

void door_close(struct serve *serve)
{
	if (serve->is_open)
		loop_remove_fd(serve->loop, serve->listen_fd);
	if (serve->listen_fd >= 0)
		close(serve->listen_fd);
	keep(serve, -1);
	loop_timer_free(serve->door_timer);
}
