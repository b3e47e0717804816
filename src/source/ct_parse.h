/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_PARSE_H
#define WEIR_SOURCE_CT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "flow/obs.h"

/* One ctnetlink message about a conntrack entry into one observation. message
 * is aligned to 4 bytes, as netlink gives it; of its lengths none is believed.
 * Sets everything but at_boot_ns. The kind is OBS_CLOSE for a DELETE, OBS_OPEN
 * for a NEW that created, else OBS_SAMPLE (an update, or an entry of a dump).
 * 0; -ENOMSG: not about an entry; -EBADMSG: malformed (*ret is then undefined). */
int ct_parse(struct obs *ret, const void *message, size_t length, uint32_t netns);

#endif
