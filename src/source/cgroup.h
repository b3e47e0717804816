/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CGROUP_H
#define WEIR_SOURCE_CGROUP_H

#include "flow/owner.h"

/* Sets two members of the owner from the text of /proc/PID/cgroup; any text will
 * do.
 * cgroup: the unified (v2) path, or the longest v1 path where there is only
 * "0::/"; empty when there is none. Cut to fit.
 * container: what the paths name innermost, by 64 hex digits (docker, podman,
 * containerd, cri-o, whatever prefix and suffix), or else by the name of an LXC
 * container or of a machine of systemd-nspawn; empty when they name none. */
void cgroup_parse(struct owner *owner, const char *text);

#endif
