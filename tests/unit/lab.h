/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_UNIT_LAB_H
#define WEIR_TESTS_UNIT_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/num.h"
#include "flow/table.h"

/* A flow table on a bench: a clock that stands still, observations as text,
 * every record kept. */
struct lab {
	struct table *table;
	struct table_conf conf;
	uint64_t now_boot_ns;
	uint64_t deadline_boot_ns; /* what table_advance returned last */
	struct record *record;
	size_t count, capacity;
};

#define MS NUM_NS_PER_MS
#define S NUM_NS_PER_S
/* When a lab is opened; the collector it plays started at that moment. */
#define LAB_BOOT_NS (1000 * S)
#define LAB_WALL_NS (1700000000 * S)

/* 64 flows, 64 sockets, refresh 1 s, the default curve. */
struct table_conf lab_conf(void);
void lab_open(struct lab *lab, const struct table_conf *conf); /* NULL: lab_conf() */
void lab_close(struct lab *lab);

/* An observation in the text form of recordings. What is left out is filled in:
 * `at` with the lab's now, `has` with what the line names, `reply` with the
 * inverse of `orig`. */
void see(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, from a value. */
void see_obs(struct lab *lab, const struct obs *obs);
struct obs obs_of(const struct lab *lab, const char *line);
/* Moves the clock on and lets the table make what is due. */
void pass(struct lab *lab, uint64_t ns);
/* A pass over a namespace that began now, ends now and shows nothing. */
void sweep(struct lab *lab, const char *origin, unsigned netns);

uint64_t lab_wall_ns(const struct lab *lab);
size_t count_of(const struct lab *lab, enum event event);
/* The nth record of that event, from 0; fails the test when there is none. */
const struct record *nth(const struct lab *lab, enum event event, size_t n);
const struct record *last(const struct lab *lab);
/* The live flow with that original source port and namespace (0: any), as
 * table_next shows it. */
struct record live(const struct lab *lab, unsigned port, unsigned netns);
size_t live_count(const struct lab *lab);
struct table_stats stats_of(const struct lab *lab);
/* Flows: opened = ended + live + lost; bytes: grown = reported + unreported. */
void assert_identities(const struct lab *lab);

void assert_totals(const struct record *record, uint64_t bytes_orig, uint64_t bytes_reply);
void assert_deltas(const struct record *record, uint64_t bytes_orig, uint64_t bytes_reply);

/* setup and teardown of cmocka: *state is a struct lab with lab_conf(). */
int lab_setup(void **state);
int lab_teardown(void **state);
#define LAB_TEST(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

#endif
