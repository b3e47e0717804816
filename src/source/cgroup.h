/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CGROUP_H
#define WEIR_SOURCE_CGROUP_H

#include "flow/owner.h"

/* The unified (v2) path of /proc/PID/cgroup text, or the longest v1 path where
 * there is only "0::/"; empty when there is none. Cut to fit. */
void cgroup_path(char ret[OWNER_PATH_SIZE], const char *text);
/* The container that a cgroup path names: 64 hex digits (docker, podman,
 * containerd, cri-o, whatever prefix and suffix), or a systemd-nspawn machine's
 * name; empty when it names none. */
void cgroup_container(char ret[OWNER_CONTAINER_SIZE], const char *path);

#endif
