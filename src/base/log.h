/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* One line per call on stderr. With JOURNAL_STREAM matching stderr's device
 * and inode the line starts with the syslog prefix "<N>" (sd-daemon(3)) and has
 * no timestamp; else it is "weir: [warning: |error: ]text". Only cmd, engine,
 * serve and sink/outbox log; everything below returns what went wrong. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_open(enum log_level level);
/* From now on, in every thread. */
void log_set_level(enum log_level level);
/* 0, or -EINVAL: not one of error, warn, info, debug. */
int log_level_parse(enum log_level *ret, const char *text);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A place that may fail again and again says so once in every period. Zeroed
 * is ready. */
struct log_limit {
	uint64_t next_boot_ns;
	uint64_t suppressed; /* calls refused since the last one allowed */
};

/* True at the first call and then once in period_ns; at_boot_ns is now. */
bool log_limit_allows(struct log_limit *limit, uint64_t at_boot_ns, uint64_t period_ns);

#endif
