/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_SOCK_RECORD_H
#define WEIR_SOURCE_SOCK_RECORD_H

#include "flow/obs.h"

struct abi_sock;

/* What BPF tells of a TCP socket into an observation of it: kind, origin and time are
 * the caller's; a jiffy is tick_ns. 0, or -EBADMSG for what no socket can be. */
int sock_record_parse(struct obs_socket *ret, const struct abi_sock *record, uint64_t tick_ns);

#endif
