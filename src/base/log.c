// SPDX-License-Identifier: Apache-2.0
/*
 * Logging: one line per call on stderr, written with one write(2), so that
 * lines of several threads do not mix. It never allocates and never fails.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static _Atomic(enum log_level) log_level_shown = LOG_LEVEL_INFO;
static bool log_to_journal; /* set once by log_open, before any thread exists */

/* systemd says which stream is the journal's: "device:inode" (sd-daemon(3)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(enum log_level level)
{
	log_level_shown = level;
	log_to_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	log_level_shown = level;
}

int log_level_parse(enum log_level *ret, const char *text)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!strcmp(level_names[i], text)) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void log_line(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *format, va_list args)
{
	/* the priorities of syslog(3) */
	static const char *const journal_prefix[] = { "<3>", "<4>", "<6>", "<7>" };
	static const char *const plain_prefix[] = { "weir: error: ", "weir: warning: ",
						    "weir: ", "weir: debug: " };
	char line[1024];
	ssize_t written;
	int n, m;

	if (level > log_level_shown)
		return;
	n = snprintf(line, sizeof(line), "%s",
		     log_to_journal ? journal_prefix[level] : plain_prefix[level]);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	/* one call, one line: whatever a peer put into a text stays on it */
	for (int i = 0; i < n; i++) {
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	}
	line[n] = '\n';
	written = write(STDERR_FILENO, line, (size_t)n + 1);
	(void)written; /* there is nobody left to tell */
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

bool log_limit_allows(struct log_limit *limit, uint64_t at_boot_ns, uint64_t period_ns)
{
	if (at_boot_ns < limit->next_boot_ns) {
		limit->suppressed++;
		return false;
	}
	limit->next_boot_ns = at_boot_ns + period_ns;
	limit->suppressed = 0;
	return true;
}
