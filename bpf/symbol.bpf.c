// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where a symbol of the kernel is (Linux 5.16): reading /proc/kallsyms for it makes the
 * kernel write down a hundred thousand others. Run by BPF_PROG_TEST_RUN.
 */
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct abi_symbol symbol = {};

SEC("syscall")
int find_symbol(void *context)
{
	symbol.error = (s32)bpf_kallsyms_lookup_name(symbol.name, sizeof(symbol.name), 0,
						     &symbol.address);
	return 0;
}
