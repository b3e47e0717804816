// SPDX-License-Identifier: Apache-2.0
/*
 * Where trampolines would outlive their owner.
 *
 * A trampoline is taken away after a grace period of RCU tasks. Before Linux 6.9 that
 * waits for each task on its way out, and the first task of a pid namespace waits
 * there until all others of the namespace are gone. If one of those is the owner of a
 * trampoline, killed with the namespace, each waits for the other, and everybody who
 * attaches or detaches trampolines after them waits too, until the machine boots.
 */
#include "source/trampoline.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/why.h"
#include "source/bpf_words.h"

/* What the first pid namespace is called, on every kernel. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCU

static bool in_first_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE;
}

int trampoline_may_die(struct why *why)
{
	uint64_t address;

	if (in_first_pid_namespace() ||
	    bpf_words_symbol(&address, "tasks_rcu_exit_srcu") == -ENOENT)
		return 0;
	return why_set(why, -EBUSY,
		       "before Linux 6.9 the death of this pid namespace would block "
		       "trampolines for good");
}
