// SPDX-License-Identifier: Apache-2.0
/*
 * One namespace's sockets.
 *
 * A pass is a chain of dumps: listeners (which ports are servers'), TCP of both
 * families, UDP of each. The kernel fills the next part of an answer while the
 * last one is read, so a pass is naturally in slices.
 */
#include "source/sd_space.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/why.h"
#include "source/diag_parse.h"
#include "source/sd_events.h"

/* include/net/tcp_states.h: everything but TIME_WAIT, NEW_SYN_RECV (no sockets
 * yet or any more), LISTEN, CLOSE */
#define STATES_LISTEN (1U << 10)
#define STATES_TCP ((1U << 1) | (1U << 2) | (1U << 3) | (1U << 4) | (1U << 5) | (1U << 8) | \
		    (1U << 9) | (1U << 11))
#define STATES_ALL UINT32_MAX

enum stage { STAGE_IDLE, STAGE_LISTEN, STAGE_TCP, STAGE_UDP4, STAGE_UDP6 };

struct sd_space {
	struct sd_shared *shared; /* borrowed */
	uint32_t netns;
	int request_fd, event_fd; /* owned; event_fd is negative where none are told */
	enum stage stage;
	uint32_t sequence;
	uint64_t began_boot_ns, cpu_ns, pass_cpu_ns;
	uint32_t seen, count;
	unsigned passes;
	bool baseline;  /* until its first pass is whole */
	bool udp_shown; /* by the pass under way, all of it */
	uint8_t listening[65536 / 8], next_listening[65536 / 8]; /* local TCP ports */
};

int sd_space_new(struct sd_space **ret, struct sd_shared *shared, uint32_t netns,
		 bool baseline, struct why *why)
{
	struct sd_space *space = calloc(1, sizeof(*space));
	int r;

	if (!space)
		return why_set(why, -ENOMEM, "no memory for another network namespace");
	space->shared = shared;
	space->netns = netns;
	space->baseline = baseline;
	space->event_fd = -1;
	space->request_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_SOCK_DIAG);
	if (space->request_fd < 0) {
		r = why_set(why, -errno, "sock_diag: %s", strerror(errno));
		goto fail;
	}
	r = 0;
	if (!shared->udp_only)
		space->event_fd = r = sd_events_open(shared->event_buffer_bytes);
	if (why_is_shortage(r)) {
		why_set(why, r, "sock_diag events: %s", strerror(-r));
		goto fail;
	}
	*ret = space;
	return 0;
fail:
	sd_space_free(space);
	return r;
}

void sd_space_free(struct sd_space *space)
{
	if (!space)
		return;
	if (space->request_fd >= 0)
		close(space->request_fd);
	if (space->event_fd >= 0)
		close(space->event_fd);
	free(space);
}

uint32_t sd_space_netns(const struct sd_space *space)
{
	return space->netns;
}

bool sd_space_is_passing(const struct sd_space *space)
{
	return space->stage != STAGE_IDLE;
}

uint32_t sd_space_count(const struct sd_space *space)
{
	return space->count;
}

uint64_t sd_space_pass_cpu_ns(const struct sd_space *space)
{
	return space->pass_cpu_ns;
}

/* TCP of all families at once: the older request has no family of its own and
 * scans the kernel's table once instead of twice (inet_diag_rcv_msg_compat). */
static int request_tcp(struct sd_space *space, uint32_t states, bool info)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req body;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = TCPDIAG_GETSOCK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			  .nlmsg_seq = ++space->sequence },
		.body = { .idiag_family = AF_INET, .idiag_states = states,
			  .idiag_ext = info ? 1 << (INET_DIAG_INFO - 1) : 0 },
	};

	return send(space->request_fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int request_udp(struct sd_space *space, uint8_t family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			  .nlmsg_seq = ++space->sequence },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_UDP,
			  .idiag_states = STATES_ALL },
	};

	return send(space->request_fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static void enter_stage(struct sd_space *space, enum stage stage)
{
	int r = 0;

	space->stage = stage;
	switch (stage) {
	case STAGE_LISTEN:
		r = request_tcp(space, STATES_LISTEN, false);
		break;
	case STAGE_TCP:
		r = request_tcp(space, STATES_TCP, true);
		break;
	case STAGE_UDP4:
		r = request_udp(space, AF_INET);
		break;
	case STAGE_UDP6:
		r = request_udp(space, AF_INET6);
		break;
	case STAGE_IDLE:
		break;
	}
	if (r < 0)
		space->stage = STAGE_IDLE; /* no sweep: the next pass tells */
}

void sd_space_begin(struct sd_space *space, uint64_t now_boot_ns)
{
	if (space->stage != STAGE_IDLE)
		return;
	space->began_boot_ns = now_boot_ns;
	space->cpu_ns = 0;
	space->seen = 0;
	if (space->shared->udp_only) {
		space->udp_shown = true;
		enter_stage(space, STAGE_UDP4);
		return;
	}
	memset(space->next_listening, 0, sizeof(space->next_listening));
	enter_stage(space, STAGE_LISTEN);
}

static bool bit(const uint8_t *bits, uint16_t port_be)
{
	const uint16_t port = ntohs(port_be);

	return bits[port / 8] >> port % 8 & 1;
}

static void set_bit(uint8_t *bits, uint16_t port_be)
{
	const uint16_t port = ntohs(port_be);

	bits[port / 8] |= (uint8_t)(1U << port % 8);
}

/* The time is taken after the kernel wrote the message: a conntrack pass that
 * began before it need not show what the message does. */
static void emit(struct sd_space *space, const struct nlmsghdr *message, size_t n, bool destroyed,
		 uint64_t now_boot_ns)
{
	const uint8_t proto = space->stage >= STAGE_UDP4 && !destroyed ? IPPROTO_UDP : IPPROTO_TCP;
	struct sd_shared *shared = space->shared;
	struct obs obs = { .kind = OBS_SAMPLE, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = now_boot_ns };

	if (diag_parse(&obs.socket, message, n, proto, destroyed) < 0) {
		shared->stats.malformed++;
		return;
	}
	shared->stats.seen++;
	if (space->stage == STAGE_LISTEN && !destroyed) {
		set_bit(space->next_listening, obs.socket.local.port_be[INITIATOR]);
		return;
	}
	obs.socket.netns = space->netns;
	if (proto == IPPROTO_TCP) {
		const bool server =
			bit(space->listening, obs.socket.local.port_be[INITIATOR]);

		diag_settle_role(&obs.socket, server ? SOCKET_ROLE_SERVER : SOCKET_ROLE_UNKNOWN);
	}
	space->seen += !destroyed && (proto == IPPROTO_TCP || shared->udp_only);
	if (destroyed)
		obs.kind = OBS_CLOSE;
	else if (space->baseline)
		obs.kind = OBS_BASELINE;
	obs.may_be_old = destroyed && space->baseline;
	shared->outlet.emit(shared->outlet.context, &obs);
	proc_owner_want(shared->owners, obs.socket.inode, obs.socket.cookie);
}

static void drain_events(struct sd_space *space)
{
	struct sd_shared *shared = space->shared;
	const struct nlmsghdr *message;
	uint64_t now_boot_ns;
	ssize_t received;

	while (space->event_fd >= 0) {
		received = recv(space->event_fd, shared->reply, SD_REPLY_BYTES, MSG_DONTWAIT);
		if (received < 0 && errno == ENOBUFS) {
			/* what was dropped is found missing by the next passes */
			shared->stats.lost++;
			continue;
		}
		if (received <= 0)
			return;
		int left = (int)received;

		now_boot_ns = clock_boot_ns();
		for (message = (const struct nlmsghdr *)shared->reply;
		     mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			emit(space, message, (size_t)left, true, now_boot_ns);
	}
}

static void finish_pass(struct sd_space *space, uint64_t now_boot_ns)
{
	struct sd_shared *shared = space->shared;
	struct obs sweep = { .kind = OBS_SWEEP, .origin = ORIGIN_SOCKET,
			     .at_boot_ns = now_boot_ns };

	/* an end that was told during the pass goes before the sweep */
	drain_events(space);
	space->stage = STAGE_IDLE;
	space->passes++;
	space->baseline = false;
	space->count = space->seen;
	space->pass_cpu_ns = space->cpu_ns;
	sweep.sweep.netns = space->netns;
	sweep.sweep.began_boot_ns = space->began_boot_ns;
	sweep.sweep.tcp_only = !space->udp_shown;
	sweep.sweep.udp_only = shared->udp_only;
	shared->outlet.emit(shared->outlet.context, &sweep);
}

static void next_stage(struct sd_space *space, uint64_t now_boot_ns)
{
	switch (space->stage) {
	case STAGE_LISTEN:
		memcpy(space->listening, space->next_listening, sizeof(space->listening));
		enter_stage(space, STAGE_TCP);
		break;
	case STAGE_TCP:
		space->udp_shown = space->passes % SD_UDP_EVERY == 0;
		if (space->udp_shown)
			enter_stage(space, STAGE_UDP4);
		else
			finish_pass(space, now_boot_ns);
		break;
	case STAGE_UDP4:
		enter_stage(space, STAGE_UDP6);
		break;
	default:
		finish_pass(space, now_boot_ns);
		break;
	}
}

/* One part of the answer; false when nothing is there to read. */
static bool read_part(struct sd_space *space)
{
	struct sd_shared *shared = space->shared;
	const struct nlmsghdr *message;
	const ssize_t received =
		recv(space->request_fd, shared->reply, SD_REPLY_BYTES, MSG_DONTWAIT);
	const uint64_t now_boot_ns = clock_boot_ns();
	int left = (int)received;

	if (received < 0) {
		if (errno != EAGAIN && errno != EINTR)
			space->stage = STAGE_IDLE;
		return false;
	}
	for (message = (const struct nlmsghdr *)shared->reply; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != space->sequence)
			continue;
		if (message->nlmsg_type == NLMSG_ERROR) {
			/* Without UDP diagnosis in this kernel the pass goes on; one
			 * without TCP says nothing of what is no more. */
			space->udp_shown = false;
			if (space->stage < STAGE_UDP4 || shared->udp_only)
				space->stage = STAGE_IDLE;
			else
				next_stage(space, now_boot_ns);
			return true;
		}
		if (message->nlmsg_type == NLMSG_DONE) {
			next_stage(space, now_boot_ns);
			return true;
		}
		emit(space, message, (size_t)left, false, now_boot_ns);
	}
	return true;
}

bool sd_space_work(struct sd_space *space)
{
	const uint64_t began_ns = clock_thread_cpu_ns();
	bool more = false;

	drain_events(space);
	if (space->stage != STAGE_IDLE) {
		more = read_part(space);
		space->cpu_ns += clock_thread_cpu_ns() - began_ns;
		if (space->stage == STAGE_IDLE)
			space->pass_cpu_ns = space->cpu_ns;
	}
	return more && space->stage != STAGE_IDLE;
}

void sd_space_gone(struct sd_space *space, uint64_t now_boot_ns)
{
	struct obs sweep = { .kind = OBS_SWEEP, .origin = ORIGIN_SOCKET,
			     .at_boot_ns = now_boot_ns };

	drain_events(space);
	sweep.sweep.netns = space->netns;
	sweep.sweep.gone = true;
	sweep.sweep.began_boot_ns = now_boot_ns;
	space->shared->outlet.emit(space->shared->outlet.context, &sweep);
}
