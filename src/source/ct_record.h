/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_CT_RECORD_H
#define WEIR_SOURCE_CT_RECORD_H

#include <stdint.h>

#include "flow/obs.h"

struct abi_ct;

/* A conntrack entry that a BPF program has read, into an observation. Sets
 * everything but kind and at_boot_ns. hz: jiffies to a second, 0: not known, then
 * there is no timeout. 0, or -EBADMSG: no entry can be like that (*ret is then
 * undefined). */
int ct_record_parse(struct obs *ret, const struct abi_ct *record, unsigned hz);

/* The kernel's CONFIG_HZ, from what its jiffies were at that moment: they begin
 * five minutes before they overflow 32 bits (INITIAL_JIFFIES, linux/jiffies.h) and
 * do not run through suspend. 0 when it is none of those
 * that kernel/Kconfig.hz offers. */
unsigned ct_record_hz(uint64_t jiffies, uint64_t mono_ns);

#endif
