/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_HOT_H
#define WEIR_SOURCE_CT_HOT_H

#include <stdbool.h>
#include <stdint.h>

struct abi_ct;
struct abi_hot_entry;

/* Which conntrack entries are read by address between two passes: all while there
 * are few, else those that moved between the last pass and the one before. Chosen
 * anew by each pass. */
struct ct_hot;

/* Up to this many, all are. */
#define CT_HOT_FEW 16384U

/* max: entries that can be hot. 0 or -ENOMEM. */
int ct_hot_new(struct ct_hot **ret, uint32_t max);
void ct_hot_free(struct ct_hot *hot); /* NULL is a no-op */

/* A pass begins. Where there are many entries, 8 bytes of memory for each are taken
 * here; when they are refused, none is hot. */
void ct_hot_begin(struct ct_hot *hot);
/* An entry that the pass shows. */
void ct_hot_offer(struct ct_hot *hot, const struct abi_ct *entry);
/* The pass is over: writes its choice, whole pages filled up with nothing, and
 * returns how many there are. */
uint32_t ct_hot_end(struct ct_hot *hot, struct abi_hot_entry *to);

/* Whether the last pass chose every entry that it showed. */
bool ct_hot_has_all(const struct ct_hot *hot);
/* Entries that the last pass showed. */
uint64_t ct_hot_shown(const struct ct_hot *hot);

#endif
