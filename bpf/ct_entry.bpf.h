/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_CT_ENTRY_H
#define WEIR_BPF_CT_ENTRY_H

/* What both ways of reading a conntrack entry have in common. */

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

/* include/uapi/linux/netfilter/nf_conntrack_common.h */
#define IPS_CONFIRMED (1U << 3)
#define IPS_DYING (1U << 9)
#define IPPROTO_TCP 6
/* include/net/netfilter/nf_conntrack_zones.h: NF_CT_DEFAULT_ZONE_DIR */
#define ZONE_BOTH_WAYS 3

#define EXT_NONE 16 /* an extension that this kernel does not have */

#define EXT_ID(name) \
	(bpf_core_enum_value_exists(enum nf_ct_ext_id, name) ? \
		 bpf_core_enum_value(enum nf_ct_ext_id, name) : EXT_NONE)

/* What a reader may take for an entry. One that is dying has its end told by others; and
 * every one that was freed was dying before: where the memory of entries is given to
 * others, and an address is looked at that was an entry's once, what is left of it
 * still says so. */
static __always_inline int is_alive(u64 status)
{
	return (status & (IPS_CONFIRMED | IPS_DYING)) == IPS_CONFIRMED;
}

/* nf_ct_ext.offset, up to 16 entries as two words: where the extension with that
 * number begins, from the start of the extensions; 0: it is not there. */
static __always_inline u32 ext_offset(const u64 offsets[2], u32 id)
{
	if (id >= EXT_NONE)
		return 0;
	return offsets[id / 8] >> (id % 8 * 8) & 0xff;
}

static __always_inline s32 jiffies_left(u32 timeout)
{
	return (s32)(timeout - (u32)bpf_jiffies64());
}

#endif
