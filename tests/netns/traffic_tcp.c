// SPDX-License-Identifier: Apache-2.0
/*
 * TCP: connections that carry a known number of bytes each way and end as told.
 * One after the other, or, with --steps, all of them open at once, with one
 * exchange on each for every line on standard input.
 */
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES 65536U

static char chunk[CHUNK_BYTES];

static void send_bytes(int fd, unsigned left, struct deeds *deeds)
{
	while (left) {
		const ssize_t n = send(fd, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES, 0);

		if (n <= 0)
			die("send");
		deeds->sent_bytes += (uint64_t)n;
		left -= (unsigned)n;
	}
}

static void receive_bytes(int fd, unsigned left, struct deeds *deeds)
{
	while (left) {
		const ssize_t n = recv(fd, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES, 0);

		if (n <= 0)
			die("recv");
		deeds->received_bytes += (uint64_t)n;
		left -= (unsigned)n;
	}
}

/* The other end says that there is no more, as it should. */
static void receive_end(int fd, struct deeds *deeds)
{
	const ssize_t n = recv(fd, chunk, 1, 0);

	if (n < 0 && errno == ECONNRESET) {
		deeds->reset++;
	} else if (n) {
		errno = EPROTO;
		die("bytes behind the last one");
	}
}

static void client_exchange(const struct plan *plan, int fd, struct deeds *deeds)
{
	send_bytes(fd, plan->send_bytes, deeds);
	receive_bytes(fd, plan->reply_bytes, deeds);
}

static void server_exchange(const struct plan *plan, int fd, struct deeds *deeds)
{
	receive_bytes(fd, plan->send_bytes, deeds);
	send_bytes(fd, plan->reply_bytes, deeds);
}

static void client_finish(const struct plan *plan, int fd, struct deeds *deeds)
{
	const struct linger now = { .l_onoff = 1 };

	switch (plan->closing) {
	case CLOSE_CLIENT:
		break;
	case CLOSE_HALF:
		if (shutdown(fd, SHUT_WR) < 0)
			die("shutdown");
		receive_bytes(fd, plan->reply_bytes, deeds);
		receive_end(fd, deeds);
		break;
	case CLOSE_SERVER:
		receive_end(fd, deeds);
		break;
	case CLOSE_RESET:
		if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0)
			die("SO_LINGER");
		break;
	}
	close(fd);
}

/* After a half-close the server sends its reply once more. */
static void server_finish(const struct plan *plan, int fd, struct deeds *deeds)
{
	if (plan->closing != CLOSE_SERVER)
		receive_end(fd, deeds);
	if (plan->closing == CLOSE_HALF)
		send_bytes(fd, plan->reply_bytes, deeds);
	close(fd);
}

static int client_connect(const struct plan *plan, unsigned i, struct deeds *deeds)
{
	const int family = plan->to.at.ss_family;
	const int fd = open_socket(plan, family, SOCK_STREAM, 0);

	bind_source(plan, fd, family, i);
	if (connect(fd, (const struct sockaddr *)&plan->to.at, plan->to.size) < 0) {
		if (errno != ECONNREFUSED || !plan->no_server)
			die("connect");
		deeds->refused++;
		close(fd);
		return -1;
	}
	deeds->connections++;
	return fd;
}

static void client_steps(const struct plan *plan, struct deeds *deeds, int peer)
{
	int *fds = calloc(plan->count, sizeof(*fds));
	unsigned i, step;

	if (!fds)
		die("calloc");
	for (i = 0; i < plan->count; i++)
		fds[i] = client_connect(plan, i, deeds);
	hear(peer);
	printf("open=%u\n", plan->count);
	for (step = 1; next_line(); step++) {
		tell(peer, 's');
		for (i = 0; i < plan->count; i++)
			client_exchange(plan, fds[i], deeds);
		printf("step=%u\n", step);
	}
	tell(peer, 'e');
	for (i = 0; i < plan->count; i++)
		client_finish(plan, fds[i], deeds);
	free(fds);
}

void tcp_client(const struct plan *plan, struct deeds *deeds, int peer)
{
	unsigned i;
	int fd;

	if (plan->steps) {
		client_steps(plan, deeds, peer);
		return;
	}
	for (i = 0; i < plan->count; i++) {
		await_turn(plan, i);
		fd = client_connect(plan, i, deeds);
		if (fd < 0)
			continue;
		client_exchange(plan, fd, deeds);
		client_finish(plan, fd, deeds);
	}
}

static int server_accept(int listener, struct deeds *deeds)
{
	const int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	deeds->connections++;
	return fd;
}

static void server_steps(const struct plan *plan, int listener, struct deeds *deeds, int peer)
{
	int *fds = calloc(plan->count, sizeof(*fds));
	unsigned i;

	if (!fds)
		die("calloc");
	for (i = 0; i < plan->count; i++)
		fds[i] = server_accept(listener, deeds);
	tell(peer, 'o');
	while (hear(peer) == 's')
		for (i = 0; i < plan->count; i++)
			server_exchange(plan, fds[i], deeds);
	for (i = 0; i < plan->count; i++)
		server_finish(plan, fds[i], deeds);
	free(fds);
}

void tcp_server(const struct plan *plan, struct deeds *deeds, int peer)
{
	const int listener = open_socket(plan, plan->listen.at.ss_family, SOCK_STREAM, 0);
	unsigned i;
	int fd;

	if (bind(listener, (const struct sockaddr *)&plan->listen.at, plan->listen.size) < 0 ||
	    listen(listener, 4096) < 0)
		die("listen");
	tell(peer, 'r');
	if (plan->steps) {
		server_steps(plan, listener, deeds, peer);
		return;
	}
	for (i = 0; i < plan->count; i++) {
		fd = server_accept(listener, deeds);
		server_exchange(plan, fd, deeds);
		server_finish(plan, fd, deeds);
	}
}
