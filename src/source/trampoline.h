/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SOURCE_TRAMPOLINE_H
#define WEIR_SOURCE_TRAMPOLINE_H

struct why;

/* Whether this process may die while BPF trampolines (fentry, fexit) of its own are
 * attached: 0, or -EBUSY with the sentence. See docs/kernel.md, 1.5. */
int trampoline_may_die(struct why *why);

#endif
