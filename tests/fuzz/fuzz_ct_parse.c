// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target of ct_parse: one input is one netlink message. The input is
 * copied to memory of exactly its size, aligned as netlink aligns, so that the
 * sanitizer sees the first byte read beyond it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/ct_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *message = malloc(size ? size : 1);
	struct obs obs;
	int r;

	if (!message)
		return 0;
	memcpy(message, data, size);
	r = ct_parse(&obs, message, size, 4026531840U);
	if (r && r != -ENOMSG && r != -EBADMSG)
		abort();
	/* what is said to be well-formed keeps the promises of struct key */
	if (!r && (obs.origin != ORIGIN_CONNTRACK || obs.ct.key.pad || obs.ct.key.orig.pad ||
		   obs.ct.key.zone_scope > ZONE_REPLY ||
		   (!obs.ct.key.zone && obs.ct.key.zone_scope)))
		abort();
	free(message);
	return 0;
}
