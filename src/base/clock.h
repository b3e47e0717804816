/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>

struct buf;

/* The only place that asks for the time; everything else is told. */
uint64_t clock_boot_ns(void);       /* CLOCK_BOOTTIME: runs on through suspend */
uint64_t clock_mono_ns(void);       /* CLOCK_MONOTONIC: stands still in suspend */
uint64_t clock_wall_ns(void);       /* CLOCK_REALTIME: Unix epoch */
uint64_t clock_thread_cpu_ns(void); /* CPU time of the calling thread */
uint64_t clock_process_cpu_ns(void);
/* A tick of the kernel's timer, 1 / CONFIG_HZ: what jiffies are multiples of. */
uint64_t clock_tick_ns(void);
/* wall minus boot now: what turns a boot time into a wall time. */
int64_t clock_wall_minus_boot_ns(void);

static inline uint64_t clock_earlier(uint64_t x_ns, uint64_t y_ns)
{
	return x_ns < y_ns ? x_ns : y_ns;
}

/* For poll(2): milliseconds until then, rounded up; 0 when it is past, at most a minute
 * (who waits looks at the clock again). */
int clock_poll_ms(uint64_t until_ns, uint64_t now_ns);

/* The next multiple of the beat: what is due at one is due in one wake-up with others. */
uint64_t clock_next_beat(uint64_t at_boot_ns, uint64_t beat_ns);

/* RFC 3339, as below, at `at`: CLOCK_RFC3339_SIZE bytes, not terminated; returns their end. */
#define CLOCK_RFC3339_SIZE 30
char *clock_put_rfc3339(char *at, uint64_t wall_ns);
/* RFC 3339, UTC, 9 digits: 2026-11-24T01:02:03.000000004Z, appended. */
void clock_append_rfc3339(struct buf *buf, uint64_t wall_ns);

#endif
