// SPDX-License-Identifier: Apache-2.0
/*
 * The source "sock_life": TCP sockets of the whole host by BPF.
 *
 * Connections made, accepted, closed and refused come as events, with who did it; how
 * open ones fare is shown by scans, which tell of what has moved. Now and then a scan
 * shows all of them: what it does not show has vanished, its end lost.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "abi/weir_abi.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/netns_set.h"
#include "source/owner_book.h"
#include "source/proc_owner.h"
#include "source/ring_source.h"
#include "source/sock_hooks.h"
#include "source/sock_record.h"
#include "source/source.h"

#define SLICE_NS NUM_NS_PER_MS
#define BUDGET_EVENTS 64
/* Scans are at multiples of this, so that one wake-up serves all sources. */
#define SCAN_GRID_NS (100 * NUM_NS_PER_MS)
/* Scans may take this share of a core: 2 %. */
#define SCAN_SHARE 50
/* So often a scan shows all sockets. */
#define ROUND_NS (30 * NUM_NS_PER_S)
/* Scans in a row, each as much as the ring holds. */
#define SCANS_MAX 4
/* What has come during a scan may take so long to be read. */
#define EVENTS_OF_SCAN_NS (10 * NUM_NS_PER_MS)
/* The kernel is asked for runs that it skipped this often. */
#define COUNTS_LOOK_NS NUM_NS_PER_S

struct socklife {
	struct source source;
	struct source_conf conf;
	struct obs_outlet outlet;
	struct sock_hooks *hooks;         /* owned, as all below */
	struct ring_buffer *events, *seen;
	struct owner_book *book;
	struct proc_owner *owners;
	struct netns_set entered;
	struct source_stats stats;
	uint64_t tick_ns; /* a jiffy */
	uint64_t lost;
	unsigned got;
	uint64_t heard_boot_ns, deadline_boot_ns, counts_boot_ns;
	uint64_t next_scan_boot_ns, next_round_boot_ns, interval_ns;
	uint64_t round_boot_ns, cost_ns; /* when the round began; what scans have taken */
	uint64_t scanned_boot_ns; /* the last scan began */
	uint64_t owners_boot_ns;  /* of struct obs_sweep */
	bool in_round, first_done;
};

static struct socklife *of(struct source *source)
{
	return container_of(source, struct socklife, source);
}

static bool is_ours(struct socklife *life, const struct obs_socket *socket)
{
	const struct key key = { .orig = socket->local, .netns = socket->netns };

	if (life->conf.netns_only && socket->netns != life->conf.netns_only)
		return false;
	return ring_source_shows(&life->conf, &life->entered, &key, &life->stats);
}

static void emit(const struct socklife *life, enum obs_kind kind, uint64_t at_boot_ns,
		 const struct abi_sock *record, const struct obs_socket *socket)
{
	struct obs obs = { .kind = (uint8_t)kind, .origin = ORIGIN_SOCKET,
			   .may_be_old = record->flags & ABI_SOCK_OLD,
			   .at_boot_ns = at_boot_ns };

	obs.socket = *socket;
	life->outlet.emit(life->outlet.context, &obs);
}

static void emit_owner(const struct socklife *life, const struct abi_sock *record)
{
	struct obs obs = { .kind = OBS_OWNER, .origin = ORIGIN_SOCKET,
			   .at_boot_ns = record->at_boot_ns };
	char comm[ABI_COMM_SIZE + 1] = { 0 };

	if (!record->pid)
		return;
	memcpy(comm, record->comm, ABI_COMM_SIZE);
	obs.owner.cookie = record->cookie;
	obs.owner.guess = record->flags & ABI_SOCK_GUESSED;
	owner_book_look(life->book, record->pid, comm, record->cgroup, record->at_boot_ns,
			&obs.owner.owner);
	life->outlet.emit(life->outlet.context, &obs);
}

/* Whether the process that is told is certain. */
static bool is_owned(const struct abi_sock *record)
{
	return record->pid && !(record->flags & ABI_SOCK_GUESSED);
}

/* When the connection of an accepted socket stood, which then waited for somebody. */
static uint64_t stood_boot_ns(const struct abi_sock *record)
{
	const uint64_t waited_ns = record->connect_us * NUM_NS_PER_US;

	return record->role == ABI_ROLE_SERVER && waited_ns < record->at_boot_ns ?
		       record->at_boot_ns - waited_ns : record->at_boot_ns;
}

static void tell_event(struct socklife *life, const struct abi_sock *record,
		       struct obs_socket *socket)
{
	const uint64_t at_boot_ns = record->at_boot_ns;

	switch (record->kind) {
	case ABI_SOCK_CLOSED:
		/* nobody accepted it: that it was there is told now */
		if (record->flags & ABI_SOCK_GUESSED) {
			socket->state = record->state;
			emit(life, OBS_SAMPLE, stood_boot_ns(record), record, socket);
			socket->state = TCP_CLOSE;
		}
		if (record->flags & (ABI_SOCK_REFINED | ABI_SOCK_GUESSED))
			emit_owner(life, record);
		emit(life, OBS_CLOSE, at_boot_ns, record, socket);
		break;
	case ABI_SOCK_FAILED:
		socket->has &= (uint16_t)~SOCKET_FAILED;
		emit(life, OBS_SAMPLE, at_boot_ns, record, socket);
		emit_owner(life, record);
		socket->has |= SOCKET_FAILED;
		socket->state = TCP_CLOSE;
		emit(life, OBS_CLOSE, at_boot_ns, record, socket);
		break;
	default:
		emit(life, OBS_SAMPLE, stood_boot_ns(record), record, socket);
		if (is_owned(record))
			emit_owner(life, record);
		break;
	}
}

static int on_event(void *context, void *data, size_t size)
{
	struct socklife *life = context;
	const struct abi_sock *record = data;
	struct obs_socket socket;

	life->got++;
	life->stats.seen++;
	if (size < sizeof(*record) || sock_record_parse(&socket, record, life->tick_ns) < 0)
		life->stats.malformed++;
	else if (is_ours(life, &socket))
		tell_event(life, record, &socket);
	return life->got % BUDGET_EVENTS == 0 && clock_boot_ns() >= life->deadline_boot_ns ?
		       -ECANCELED : 0;
}

static int on_seen(void *context, void *data, size_t size)
{
	struct socklife *life = context;
	const struct abi_sock *record = data;
	const bool old = record->flags & ABI_SOCK_OLD;
	struct obs_socket socket;

	life->stats.seen++;
	if (size < sizeof(*record) || sock_record_parse(&socket, record, life->tick_ns) < 0) {
		life->stats.malformed++;
		return 0;
	}
	if (!is_ours(life, &socket))
		return 0;
	emit(life, old ? OBS_BASELINE : OBS_SAMPLE, record->at_boot_ns, record, &socket);
	if (!is_owned(record))
		proc_owner_want(life->owners, socket.inode, socket.cookie);
	else if (life->in_round) /* also what no event has told, or told in vain */
		emit_owner(life, record);
	return 0;
}

static void look_at_counts(struct socklife *life, uint64_t now_boot_ns)
{
	struct sock_hooks_counts counts;

	if (now_boot_ns < life->counts_boot_ns)
		return;
	life->counts_boot_ns = now_boot_ns + COUNTS_LOOK_NS;
	sock_hooks_read_counts(life->hooks, &counts);
	life->stats.bare = counts.bare;
	if (counts.lost <= life->lost)
		return;
	life->stats.lost += counts.lost - life->lost;
	life->lost = counts.lost;
	/* an end that was lost is found by what is not there any more */
	life->next_round_boot_ns = now_boot_ns;
}

/* What the scan shows, up to some rings full; events go on being read, since what has
 * ended meanwhile is to be heard of before it is missed. 1: there is more. */
static int scan_some(struct socklife *life)
{
	int r = 1;

	for (unsigned i = 0; r > 0 && i < SCANS_MAX; i++) {
		r = sock_hooks_scan(life->hooks);
		ring_buffer__consume(life->seen);
		life->deadline_boot_ns = clock_boot_ns() + EVENTS_OF_SCAN_NS;
		if (ring_buffer__consume(life->events) < 0 && r == 0)
			r = 1;
	}
	return r;
}

/* A round goes on until all sockets were shown. */
static void begin_round(struct socklife *life, uint64_t now_boot_ns)
{
	if (life->in_round || now_boot_ns < life->next_round_boot_ns)
		return;
	life->next_round_boot_ns = now_boot_ns + ROUND_NS;
	life->round_boot_ns = now_boot_ns;
	life->in_round = true;
	if (life->first_done)
		sock_hooks_begin_round(life->hooks);
}

static void scan(struct socklife *life, uint64_t now_boot_ns)
{
	const uint64_t cpu_ns = clock_thread_cpu_ns();
	struct obs sweep = {
		.kind = OBS_SWEEP, .origin = ORIGIN_SOCKET,
		.sweep = { .netns = life->conf.netns_only ? life->conf.netns_only : NETNS_EVERY,
			   .tcp_only = true },
	};
	bool whole;
	int r;

	begin_round(life, now_boot_ns);
	r = scan_some(life);
	if (r < 0)
		life->stats.lost++;
	whole = life->in_round && r == 0;
	sweep.sweep.began_boot_ns = life->in_round ? life->round_boot_ns : now_boot_ns;
	sweep.sweep.moved_only = !whole;
	if (whole) {
		life->in_round = false;
		life->first_done = true;
	}
	/* what the scan before has shown was looked for since */
	if (life->scanned_boot_ns && !proc_owner_is_searching(life->owners))
		life->owners_boot_ns = life->scanned_boot_ns;
	life->scanned_boot_ns = now_boot_ns;
	sweep.sweep.owners_boot_ns = life->owners_boot_ns ? life->owners_boot_ns : 1;
	sweep.at_boot_ns = clock_boot_ns();
	life->outlet.emit(life->outlet.context, &sweep);
	life->cost_ns += clock_thread_cpu_ns() - cpu_ns;
	if (r > 0) { /* the rest at once, with what others have to do between */
		life->next_scan_boot_ns = now_boot_ns;
		return;
	}
	life->interval_ns = life->cost_ns * SCAN_SHARE;
	life->cost_ns = 0;
	if (life->interval_ns < life->conf.refresh_ns)
		life->interval_ns = life->conf.refresh_ns;
	life->next_scan_boot_ns = clock_next_beat(now_boot_ns + life->interval_ns -
							  SCAN_GRID_NS, SCAN_GRID_NS);
}

static uint64_t socklife_tick(struct source *source, uint64_t now_boot_ns)
{
	struct socklife *life = of(source);
	uint64_t next_boot_ns;
	int r;

	life->got = 0;
	life->deadline_boot_ns = now_boot_ns + SLICE_NS;
	r = ring_buffer__consume(life->events);
	look_at_counts(life, now_boot_ns);
	if (life->got)
		life->heard_boot_ns = now_boot_ns;
	if (r < 0)
		return now_boot_ns;
	if (now_boot_ns >= life->next_scan_boot_ns)
		scan(life, now_boot_ns);
	next_boot_ns = proc_owner_work(life->owners, now_boot_ns, SLICE_NS);
	next_boot_ns = clock_earlier(next_boot_ns,
				     ring_source_next_boot_ns(now_boot_ns, life->heard_boot_ns,
							      life->got));
	return clock_earlier(next_boot_ns, life->next_scan_boot_ns);
}

static int socklife_fd(const struct source *source)
{
	const struct socklife *life = (const void *)source; /* its first member */

	return ring_buffer__epoll_fd(life->events);
}

static int socklife_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			  struct why *why)
{
	struct socklife *life = of(source);
	int r = netns_set_add(&life->entered, netns);

	if (r == 0)
		r = sock_hooks_enter(life->hooks, netns);
	if (r < 0)
		return why_set(why, r, "another network namespace: %s", strerror(-r));
	/* those of its sockets that were passed over are to be shown soon */
	if (life->first_done)
		life->next_round_boot_ns = life->next_scan_boot_ns = 0;
	return 0;
}

static void socklife_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	struct socklife *life = of(source);
	const uint64_t until_boot_ns = now_boot_ns + NUM_NS_PER_S;
	const struct obs sweep = {
		.kind = OBS_SWEEP, .origin = ORIGIN_SOCKET, .at_boot_ns = now_boot_ns,
		.sweep = { .netns = netns, .tcp_only = true, .gone = true,
			   .began_boot_ns = now_boot_ns },
	};

	/* their ends first */
	do
		socklife_tick(source, clock_boot_ns());
	while (life->got && clock_boot_ns() < until_boot_ns);
	life->outlet.emit(life->outlet.context, &sweep);
	netns_set_drop(&life->entered, netns);
	sock_hooks_leave(life->hooks, netns);
}

static void socklife_last_look(struct source *source, uint64_t now_boot_ns)
{
	struct socklife *life = of(source);
	const uint64_t until_boot_ns = now_boot_ns + NUM_NS_PER_S;

	do
		socklife_tick(source, clock_boot_ns());
	while (life->got && clock_boot_ns() < until_boot_ns);
	do
		scan(life, clock_boot_ns());
	while (life->next_scan_boot_ns <= clock_boot_ns() && clock_boot_ns() < until_boot_ns);
}

static void socklife_pace(struct source *source, uint64_t refresh_ns)
{
	struct socklife *life = of(source);

	life->conf.refresh_ns = refresh_ns;
	life->next_scan_boot_ns = 0;
}

static void socklife_stats(const struct source *source, struct source_stats *ret)
{
	const struct socklife *life = (const void *)source; /* its first member */

	*ret = life->stats;
	ret->freshness_ns = life->interval_ns;
	ret->refused = proc_owner_refused(life->owners);
	ret->settling = !life->first_done || proc_owner_is_searching(life->owners);
}

static void socklife_close(struct source *source)
{
	struct socklife *life;

	if (!source)
		return;
	life = of(source);
	ring_buffer__free(life->events);
	ring_buffer__free(life->seen);
	sock_hooks_free(life->hooks);
	owner_book_free(life->book);
	proc_owner_free(life->owners);
	netns_set_fini(&life->entered);
	free(life);
}

static int open_rings(struct socklife *life, struct why *why)
{
	life->events = ring_buffer__new(sock_hooks_events_fd(life->hooks), on_event, life, NULL);
	if (life->events)
		life->seen = ring_buffer__new(sock_hooks_seen_fd(life->hooks), on_seen, life,
					      NULL);
	return life->seen ? 0 : why_set(why, -errno, "a BPF ring: %s", strerror(errno));
}

static int socklife_open(struct source **ret, const struct source_conf *conf,
			 const struct obs_outlet *outlet, struct why *why)
{
	struct socklife *life = calloc(1, sizeof(*life));
	int r;

	if (!life)
		return why_set(why, -ENOMEM, "no memory for the sockets' source");
	life->source.ops = &source_socklife;
	life->conf = *conf;
	life->outlet = *outlet;
	life->tick_ns = clock_tick_ns();
	r = owner_book_new(&life->book);
	if (r == 0)
		r = proc_owner_new(&life->owners, outlet);
	if (r < 0)
		why_set(why, r, "no memory for the sockets' source");
	else
		r = sock_hooks_new(&life->hooks, conf->rung[FEATURE_TCP_LIFE],
				   conf->rung[FEATURE_TCP_LIVE], why);
	if (r == 0)
		r = open_rings(life, why);
	if (r < 0) {
		socklife_close(&life->source);
		return r;
	}
	*ret = &life->source;
	return 0;
}

bool socklife_stands(const struct source_conf *conf)
{
	return conf->rung[FEATURE_TCP_LIFE] == RUNG_BPF_TRACEPOINT ||
	       conf->rung[FEATURE_TCP_LIFE] == RUNG_BPF_FENTRY;
}

const struct source_ops source_socklife = {
	.name = "sock_life",
	.help = "TCP sockets by BPF: connections, their ends, health and processes",
	.origin = ORIGIN_SOCKET,
	.stands = socklife_stands,
	.open = socklife_open,
	.fd = socklife_fd,
	.enter = socklife_enter,
	.leave = socklife_leave,
	.tick = socklife_tick,
	.last_look = socklife_last_look,
	.pace = socklife_pace,
	.stats = socklife_stats,
	.close = socklife_close,
};
