/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_PRIVATE_NETNS_H
#define WEIR_SOURCE_PRIVATE_NETNS_H

struct why;

/* Puts the calling thread into a new network namespace whose loopback is up. Returns a
 * descriptor of the one it was in, to go back with, or -errno with the sentence: the
 * thread then is where it was. */
int private_netns_enter(struct why *why);
/* Back again; closes the descriptor. */
void private_netns_leave(int home_fd);

#endif
