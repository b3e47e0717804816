/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_TRACK_H
#define WEIR_SOURCE_TRACK_H

struct why;

/* --track: an nftables table "inet weir" with one rule that mentions conntrack,
 * in a chain that no packet passes: the mention alone makes the kernel track
 * this namespace's traffic. The table is owned (NFT_TABLE_F_OWNER): it vanishes
 * with the netlink socket, so with this process, however it ends. A kernel without
 * owners (before 5.12) removes it with track_close only; one that a killed weir left
 * is taken over by the next. */
struct track;

/* -EBUSY with a sentence when the conntrack table has no headroom (more than
 * half of nf_conntrack_max in use), -EPERM, -EEXIST (another weir), -ENOTSUP. */
int track_open(struct track **ret, struct why *why);
/* The same in a namespace that is the caller's alone: without regard to headroom. */
int track_open_private(struct track **ret, struct why *why);
void track_close(struct track *track); /* NULL is a no-op */

#endif
