/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_WALKER_H
#define WEIR_SOURCE_CT_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct abi_hot_entry;
struct why;

/* The BPF programs that read conntrack's table, and how they are driven: a pass is
 * begun and read in parts, as one reads a file. */
struct ct_walker;

/* What one read gives at the most: the kernel's buffer is eight pages. */
#define CT_WALKER_PART_BYTES (8 * 4096)
/* Flows that can be read by address: what fits 2 MiB of kernel memory. */
#define CT_WALKER_HOT_MAX 131072U

/* How kernel memory is read: by bpf_rdonly_cast (Linux 6.2) or, dearer, by
 * bpf_probe_read_kernel. */
enum ct_walker_way { CT_WALKER_BEST, CT_WALKER_CAST, CT_WALKER_READ };

/* netns_only: show that namespace alone; 0: all. -ENOTSUP, -EPERM …, with the
 * sentence. */
int ct_walker_new(struct ct_walker **ret, enum ct_walker_way way, uint32_t netns_only,
		  struct why *why);
void ct_walker_free(struct ct_walker *walker); /* NULL is a no-op */
/* Never CT_WALKER_BEST. */
enum ct_walker_way ct_walker_way(const struct ct_walker *walker);

/* Begins a pass over the whole table. 0 or -errno. */
int ct_walker_begin(struct ct_walker *walker);
/* Up to CT_WALKER_PART_BYTES of struct abi_ct; 0 at the end of the pass; -errno. */
ssize_t ct_walker_read(struct ct_walker *walker, void *part, size_t size);
/* After the end: whether nothing can have been missed (the table kept its place,
 * no chain changed too often under the reader or was too long). */
bool ct_walker_is_whole(const struct ct_walker *walker);
/* CONFIG_HZ of the kernel, once a pass has begun to be read; else 0. */
unsigned ct_walker_hz(struct ct_walker *walker);
/* A namespace that is the walker's own: its one flow is nobody's. 0: none. */
uint32_t ct_walker_own_netns(const struct ct_walker *walker);
/* Entries that were passed over since they changed while they were read. */
uint64_t ct_walker_void_entries(const struct ct_walker *walker);
/* Bytes of kernel memory that its maps take. */
uint64_t ct_walker_map_bytes(const struct ct_walker *walker);

/* What ct_walker_begin_hot shows: room for CT_WALKER_HOT_MAX entries, the first
 * `count` of which are in use, shared with the kernel. */
struct abi_hot_entry *ct_walker_hot(struct ct_walker *walker);
/* The same for those flows; not while a pass is under way is no condition. */
int ct_walker_begin_hot(struct ct_walker *walker, uint32_t count);
ssize_t ct_walker_read_hot(struct ct_walker *walker, void *part, size_t size);

#endif
