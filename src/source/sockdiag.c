// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets by sock_diag: every TCP socket with its tcp_info and every UDP
 * socket, in passes; the last tcp_info of each TCP socket as it is destroyed;
 * their owners by /proc. Ends that are not told are found by the passes. Without
 * CAP_SYS_ADMIN only the own namespace is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/epoch.h"
#include "source/sd_space.h"

/* Share of a core that passes may take: while there are sockets to look at, and
 * on a host without any. */
#define CPU_SHARE 0.02
#define CPU_SHARE_EMPTY 0.0003
#define INTERVAL_MAX_NS (30 * NUM_NS_PER_S)
#define INTERVAL_EMPTY_MAX_NS (5 * NUM_NS_PER_S)
/* Ends wait in the socket's buffer: drained this often, at multiples of it, so that
 * one wake-up serves all sources. */
#define BEAT_NS (250 * NUM_NS_PER_MS)
#define BEAT_EMPTY_NS (500 * NUM_NS_PER_MS)
#define SLICE_NS NUM_NS_PER_MS
#define EVENT_BUFFER_BYTES (16U << 20)

struct sockdiag {
	struct source source;
	struct sd_shared shared;
	struct sd_space **space; /* owned, as are the spaces */
	size_t count, capacity;
	struct epoch epoch;
	uint64_t refresh_ns;
	uint64_t next_pass_boot_ns, last_pass_boot_ns;
	int sockstat_fd;    /* owned; -1: /proc is not there */
	uint64_t allocated; /* of the kernel, when last asked */
	bool passing;
	bool first_pass_done;
};

static struct sockdiag *of(struct source *source)
{
	return container_of(source, struct sockdiag, source);
}

static int sockdiag_enter(struct source *source, uint32_t netns, uint64_t found_boot_ns,
			  struct why *why)
{
	struct sockdiag *sd = of(source);
	struct sd_space **grown;
	int r;

	if (sd->count == sd->capacity) {
		const size_t capacity = sd->capacity ? 2 * sd->capacity : 8;

		grown = realloc(sd->space, capacity * sizeof(*grown));
		if (!grown)
			return why_set(why, -ENOMEM, "no memory for another network namespace");
		sd->space = grown;
		sd->capacity = capacity;
	}
	r = sd_space_new(&sd->space[sd->count], &sd->shared, netns,
			 epoch_is_before(&sd->epoch, netns, found_boot_ns), why);
	if (r < 0)
		return r;
	sd->count++;
	sd->next_pass_boot_ns = 0; /* look at it now */
	return 0;
}

static void sockdiag_leave(struct source *source, uint32_t netns, uint64_t now_boot_ns)
{
	struct sockdiag *sd = of(source);

	for (size_t i = 0; i < sd->count; i++) {
		if (sd_space_netns(sd->space[i]) != netns)
			continue;
		sd_space_gone(sd->space[i], now_boot_ns);
		sd_space_free(sd->space[i]);
		sd->space[i] = sd->space[--sd->count];
		return;
	}
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static uint32_t socket_count(const struct sockdiag *sd)
{
	uint32_t sockets = 0;

	for (size_t i = 0; i < sd->count; i++)
		sockets += sd_space_count(sd->space[i]);
	return sockets;
}

/* A pass scans the kernel's whole table, whoever's the sockets are: it is paced
 * by what it costs. */
static uint64_t interval_ns(const struct sockdiag *sd)
{
	uint64_t cpu_ns = 0;

	for (size_t i = 0; i < sd->count; i++)
		cpu_ns += sd_space_pass_cpu_ns(sd->space[i]);
	if (!socket_count(sd))
		return clamp((uint64_t)((double)cpu_ns / CPU_SHARE_EMPTY), sd->refresh_ns,
			     INTERVAL_EMPTY_MAX_NS > sd->refresh_ns ? INTERVAL_EMPTY_MAX_NS :
								      sd->refresh_ns);
	return clamp((uint64_t)((double)cpu_ns / CPU_SHARE), sd->refresh_ns,
		     INTERVAL_MAX_NS > sd->refresh_ns ? INTERVAL_MAX_NS : sd->refresh_ns);
}

/* TCP sockets of all namespaces (proc(5): "TCP: … alloc N …"); 0 when unknown.
 * When it moves, a pass is worth its cost. */
static uint64_t sockets_allocated(const struct sockdiag *sd)
{
	char text[1024];
	const char *alloc;
	/* opening it takes longer than reading it, and this is done at rest */
	const ssize_t n = pread(sd->sockstat_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return 0;
	text[n] = '\0';
	alloc = strstr(text, " alloc ");
	return alloc ? strtoull(alloc + 7, NULL, 10) : 0;
}

/* A long interval is cut short when sockets came. */
static void look_for_news(struct sockdiag *sd, uint64_t now_boot_ns)
{
	const uint64_t soon_boot_ns = sd->last_pass_boot_ns + sd->refresh_ns;
	uint64_t allocated;

	if (sd->passing || socket_count(sd) || sd->next_pass_boot_ns <= soon_boot_ns)
		return;
	allocated = sockets_allocated(sd);
	if (allocated > sd->allocated)
		sd->next_pass_boot_ns = soon_boot_ns;
	sd->allocated = allocated;
}

static uint64_t sockdiag_tick(struct source *source, uint64_t now_boot_ns)
{
	struct sockdiag *sd = of(source);
	uint64_t owners_boot_ns, next_boot_ns;
	bool begin, more = false, passing = false;

	look_for_news(sd, now_boot_ns);
	begin = !sd->passing && now_boot_ns >= sd->next_pass_boot_ns;
	for (size_t i = 0; i < sd->count; i++) {
		if (begin)
			sd_space_begin(sd->space[i], now_boot_ns);
		more |= sd_space_work(sd->space[i]);
		passing |= sd_space_is_passing(sd->space[i]);
	}
	if ((begin || sd->passing) && !passing) {
		sd->last_pass_boot_ns = now_boot_ns;
		sd->next_pass_boot_ns = now_boot_ns + interval_ns(sd);
		if (!socket_count(sd))
			sd->next_pass_boot_ns =
				clock_next_beat(sd->next_pass_boot_ns, BEAT_EMPTY_NS);
		sd->shared.stats.freshness_ns = interval_ns(sd);
		sd->first_pass_done = true;
	}
	sd->passing = passing;
	owners_boot_ns = proc_owner_work(sd->shared.owners, now_boot_ns, SLICE_NS);
	if (more || passing)
		return now_boot_ns;
	next_boot_ns = clock_next_beat(now_boot_ns, socket_count(sd) ? BEAT_NS : BEAT_EMPTY_NS);
	if (sd->next_pass_boot_ns < next_boot_ns)
		next_boot_ns = sd->next_pass_boot_ns;
	return owners_boot_ns < next_boot_ns ? owners_boot_ns : next_boot_ns;
}

/* Whole passes, one after the other, until every space has made its own. */
static void sockdiag_last_look(struct source *source, uint64_t now_boot_ns)
{
	struct sockdiag *sd = of(source);

	for (size_t i = 0; i < sd->count; i++) {
		sd_space_begin(sd->space[i], now_boot_ns);
		while (sd_space_work(sd->space[i]))
			;
	}
}

static void sockdiag_pace(struct source *source, uint64_t refresh_ns)
{
	struct sockdiag *sd = of(source);

	sd->refresh_ns = refresh_ns * (sd->shared.udp_only ? SD_UDP_EVERY : 1);
	sd->next_pass_boot_ns = 0;
}

static void sockdiag_stats(const struct source *source, struct source_stats *ret)
{
	const struct sockdiag *sd = (const struct sockdiag *)source;

	*ret = sd->shared.stats;
	ret->refused = proc_owner_refused(sd->shared.owners);
	ret->settling = !sd->first_pass_done || proc_owner_is_searching(sd->shared.owners);
}

static void sockdiag_close(struct source *source)
{
	struct sockdiag *sd;

	if (!source)
		return;
	sd = of(source);
	for (size_t i = 0; i < sd->count; i++)
		sd_space_free(sd->space[i]);
	free(sd->space);
	proc_owner_free(sd->shared.owners);
	free(sd->shared.reply);
	if (sd->sockstat_fd >= 0)
		close(sd->sockstat_fd);
	free(sd);
}

static int sockdiag_open(struct source **ret, const struct source_conf *conf,
			 const struct obs_outlet *outlet, struct why *why)
{
	struct sockdiag *sd;
	struct epoch epoch;
	int r;

	r = epoch_begin(&epoch, why);
	if (r < 0)
		return r;
	sd = calloc(1, sizeof(*sd));
	if (!sd)
		return why_set(why, -ENOMEM, "no memory for the socket source");
	sd->epoch = epoch;
	sd->source.ops = &source_sockdiag;
	sd->shared.outlet = *outlet;
	sd->shared.udp_only =
		socklife_stands(conf) && conf->rung[FEATURE_TCP_LIVE] != RUNG_SOCK_DIAG;
	sd->refresh_ns = conf->refresh_ns * (sd->shared.udp_only ? SD_UDP_EVERY : 1);
	sd->shared.event_buffer_bytes =
		conf->event_buffer_bytes ? conf->event_buffer_bytes : EVENT_BUFFER_BYTES;
	sd->sockstat_fd = open("/proc/net/sockstat", O_RDONLY | O_CLOEXEC);
	sd->shared.reply = malloc(SD_REPLY_BYTES);
	r = -ENOMEM;
	if (sd->shared.reply)
		r = proc_owner_new(&sd->shared.owners, outlet);
	if (r < 0) {
		sockdiag_close(&sd->source);
		return why_set(why, r, "no memory for the socket source");
	}
	*ret = &sd->source;
	return 0;
}

static int sockdiag_probe(struct why *why)
{
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return why_set(why, errno == EPROTONOSUPPORT ? -ENOTSUP : -errno,
			       "sock_diag: %s", strerror(errno));
	close(fd);
	return 0;
}

const struct source_ops source_sockdiag = {
	.name = "sock_diag",
	.help = "TCP and UDP sockets, their tcp_info and owners",
	.origin = ORIGIN_SOCKET,
	.probe = sockdiag_probe,
	.open = sockdiag_open,
	.enter = sockdiag_enter,
	.leave = sockdiag_leave,
	.tick = sockdiag_tick,
	.last_look = sockdiag_last_look,
	.pace = sockdiag_pace,
	.stats = sockdiag_stats,
	.close = sockdiag_close,
};
