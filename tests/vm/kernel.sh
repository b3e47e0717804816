# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What weir finds on a kernel. These run before all others, when nothing has made
# the kernel load a module yet.

test_doctor_finds_a_way_to_see_everything() {
	weir doctor -o json >"$T/doctor.log"
	check -f "$T/doctor.log" at_least 6 'r.ok'
	check -f "$T/doctor.log" every 'True' 'r.ok and r.rung != "none"'
	weir doctor >"$T/text"
	is "$(grep -c '^[a-z_]* *ok ' "$T/text")" -ge 6
}

test_without_types_conntrack_is_known_by_netlink_and_doctor_says_why() {
	[ ! -e /sys/kernel/btf/vmlinux ] || skip 'this kernel shows its types'
	weir doctor -o json >"$T/doctor"
	for feature in begin live end; do
		check -f "$T/doctor" count 1 "r.feature == '$feature' and r.rung == 'ctnetlink' and
			'bpf_' in r.why and 'BTF' in r.why"
	done
	weir doctor >"$T/text"
	grep -q BTF "$T/text"
}

# Processes die with their pid namespace, weir among them: as in a container that is
# killed. Some kernels would wait for it as it waits for them, if it had trampolines.
test_a_killed_container_leaves_trampolines_that_work() {
	timeout -k 5 "$PATIENCE_S" unshare --pid --fork --kill-child --mount-proc \
		bash -euc '. "$1"; weir_start' - "${BASH_SOURCE[0]%/*}/../netns/lib.sh"
	timeout -k 5 "$PATIENCE_S" "$WEIR" doctor --source bpf_fentry >"$T/doctor"
}

test_trampolines_are_left_out_where_they_could_not_die() {
	grep -q ' tasks_rcu_exit_srcu$' /proc/kallsyms || skip 'here trampolines can die'
	weir doctor -o json >"$T/doctor"
	check -f "$T/doctor" count 2 'r.feature in ("begin", "end") and r.rung == "bpf_kprobe" and
		"bpf_fentry: before Linux 6.9" in r.why'
}

test_list_shows_a_connection_as_conntrack_does() {
	track ''
	sysctl -qw net.netfilter.nf_conntrack_acct=1
	traffic_open tcp --to 127.0.0.1 --port 4000 --count 2 --send 3000 --reply 5000
	step
	entries ''
	weir list -a -o json 'port 4000' >"$T/list"
	check -f "$T/list" count 2 'r.counted_by == "conntrack" and r.ct_state == "established"'
	check -f "$T/list" same "$T/entries." 'True'
	check -f "$T/list" every 'True' "r.client_pid == $(counted client_pid) and
		r.server_pid == $(counted server_pid) and r.rtt_us"
	weir list -a 'port 4000' >"$T/table"
	is "$(wc -l <"$T/table")" -eq 3
	step_close
}

# What tests of BPF stand on.
test_file_systems_of_the_kernel_are_mounted() {
	for kind in bpf tracefs cgroup2; do
		grep -q " $kind " /proc/mounts
	done
}
