// SPDX-License-Identifier: Apache-2.0
/*
 * Hooks on TCP sockets: loading, attaching, finding what is there.
 */
#include "source/sock_hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/why.h"
#include "source/bpf_objects.h"
#include "source/bpf_words.h"
#include "source/sock_scan.h"

enum call { CALL_CONNECT4, CALL_CONNECT6, CALL_ACCEPT, CALLS };

struct sock_hooks {
	struct sock_life_bpf *life; /* owned, as all below */
	struct sock_calls_bpf *calls; /* NULL: they are not told */
	struct bpf_program *on_accept; /* borrowed from it */
	struct bpf_link *state_link, *inside_link, *find_link, *call_link[CALLS];
	struct sock_scan *scan;
};

/* The programs, with one of the two that scan: -errno where the kernel has it not. */
static int load_life(struct sock_hooks *hooks, enum rung live, struct why *why)
{
	struct sock_life_bpf *life;

	bpf_words_begin();
	life = hooks->life = sock_life_bpf__open();
	if (!life)
		return bpf_words_why(why, -errno, "opening");
	bpf_program__set_autoload(life->progs.scan_tcp, live == RUNG_BPF_ITERATOR);
	bpf_program__set_autoload(life->progs.scan_tcp_here, live == RUNG_BPF_ITER_TCP);
	if (sock_life_bpf__load(life) < 0)
		return bpf_words_why(why, -errno, "loading");
	hooks->find_link = bpf_program__attach_iter(life->progs.find_tcp, NULL);
	if (!hooks->find_link)
		return bpf_words_why(why, -errno, "an iterator over files of processes");
	return sock_scan_new(&hooks->scan, life, why);
}

static void unload_life(struct sock_hooks *hooks)
{
	sock_scan_free(hooks->scan);
	bpf_link__destroy(hooks->find_link);
	sock_life_bpf__destroy(hooks->life);
	hooks->scan = NULL;
	hooks->find_link = NULL;
	hooks->life = NULL;
}

static int load_life_for(struct sock_hooks *hooks, enum rung live, struct why *why)
{
	if (live != RUNG_NONE)
		return load_life(hooks, live, why);
	if (load_life(hooks, RUNG_BPF_ITERATOR, why) == 0)
		return 0;
	unload_life(hooks);
	return load_life(hooks, RUNG_BPF_ITER_TCP, why);
}

/* Who listens, then what else there is. What comes meanwhile the hook sees. */
static int find(struct sock_hooks *hooks, struct why *why)
{
	int r = sock_scan_run_iterator(hooks->find_link);

	if (r < 0)
		return bpf_words_why(why, r, "looking for sockets");
	hooks->state_link = bpf_program__attach(hooks->life->progs.on_tcp_state);
	if (hooks->state_link)
		hooks->inside_link =
			bpf_program__attach(hooks->life->progs.on_tcp_state_inside);
	if (!hooks->inside_link)
		return bpf_words_why(why, -errno, "tp_btf/inet_sock_set_state");
	r = sock_scan_run_iterator(hooks->find_link);
	return r < 0 ? bpf_words_why(why, r, "looking for sockets") : 0;
}

/* after: so many arguments the kernel's inet_csk_accept has. */
static int load_calls_after(struct sock_hooks *hooks, unsigned after, struct why *why)
{
	struct sock_life_bpf *life = hooks->life;
	struct sock_calls_bpf *calls;

	bpf_words_begin();
	calls = hooks->calls = sock_calls_bpf__open();
	if (!calls)
		return bpf_words_why(why, -errno, "opening");
	bpf_program__set_autoload(calls->progs.on_accept_after_2, after == 2);
	bpf_program__set_autoload(calls->progs.on_accept_after_4, after == 4);
	if (bpf_map__reuse_fd(calls->maps.events, bpf_map__fd(life->maps.events)) < 0 ||
	    bpf_map__reuse_fd(calls->maps.owns, bpf_map__fd(life->maps.owns)) < 0 ||
	    sock_calls_bpf__load(calls) < 0)
		return bpf_words_why(why, -errno, "loading");
	hooks->on_accept = after == 2 ? calls->progs.on_accept_after_2 :
					calls->progs.on_accept_after_4;
	return 0;
}

static int load_calls(struct sock_hooks *hooks, struct why *why)
{
	struct why newer = { "" };

	if (load_calls_after(hooks, 2, &newer) == 0)
		return 0;
	sock_calls_bpf__destroy(hooks->calls);
	return load_calls_after(hooks, 4, why);
}

static int attach_calls(struct sock_hooks *hooks, struct why *why)
{
	struct sock_calls_bpf *calls = hooks->calls;
	struct bpf_program *const program[CALLS] = {
		calls->progs.on_connect4, calls->progs.on_connect6, hooks->on_accept,
	};

	calls->bss->conf.pid_level = hooks->life->bss->conf.pid_level;
	calls->bss->conf.pid_namespace = hooks->life->bss->conf.pid_namespace;

	for (int i = 0; i < CALLS; i++) {
		hooks->call_link[i] = bpf_program__attach(program[i]);
		if (!hooks->call_link[i])
			return bpf_words_why(why, -errno, bpf_program__section_name(program[i]));
	}
	hooks->life->bss->conf.calls_are_told = true;
	return 0;
}

int sock_hooks_new(struct sock_hooks **ret, enum rung life, enum rung live, struct why *why)
{
	struct sock_hooks *hooks = calloc(1, sizeof(*hooks));
	int r;

	if (!hooks)
		return why_set(why, -ENOMEM, "out of memory");
	r = load_life_for(hooks, live, why);
	if (r == 0 && life == RUNG_BPF_FENTRY)
		r = load_calls(hooks, why);
	if (r == 0) {
		hooks->life->bss->conf.round = 1;
		r = find(hooks, why);
	}
	if (r == 0 && hooks->calls)
		r = attach_calls(hooks, why);
	if (r < 0) {
		sock_hooks_free(hooks);
		return r;
	}
	*ret = hooks;
	return 0;
}

void sock_hooks_free(struct sock_hooks *hooks)
{
	if (!hooks)
		return;
	for (int i = 0; i < CALLS; i++)
		bpf_link__destroy(hooks->call_link[i]);
	sock_calls_bpf__destroy(hooks->calls);
	bpf_link__destroy(hooks->inside_link);
	bpf_link__destroy(hooks->state_link);
	unload_life(hooks);
	free(hooks);
}

int sock_hooks_events_fd(const struct sock_hooks *hooks)
{
	return bpf_map__fd(hooks->life->maps.events);
}

int sock_hooks_seen_fd(const struct sock_hooks *hooks)
{
	return bpf_map__fd(hooks->life->maps.seen);
}

void sock_hooks_begin_round(struct sock_hooks *hooks)
{
	hooks->life->bss->conf.round++;
	sock_scan_restart(hooks->scan);
}

int sock_hooks_scan(struct sock_hooks *hooks)
{
	return sock_scan_run(hooks->scan);
}

int sock_hooks_enter(struct sock_hooks *hooks, uint32_t netns)
{
	return sock_scan_enter(hooks->scan, netns);
}

void sock_hooks_leave(struct sock_hooks *hooks, uint32_t netns)
{
	sock_scan_leave(hooks->scan, netns);
}

static uint64_t misses_of(const struct bpf_program *program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	/* one that was not loaded has none */
	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) < 0 ?
		       0 : info.recursion_misses;
}

void sock_hooks_read_counts(struct sock_hooks *hooks, struct sock_hooks_counts *ret)
{
	const volatile struct abi_sock_conf *conf = &hooks->life->bss->conf;
	const struct sock_calls_bpf *calls = hooks->calls;
	uint64_t missed, caught;

	/* in this order what has been caught is perhaps not yet known as missed */
	missed = misses_of(hooks->life->progs.on_tcp_state);
	caught = conf->inside;
	ret->lost = conf->lost + (missed > caught ? missed - caught : 0);
	ret->bare = conf->bare;
	if (!calls)
		return;
	conf = &calls->bss->conf;
	ret->bare += conf->bare;
	ret->lost += conf->lost + misses_of(calls->progs.on_connect4) +
		     misses_of(calls->progs.on_connect6) +
		     misses_of(calls->progs.on_accept_after_2) +
		     misses_of(calls->progs.on_accept_after_4);
}
