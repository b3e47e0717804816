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

static bool is_full(const struct door *door)
{
	const struct serve *serve = door->serve;

	return serve->connections >= SERVE_CONNECTIONS_MAX ||
	       (door->kind == DOOR_TCP && serve->tcp_connections >= SERVE_TCP_CONNECTIONS_MAX);
}

/* refused: why the client came by the descriptor that was kept; 0: by another. */
static void let_in(const struct door *door, int fd, const struct sockaddr *from, socklen_t size,
		   int refused)
{
	struct serve *serve = door->serve;

	if (door->kind == DOOR_UNIX && !is_welcome(serve, fd)) {
		close(fd);
	} else if (refused < 0) {
		turn_away(serve, fd, strerror(-refused));
	} else if (is_full(door)) {
		turn_away(serve, fd, "too many are connected");
	} else {
		/* closes it when it fails */
		MHD_add_connection(serve->daemon, fd, from, size);
		serve_wake(serve);
	}
}

static void shut(struct door *door)
{
	loop_remove_fd(door->serve->loop, door->fd);
	door->is_open = false;
	loop_timer_set(door->timer, clock_boot_ns() + SHUT_NS);
}

static int take(const struct door *door, struct sockaddr_storage *from, socklen_t *size)
{
	int fd;

	*size = sizeof(*from);
	fd = accept4(door->fd, (struct sockaddr *)from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (door->kind == DOOR_UNIX) { /* nameless */
		from->ss_family = AF_UNIX;
		*size = sizeof(from->ss_family);
	}
	return fd;
}

/* One at a time: only then is it sure that somebody stands there, which is not
 * looked at before there is a descriptor. */
static void on_client(void *context)
{
	struct door *door = context;
	struct serve *serve = door->serve;
	struct sockaddr_storage from = { 0 };
	socklen_t size;
	int fd = take(door, &from, &size), refused = 0;

	if (why_is_shortage(fd)) {
		refused = fd;
		keep(serve, -1);
		fd = take(door, &from, &size);
	}
	if (fd >= 0) {
		let_in(door, fd, (const struct sockaddr *)&from, size, refused);
	} else if (fd != -EAGAIN && fd != -EINTR && fd != -ECONNABORTED) {
		tell(serve, strerror(-fd));
		shut(door);
	}
	if (serve->kept_fd < 0)
		serve->kept_fd = eventfd(0, EFD_CLOEXEC);
}

static int listen_in_loop(struct door *door)
{
	const int r = loop_add_fd(door->serve->loop, door->fd, EPOLLIN, on_client, door);

	door->is_open = r == 0;
	return r;
}

static void on_shut_for_long(void *context)
{
	struct door *door = context;

	if (door->fd < 0 && tcp_listen(door->serve) < 0)
		return;
	if (listen_in_loop(door) < 0)
		loop_timer_set(door->timer, clock_boot_ns() + SHUT_NS);
}

/* listens: else it is to be tried again. */
static int open_one(struct door *door, bool listens)
{
	int r = loop_timer_new(door->serve->loop, &door->timer, on_shut_for_long, door);

	if (r < 0)
		return r;
	if (!listens)
		return tcp_listen(door->serve) == 0 ? listen_in_loop(door) : 0;
	return fcntl(door->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : listen_in_loop(door);
}

int door_open_all(struct serve *serve, struct why *why)
{
	int r = 0;

	serve->kept_fd = eventfd(0, EFD_CLOEXEC);
	if (serve->kept_fd < 0)
		r = -errno;
	if (r == 0 && serve->door[DOOR_UNIX].fd >= 0)
		r = open_one(&serve->door[DOOR_UNIX], true);
	if (r == 0 && serve->conf.http)
		r = open_one(&serve->door[DOOR_TCP], false);
	return r == 0 ? 0 : why_set(why, r, "the API's socket: %s", strerror(-r));
}

void door_close_all(struct serve *serve)
{
	for (unsigned i = 0; i < DOORS; i++) {
		struct door *door = &serve->door[i];

		if (door->is_open)
			loop_remove_fd(serve->loop, door->fd);
		if (door->fd >= 0)
			close(door->fd);
		loop_timer_free(door->timer);
	}
	keep(serve, -1);
}
