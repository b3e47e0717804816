/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_BPF_OBJECTS_H
#define WEIR_SOURCE_BPF_OBJECTS_H

/* The BPF objects of the build, as bpftool makes them, and what they are made of. */

#include "abi/weir_abi.h"

/* bpftool 7.1 casts const away from the bytes of the object. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "bpf/ct_base.skel.h"
#include "bpf/ct_life_fentry.skel.h"
#include "bpf/ct_life_kprobe.skel.h"
#include "bpf/ct_walk_cast.skel.h"
#include "bpf/ct_walk_read.skel.h"
#include "bpf/sock_calls.skel.h"
#include "bpf/sock_life.skel.h"
#include "bpf/symbol.skel.h"
#pragma GCC diagnostic pop

#endif
