// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of diag_parse: one input is one netlink message, copied to
 * memory of exactly its size, so that the sanitizer sees the first byte read
 * beyond it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/diag_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const void *message, size_t size, uint8_t proto, bool destroyed)
{
	struct obs_socket socket;
	int r = diag_parse(&socket, message, size, proto, destroyed);

	if (r && r != -EBADMSG)
		abort();
	if (!r && (!socket.cookie || socket.local.pad || socket.local.proto != proto))
		abort();
	if (r)
		return;
	diag_settle_role(&socket, SOCKET_ROLE_CLIENT);
	if (socket.syn_may_count || (proto == IPPROTO_UDP && socket.has & SOCKET_INFO))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *message = malloc(size ? size : 1);

	if (!message)
		return 0;
	memcpy(message, data, size);
	parse(message, size, IPPROTO_TCP, false);
	parse(message, size, IPPROTO_TCP, true);
	parse(message, size, IPPROTO_UDP, false);
	free(message);
	return 0;
}
