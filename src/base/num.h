/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_NUM_H
#define WEIR_BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

#define NUM_NS_PER_S 1000000000ULL
#define NUM_NS_PER_MS 1000000ULL
#define NUM_NS_PER_US 1000ULL

/* Text to numbers. All take the n bytes at text whole (no blanks, no rest) and
 * return 0, -EINVAL (not such a number) or -ERANGE (does not fit). */
int num_parse_u64(uint64_t *ret, const char *text, size_t n); /* decimal or 0x… */
/* 500ms 20s 5m 1h 2d 1.5s 10us; a bare 0 */
int num_parse_duration_ns(uint64_t *ret, const char *text, size_t n);
int num_parse_size(uint64_t *ret, const char *text, size_t n); /* 64k 10M 1.5G, powers of 1024 */
int num_parse_rate(uint64_t *ret, const char *text, size_t n); /* 10k 1M, powers of 1000 */

/* Decimal digits at `at`, at most NUM_U64_SIZE, not terminated; returns their end. */
#define NUM_U64_SIZE 20
char *num_put_u64(char *at, uint64_t value);

/* Numbers to text, into the caller's buffer (always terminated); they return
 * ret, so that they fit into an argument list. */
char *num_print_size(char *ret, size_t size, uint64_t bytes);          /* 12.3K, powers of 1024 */
char *num_print_rate(char *ret, size_t size, uint64_t bits_per_second); /* 12.3k, powers of 1000 */
char *num_print_duration(char *ret, size_t size, uint64_t ns);         /* 1.2ms 3.4s 5m12s 2h03m */

/* In the largest unit that is exact, so that parsing it gives the same: 90s, 64k. */
char *num_exact_duration(char *ret, size_t size, uint64_t ns);
char *num_exact_size(char *ret, size_t size, uint64_t bytes);

#endif
