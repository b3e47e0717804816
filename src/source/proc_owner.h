/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_PROC_OWNER_H
#define WEIR_SOURCE_PROC_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/obs.h"

/* Socket inode → process, by reading /proc/PID/fd. Only sockets that are not yet
 * known are looked for, all of them in one pass, a slice of time per call. A
 * socket held by several processes is given to the first that is not init
 * (socket activation hands descriptors down). */
struct proc_owner;

int proc_owner_new(struct proc_owner **ret, const struct obs_outlet *outlet);
void proc_owner_free(struct proc_owner *owners); /* NULL is a no-op */

/* Says that a socket exists; unknown ones are looked for in the next pass. */
void proc_owner_want(struct proc_owner *owners, uint32_t inode, uint64_t cookie);
/* Goes on for about slice_ns; emits OBS_OWNER for what it finds. Returns the
 * boot time at which to go on (UINT64_MAX: nothing is wanted). */
uint64_t proc_owner_work(struct proc_owner *owners, uint64_t now_boot_ns, uint64_t slice_ns);
/* Something is wanted that no whole pass has looked for yet, and can be. */
bool proc_owner_is_searching(const struct proc_owner *owners);
/* Passes that broke off since descriptors or memory were refused; each is made
 * again a second later. */
uint64_t proc_owner_refused(const struct proc_owner *owners);

#endif
