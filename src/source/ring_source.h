/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_RING_SOURCE_H
#define WEIR_SOURCE_RING_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct key;
struct netns_set;
struct source_conf;
struct source_stats;

/* What the sources that read rings of BPF programs have in common: they hear of the whole
 * host, and come by on a timer. */

/* Whether what they heard of is to be shown: no beacon's, and of a namespace that was
 * entered (else counted as foreign). */
bool ring_source_shows(const struct source_conf *conf, struct netns_set *entered,
		       const struct key *key, struct source_stats *stats);
/* When to read next: sooner after many events, later after none for a while. */
uint64_t ring_source_next_boot_ns(uint64_t now_boot_ns, uint64_t heard_boot_ns, unsigned got);

#endif
