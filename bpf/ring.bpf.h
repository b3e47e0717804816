/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WEIR_BPF_RING_H
#define WEIR_BPF_RING_H

#include <bpf/bpf_helpers.h>

/* Who reads is only woken when that much waits in the ring: else it comes by on its own
 * time, which costs nobody anything. */
static __always_inline u64 wakeup(void *ring, u64 wakeup_bytes)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > wakeup_bytes ?
		       BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

#endif
