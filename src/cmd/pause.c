// SPDX-License-Identifier: Apache-2.0
/* Waiting for a person or for the time. The end of standard input is neither. */
#include "cmd/pause.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"

struct pause pause_begin(bool wanted)
{
	return (struct pause){ .is_deaf = !wanted && !isatty(STDIN_FILENO) };
}

bool pause_reads_enter(struct pause *pause)
{
	/* in the background the terminal is the shell's: who reads there is stopped */
	const bool is_others = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) != getpgrp();
	char bytes[256];
	const ssize_t n = is_others ? 0 : read(STDIN_FILENO, bytes, sizeof(bytes));

	pause->is_deaf = n <= 0;
	return n > 0 && memchr(bytes, '\n', (size_t)n);
}

void pause_wait(struct pause *pause, unsigned long long ns)
{
	const uint64_t until_boot_ns = clock_boot_ns() + ns;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int left_ms;

	while ((left_ms = clock_poll_ms(until_boot_ns, clock_boot_ns()))) {
		/* of a negative descriptor nothing is said */
		input.fd = pause->is_deaf ? -1 : STDIN_FILENO;
		input.revents = 0;
		if (poll(&input, 1, left_ms) > 0 && pause_reads_enter(pause))
			return;
	}
}

static void on_signal(int number)
{
	_exit(EXIT_OK);
}

void pause_end_by_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
