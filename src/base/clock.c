// SPDX-License-Identifier: Apache-2.0
/* The clocks, and the one way a time is written. */
#include "base/clock.h"

#include <time.h>

#include "base/buf.h"
#include "base/num.h"

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int clock_poll_ms(uint64_t until_ns, uint64_t now_ns)
{
	const uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	return left_ns > 60 * NUM_NS_PER_S ?
		       60000 : (int)((left_ns + NUM_NS_PER_MS - 1) / NUM_NS_PER_MS);
}

uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_tick_ns(void)
{
	struct timespec tick = { 0 };

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (uint64_t)tick.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_process_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_wall_minus_boot_ns(void)
{
	/* read on both sides, so that a preemption between does not count */
	const uint64_t before = clock_boot_ns();
	const uint64_t wall = clock_wall_ns();
	const uint64_t after = clock_boot_ns();

	return (int64_t)(wall - (before + (after - before) / 2));
}

uint64_t clock_next_beat(uint64_t at_boot_ns, uint64_t beat_ns)
{
	return (at_boot_ns / beat_ns + 1) * beat_ns;
}

static void put_digits(char *at, uint64_t value, int digits)
{
	while (digits-- > 0) {
		at[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

char *clock_put_rfc3339(char *at, uint64_t wall_ns)
{
	const uint64_t seconds = wall_ns / 1000000000ULL, day_s = seconds % 86400;
	/* Civil date from the day number, with years that begin in March, so that
	 * the leap day is a year's last: 400 years are 146097 days. */
	const uint64_t days = seconds / 86400 + 719468;
	const uint64_t era = days / 146097, day_of_era = days % 146097;
	const uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const uint64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const uint64_t month_from_march = (5 * day_of_year + 2) / 153;
	const uint64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	const uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	const uint64_t year = era * 400 + year_of_era + (month <= 2);

	put_digits(at, year, 4);
	at[4] = '-';
	put_digits(at + 5, month, 2);
	at[7] = '-';
	put_digits(at + 8, day, 2);
	at[10] = 'T';
	put_digits(at + 11, day_s / 3600, 2);
	at[13] = ':';
	put_digits(at + 14, day_s / 60 % 60, 2);
	at[16] = ':';
	put_digits(at + 17, day_s % 60, 2);
	at[19] = '.';
	put_digits(at + 20, wall_ns % 1000000000ULL, 9);
	at[29] = 'Z';
	return at + CLOCK_RFC3339_SIZE;
}

void clock_append_rfc3339(struct buf *buf, uint64_t wall_ns)
{
	char *at = buf_reserve(buf, CLOCK_RFC3339_SIZE);

	if (at)
		buf->len += (size_t)(clock_put_rfc3339(at, wall_ns) - at);
}
