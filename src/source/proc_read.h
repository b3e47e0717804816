/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_PROC_READ_H
#define WEIR_SOURCE_PROC_READ_H

#include <stdint.h>

#include "flow/owner.h"

/* Everything about a process but its uid. pid_fd: its folder in /proc, open. 0, or -errno
 * when something was refused (a shortage of descriptors or memory); what cannot be
 * read for another reason stays empty. */
int proc_read_owner(struct owner *ret, int pid_fd, uint32_t pid);

#endif
