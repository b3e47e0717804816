/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FAULT_RECEIVER_H
#define WEIR_TESTS_FAULT_RECEIVER_H

/* A receiver of records that answers what a test wants, and an outbox before it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/num.h"
#include "sink/outbox.h"

#define PATIENCE_NS (60 * NUM_NS_PER_S)
#define SEEN_MAX 100000U



/* The receiver, shared with the outbox's thread; how is atomic. */
struct receiver {
	enum delivery how; /* what it answers */
	uint32_t largest;  /* SPLIT above so many records; 0: no limit */
	uint32_t partial_each; /* with PARTIAL: every so manieth is taken */
	uint32_t hangs;
	uint32_t tries, seen_count;
	uint32_t seen[SEEN_MAX]; /* seq of what was taken, in order */
	char last[4096];         /* bytes of the last try */
	size_t last_n;
	uint32_t changed_bytes;  /* a RETRY came with other bytes than before */
};
extern struct receiver receiver;

extern const struct sink_ops scripted_ops;

/* Answers that from the first on; what it saw is forgotten. */
void script(enum delivery how);
void now_answer(enum delivery how);
/* A sink with small batches; spool_path NULL: without a spool. */
struct settings_sink settings_of(const char *spool_path);
struct outbox *open_with(const struct settings_sink *settings);
/* n records with these numbers; returns how many were taken. */
uint32_t push(struct outbox *outbox, uint32_t from, uint32_t n);
/* The identity holds, each time it is looked at. */
struct outbox_stats stats_of(struct outbox *outbox);
/* Between two looks at a condition. */
void pause_ms(void);
/* What was taken: these numbers, in order. */
void seen_are(uint32_t from, uint32_t n);

#define wait_until(outbox, condition) \
	do { \
		const uint64_t until = clock_boot_ns() + PATIENCE_NS; \
		struct outbox_stats stats __attribute__((unused)) = stats_of(outbox); \
		while (!(condition)) { \
			if (clock_boot_ns() > until) \
				fail_msg("waited for: %s", #condition); \
			pause_ms(); \
			stats = stats_of(outbox); \
		} \
	} while (0)

#endif
