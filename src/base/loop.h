/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LOOP_H
#define WEIR_BASE_LOOP_H

#include <stdint.h>

struct why;

/* One epoll loop for one thread, with timers (timerfd on CLOCK_BOOTTIME) and
 * signals (signalfd: no work in handlers). All calls from the loop's thread. */
struct loop;

typedef void (*loop_fn)(void *context);

int loop_new(struct loop **ret, struct why *why);
void loop_free(struct loop *loop); /* NULL is a no-op; does not close added fds */

/* Calls fn whenever fd has `epoll_events` (EPOLLIN, EPOLLOUT, …). The fd stays
 * the caller's. 0 or -errno. */
int loop_add_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fn fn, void *context);
void loop_remove_fd(struct loop *loop, int fd);

/* A timer is the loop's; it fires once at at_boot_ns (a past time: at once, on
 * the next turn; UINT64_MAX: never) and is set again by its function. */
struct loop_timer;
int loop_timer_new(struct loop *loop, struct loop_timer **ret, loop_fn fn, void *context);
void loop_timer_set(struct loop_timer *timer, uint64_t at_boot_ns);
void loop_timer_free(struct loop_timer *timer);

/* Blocks the signal for the process and calls fn when it arrives. */
int loop_add_signal(struct loop *loop, int signal_number, loop_fn fn, void *context);

/* Runs until loop_quit; returns its code, or -errno when epoll fails. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop, int code);
/* How often the thread was woken, for `weir stats`. */
uint64_t loop_wakeups(const struct loop *loop);

#endif
