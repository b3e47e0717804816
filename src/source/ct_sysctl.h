/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_SYSCTL_H
#define WEIR_SOURCE_CT_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

struct guard;
struct why;

/* nf_conntrack_acct and nf_conntrack_timestamp of every namespace: switched on
 * where they are off, kept on, and put back at the end, or by the guard after
 * it, where they are still as we set them. Two descriptors for each namespace. */
struct ct_sysctl;

/* guard: borrowed, may be NULL. */
int ct_sysctl_new(struct ct_sysctl **ret, struct guard *guard, struct why *why);
void ct_sysctl_free(struct ct_sysctl *sysctl); /* puts back; NULL is a no-op */
/* The calling thread is inside the namespace. Number of switches turned (0: all
 * were on), or -errno with the sentence (-ENOENT: conntrack is not loaded). */
int ct_sysctl_enable(struct ct_sysctl *sysctl, uint32_t netns, struct why *why);
/* Looks again, at the own namespace, which the calling thread is in, and at a
 * bounded number of the others: another weir that ends, or anybody else, may
 * have switched them off. Returns in how many namespaces something was off and is
 * on again; why is set where that failed. */
unsigned ct_sysctl_watch(struct ct_sysctl *sysctl, struct why *why);
/* Forgets a namespace that is gone; all, since conntrack is. */
void ct_sysctl_forget(struct ct_sysctl *sysctl, uint32_t netns);
void ct_sysctl_forget_all(struct ct_sysctl *sysctl);

/* Switches off what is open at fd, if it still is as we set it. */
void ct_sysctl_put_back(int fd);

/* What conntrack is like in the calling thread's namespace. */
struct ct_state_now {
	bool present;      /* conntrack is loaded */
	bool acct, timestamp;
	uint8_t events;    /* nf_conntrack_events: 0 off, 1 on, 2 auto */
	uint64_t count, max;
};
int ct_state_read(struct ct_state_now *ret, struct why *why);

#endif
