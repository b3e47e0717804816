// SPDX-License-Identifier: Apache-2.0
/* Going through TCP sockets by a BPF iterator. */
#include "source/sock_scan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/weir_abi.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/why.h"
#include "source/bpf_objects.h"
#include "source/bpf_words.h"
#include "source/netns.h"

#define HERE_PATH "/proc/thread-self/ns/net"
/* So long a scan goes from namespace to namespace before others have their turn. */
#define SLICE_NS (20 * NUM_NS_PER_MS)

struct place {
	uint32_t netns;
	int fd; /* owned */
};

struct sock_scan {
	const struct sock_life_bpf *life; /* borrowed */
	struct bpf_link *link;            /* owned, as all below */
	bool each;                        /* namespace after namespace */
	uint32_t home;                    /* the namespace of the thread */
	struct place *place;
	size_t count, capacity, next;     /* next: where the scan goes on */
};

int sock_scan_run_iterator(const struct bpf_link *link)
{
	const int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, &nothing, sizeof(nothing));
	while (n < 0 && (errno == EINTR || errno == EAGAIN));
	r = n < 0 ? -errno : 0;
	close(fd);
	return r;
}

int sock_scan_new(struct sock_scan **ret, struct sock_life_bpf *life, struct why *why)
{
	union bpf_iter_link_info info = { .map.map_fd = (uint32_t)bpf_map__fd(life->maps.owns) };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	struct sock_scan *scan = calloc(1, sizeof(*scan));
	int r = 0;

	if (!scan)
		return why_set(why, -ENOMEM, "out of memory");
	scan->life = life;
	scan->each = bpf_program__autoload(life->progs.scan_tcp_here);
	if (scan->each)
		r = netns_own(&scan->home, why);
	if (r < 0) {
		free(scan);
		return r;
	}
	scan->link = scan->each ? bpf_program__attach_iter(life->progs.scan_tcp_here, NULL) :
				  bpf_program__attach_iter(life->progs.scan_tcp, &options);
	if (!scan->link) {
		r = bpf_words_why(why, -errno, "an iterator over sockets");
		free(scan);
		return r;
	}
	*ret = scan;
	return 0;
}

void sock_scan_free(struct sock_scan *scan)
{
	if (!scan)
		return;
	while (scan->count)
		sock_scan_leave(scan, scan->place[0].netns);
	bpf_link__destroy(scan->link);
	free(scan->place);
	free(scan);
}

static struct place *find_place(const struct sock_scan *scan, uint32_t netns)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan->place[i].netns == netns)
			return &scan->place[i];
	return NULL;
}

int sock_scan_enter(struct sock_scan *scan, uint32_t netns)
{
	int fd;

	if (!scan->each || find_place(scan, netns))
		return 0;
	if (scan->count == scan->capacity) {
		const size_t capacity = scan->capacity ? 2 * scan->capacity : 16;
		struct place *grown = reallocarray(scan->place, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		scan->place = grown;
		scan->capacity = capacity;
	}
	fd = open(HERE_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	scan->place[scan->count++] = (struct place){ .netns = netns, .fd = fd };
	return 0;
}

void sock_scan_leave(struct sock_scan *scan, uint32_t netns)
{
	struct place *place = find_place(scan, netns);

	if (!place)
		return;
	close(place->fd);
	*place = scan->place[--scan->count];
	sock_scan_restart(scan);
}

void sock_scan_restart(struct sock_scan *scan)
{
	scan->next = 0;
}

/* The iterator shows the namespace that it is made in. */
static int run_in(const struct sock_scan *scan, const struct place *place, int home_fd)
{
	int r;

	if (place->netns == scan->home)
		return sock_scan_run_iterator(scan->link);
	if (setns(place->fd, CLONE_NEWNET) < 0)
		return -errno;
	r = sock_scan_run_iterator(scan->link);
	if (setns(home_fd, CLONE_NEWNET) < 0)
		abort(); /* everything after it would be in the wrong place */
	return r;
}

/* From where it stopped: the ring was full, or it had taken its time. */
static int run_each(struct sock_scan *scan)
{
	const volatile struct abi_sock_conf *conf = &scan->life->bss->conf;
	const uint64_t put_off = conf->put_off, until_boot_ns = clock_boot_ns() + SLICE_NS;
	const int home_fd = open(HERE_PATH, O_RDONLY | O_CLOEXEC);
	int failed = 0, r;

	if (home_fd < 0)
		return -errno;
	while (scan->next < scan->count) {
		r = run_in(scan, &scan->place[scan->next], home_fd);
		if (r < 0)
			failed = r;
		if (conf->put_off != put_off)
			break;
		scan->next++;
		if (clock_boot_ns() >= until_boot_ns)
			break;
	}
	close(home_fd);
	if (failed == 0 && scan->next < scan->count)
		return 1;
	sock_scan_restart(scan);
	return failed;
}

int sock_scan_run(struct sock_scan *scan)
{
	const volatile struct abi_sock_conf *conf = &scan->life->bss->conf;
	const uint64_t put_off = conf->put_off;
	int r;

	if (scan->each)
		return run_each(scan);
	r = sock_scan_run_iterator(scan->link);
	return r < 0 ? r : conf->put_off != put_off;
}
