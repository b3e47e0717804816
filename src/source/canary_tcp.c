// SPDX-License-Identifier: Apache-2.0
/*
 * The canary of TCP: a connection over a loopback of our own, and what the source says
 * of both its ends held against what was sent, by whom.
 *
 * Between the addresses of a beacon, so that no weir on this host shows it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/why.h"
#include "source/beacon.h"
#include "source/canary.h"
#include "source/private_netns.h"
#include "source/source.h"

struct end {
	uint64_t cookie; /* 0: not told yet */
	struct obs_socket last;
	uint32_t pid;
	bool made, closed;
};

struct canary {
	struct source *source; /* owned */
	struct end end[SIDES];
	uint32_t error; /* of a connect to where there is no way; 0: not told */
};

/* 192.0.2.1 (RFC 5737): nobody has it, and a loopback leads nowhere. */
#define NOWHERE 0xc0000201U

static bool is_nowhere(const struct addr *addr)
{
	const uint32_t v4_be = htonl(NOWHERE);
	struct addr nowhere;

	addr_from_v4(&nowhere, &v4_be);
	return addr_is_equal(addr, &nowhere);
}

static void on_obs(void *context, const struct obs *obs)
{
	struct canary *canary = context;
	struct key key = { 0 };
	struct end *end;

	if (obs->kind == OBS_OWNER) {
		for (end = canary->end; end < canary->end + SIDES; end++)
			if (end->cookie == obs->owner.cookie)
				end->pid = obs->owner.owner.pid;
		return;
	}
	if (obs->kind == OBS_SWEEP)
		return;
	if (obs->socket.has & SOCKET_FAILED && is_nowhere(&obs->socket.local.addr[RESPONDER])) {
		canary->error = obs->socket.error;
		return;
	}
	end = &canary->end[obs->socket.role == SOCKET_ROLE_CLIENT ? INITIATOR : RESPONDER];
	key.orig = end == canary->end ? obs->socket.local : tuple_inverse(&obs->socket.local);
	if (!beacon_is_one(&key))
		return;
	end->cookie = obs->socket.cookie;
	end->last = obs->socket;
	end->made |= obs->socket.has & SOCKET_MADE;
	end->closed = obs->kind == OBS_CLOSE;
}

static int bind_tcp(enum side side)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(BEACON_ADDRESS(side)) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -errno;
}

static int pass(int from_fd, int to_fd, size_t size)
{
	char bytes[CANARY_REPLY_BYTES] = { 0 };

	if (send(from_fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    recv(to_fd, bytes, size, MSG_WAITALL) != (ssize_t)size)
		return -EIO;
	return 0;
}

/* Both ends are ours, and all that is sent finds room: nothing waits for anything. */
static int talk(int listen_fd, int client_fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int server_fd, r;

	if (listen(listen_fd, 1) < 0 ||
	    getsockname(listen_fd, (struct sockaddr *)&address, &size) < 0 ||
	    connect(client_fd, (const struct sockaddr *)&address, size) < 0)
		return -errno;
	server_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (server_fd < 0)
		return -errno;
	r = pass(client_fd, server_fd, CANARY_REQUEST_BYTES);
	if (r == 0)
		r = pass(server_fd, client_fd, CANARY_REPLY_BYTES);
	/* the client's FIN has come once there is nothing more to read */
	if (r == 0 && (shutdown(client_fd, SHUT_WR) < 0 || recv(server_fd, &address, 1, 0) != 0))
		r = -EIO;
	close(server_fd);
	return r;
}

static int connect_once(struct why *why)
{
	const int client_fd = bind_tcp(INITIATOR), listen_fd = bind_tcp(RESPONDER);
	int r;

	if (client_fd < 0 || listen_fd < 0)
		r = client_fd < 0 ? client_fd : listen_fd;
	else
		r = talk(listen_fd, client_fd);
	if (client_fd >= 0)
		close(client_fd);
	if (listen_fd >= 0)
		close(listen_fd);
	return r < 0 ? why_set(why, r, "a connection of our own: %s", strerror(-r)) : 0;
}

static void connect_nowhere(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9),
					     .sin_addr.s_addr = htonl(NOWHERE) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	/* that it fails is what it is for */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		errno = 0;
	close(fd);
}

static bool is_over(const void *context)
{
	const struct canary *canary = context;

	return canary->end[INITIATOR].closed && canary->end[RESPONDER].closed;
}

static int compare(const struct canary *canary, struct why *why)
{
	static const char *const names[SIDES] = { "client", "server" };
	static const uint64_t sent[SIDES] = { CANARY_REQUEST_BYTES, CANARY_REPLY_BYTES };

	for (enum side side = 0; side < SIDES; side++) {
		const struct end *end = &canary->end[side];

		if (!end->cookie)
			return why_set(why, -ENOTSUP, "the %s of a connection of our own is not "
						      "told", names[side]);
		/* a hook on accept can be silent, too: what closes is told all the same */
		if (!end->made)
			return why_set(why, -ENOTSUP, "the begin of a %s of our own is not told",
				       names[side]);
		if (!end->closed)
			return why_set(why, -ENOTSUP, "the end of a %s of our own is not told",
				       names[side]);
		if (end->last.payload_sent_bytes != sent[side] ||
		    end->last.payload_received_bytes != sent[!side])
			return why_set(why, -ENOTSUP,
				       "a %s of our own is told with %" PRIu64 " bytes sent and %"
				       PRIu64 " received instead of %" PRIu64 " and %" PRIu64,
				       names[side], end->last.payload_sent_bytes,
				       end->last.payload_received_bytes, sent[side], sent[!side]);
		if (end->pid != (uint32_t)getpid())
			return why_set(why, -ENOTSUP, "a %s of our own is told to be of process "
						      "%" PRIu32, names[side], end->pid);
	}
	return 0;
}

int canary_tcp(enum rung life, enum rung live, struct why *why)
{
	struct source_conf conf = { .refresh_ns = NUM_NS_PER_S, .shows_beacons = true };
	struct canary canary = { 0 };
	const struct obs_outlet outlet = { on_obs, &canary };
	int home_fd, r;

	conf.rung[FEATURE_TCP_LIFE] = life;
	conf.rung[FEATURE_TCP_LIVE] = live;
	r = source_socklife.open(&canary.source, &conf, &outlet, why);
	if (r < 0)
		return r;
	home_fd = r = private_netns_enter(why);
	if (r >= 0) {
		r = connect_once(why);
		connect_nowhere();
		private_netns_leave(home_fd);
	}
	if (r >= 0) {
		canary_watch(canary.source, is_over, &canary);
		r = compare(&canary, why);
	}
	if (r >= 0 && life == RUNG_BPF_FENTRY && canary.error != ENETUNREACH)
		r = why_set(why, -ENOTSUP, "why a connect of our own failed is not told");
	source_socklife.close(canary.source);
	return r < 0 ? r : 0;
}
