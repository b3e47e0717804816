/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_BPF_WORDS_H
#define WEIR_SOURCE_BPF_WORDS_H

#include <stdint.h>

struct why;

/* libbpf explains itself on stderr, to whom it may concern. From the first call of
 * this on it does not: the first warning since is kept, for a person to be told. */
void bpf_words_begin(void);
/* The sentence "what: strerror (what libbpf said)"; returns r. */
int bpf_words_why(struct why *why, int r, const char *what);

/* The number of a struct in vmlinux's BTF, or -errno. */
int bpf_words_struct_id(const char *name, struct why *why);
/* The address of a kernel symbol, of at most 63 bytes, as /proc/kallsyms has it: 0,
 * -ENOENT (not there), or -EPERM (addresses are hidden from us). */
int bpf_words_symbol(uint64_t *ret, const char *name);

#endif
