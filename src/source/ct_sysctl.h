/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_SYSCTL_H
#define WEIR_SOURCE_CT_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

struct why;
struct buf;

/* nf_conntrack_acct and nf_conntrack_timestamp, per namespace: switched on where
 * they are off, remembered, and put back by ct_sysctl_free (only where the value
 * is still ours). The calling thread is inside the namespace. */
struct ct_sysctl;

int ct_sysctl_new(struct ct_sysctl **ret, struct why *why);
/* Puts every value back that still is as we set it (own and other namespaces,
 * these through a descriptor-free setns by `enter`), then frees. */
void ct_sysctl_free(struct ct_sysctl *sysctl);
/* Number of values changed (0: all were on), or -errno with the sentence. */
int ct_sysctl_enable(struct ct_sysctl *sysctl, uint32_t netns, struct why *why);
/* Forgets a namespace that is gone. */
void ct_sysctl_forget(struct ct_sysctl *sysctl, uint32_t netns);

/* What conntrack is like in the calling thread's namespace. */
struct ct_state_now {
	bool present;      /* conntrack is loaded */
	bool acct, timestamp;
	uint8_t events;    /* nf_conntrack_events: 0 off, 1 on, 2 auto */
	uint64_t count, max;
};
int ct_state_read(struct ct_state_now *ret, struct why *why);

#endif
