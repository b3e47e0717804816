/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_ENDPOINT_H
#define WEIR_BASE_ENDPOINT_H

#include <sys/socket.h>

struct why;

/* Where to listen, from text: 127.0.0.1:9477, [::1]:9477, localhost:9477, or every
 * address of the host, :9477 and *:9477 (IPv6's any, which takes IPv4 as well). No
 * name is looked up. 0, or -EINVAL with a sentence. */
int endpoint_parse(struct sockaddr_storage *ret, const char *text, struct why *why);

#endif
