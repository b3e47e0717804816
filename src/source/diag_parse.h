/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_DIAG_PARSE_H
#define WEIR_SOURCE_DIAG_PARSE_H

#include <stddef.h>

#include "flow/obs.h"

struct nlmsghdr;

/* One sock_diag answer or DESTROY event into an observation of a socket; kind,
 * origin, time and role are the caller's. The message is n bytes and may be
 * anything. 0, or -EBADMSG. The protocol is the caller's as well: inet_diag
 * messages do not say it.
 *
 * Payload, from tcp_info (net/ipv4/tcp_input.c, tcp.c): bytes_acked counts our
 * SYN on the connecting side and our FIN once acknowledged; bytes_received
 * counts the peer's FIN. What a state leaves open (has the FIN of a socket in
 * CLOSE been acknowledged?) is bounded by the payload that was sent at all. A
 * socket that died by a reset may be told one received byte less. */
int diag_parse(struct obs_socket *ret, const struct nlmsghdr *message, size_t n, uint8_t proto,
	       bool destroyed);
/* Takes the SYN out of what a connecting socket sent, once its role is known. */
void diag_settle_role(struct obs_socket *socket, enum socket_role role);

#endif
