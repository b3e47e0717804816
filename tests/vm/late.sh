# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Conntrack as a module: it comes when weir is running, goes, and comes again. Modules
# are the whole machine's, hence in guests alone.

users_of() {
	awk -v name="$1" '$1 == name { gsub(",", " ", $4); print $4 }' /proc/modules
}

# take_out MODULE: with all that use it
take_out() {
	local user
	for user in $(users_of "$1"); do
		[ "$user" = - ] || take_out "$user" || return
	done
	! grep -q "^$1 " /proc/modules || rmmod "$1"
}

# What the kernel asks for itself.
loads_modules() {
	sysctl -qw kernel.modprobe="$1"
}

# without_conntrack: namespaces as pair makes them, and no module but what they and
# sockets need
without_conntrack() {
	trap 'loads_modules /sbin/modprobe' EXIT
	grep -q '^nf_conntrack ' /proc/modules || modprobe nf_conntrack ||
		skip 'conntrack is no module of this kernel'
	netns a b
	link a va '10.0.0.1/24 fd00::1/64' b vb '10.0.0.2/24 fd00::2/64'
	modprobe -a inet_diag tcp_diag udp_diag
	wait_for take_out nf_conntrack
}

# beside a connection that is open: what that one counts is not written over
some_flows() {
	"$TRAFFIC" udp --client-netns a --server-netns b --source 10.0.0.1 --source-port "$1" \
		--to 10.0.0.2 --count "$2" --packets 3 --send 100 --reply 200 \
		>"$T/flows" 2>"$T/flows.log"
}

untrack() {
	at "$1" nft delete table inet t
}

test_conntrack_that_is_loaded_later_is_read_without_a_restart() {
	without_conntrack
	loads_modules /bin/false
	weir_start
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 \
		--send 3000 --reply 5000
	step
	wait_for grep -q 'conntrack is not loaded: only TCP sockets are seen' "$T/weir.log"
	wait_for check count 1 'r.event == "start" and r.counted_by == "socket"'
	weir doctor -o json >"$T/doctor"
	check -f "$T/doctor" count 3 'r.rung == "none" and r.why'

	loads_modules /sbin/modprobe
	track a
	live_long
	wait_for grep -q 'conntrack is loaded now: ' "$T/weir.log"
	some_flows 10000 50
	wait_for check distinct 50 'r.packets_orig == 3 and r.packets_reply == 3' 'r.flow_id'
	entries a
	check count 0 'r.baseline'
	step
	step_close
	flush a
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]' \
		's["byte_identity"]["holds"]'
	weir_stop
	check same "$T/entries.a" 'r.event == "end" and r.proto == "udp"'
	check count 51 'r.event == "end"'
	check every 'r.event == "end" and r.counted_by == "conntrack"' \
		'r.exact is None and (r.packets_orig, r.packets_reply) == (3, 3)'
	check total 1 'r.event == "end" and r.counted_by == "socket"' \
		"r['bytes_orig'] == 6000 and r['bytes_reply'] == 10000"
	check lives ended
	is "$(grep -c 'conntrack is loaded now' "$T/weir.log")" -eq 1
	is "$(grep -c 'conntrack is not loaded' "$T/weir.log")" -eq 1
}

# What reads it is a module as well.
test_conntrack_that_cannot_be_read_at_first_is_tried_again() {
	without_conntrack
	loads_modules /bin/false
	weir_start
	modprobe nf_conntrack
	wait_for grep -q 'conntrack is loaded, but cannot be read: ' "$T/weir.log"
	loads_modules /sbin/modprobe
	wait_for grep -q 'conntrack is loaded now: ' "$T/weir.log"
	track a
	some_flows 10000 10
	wait_for check distinct 10 'r.packets_orig == 3 and r.packets_reply == 3' 'r.flow_id'
	weir_stop
	is "$(grep -c 'cannot be read' "$T/weir.log")" -eq 1
	check lives ended
}

# goes_and_comes FEATURE RUNG RUNGS: by a weir that stands on these
goes_and_comes() {
	without_conntrack
	track a
	needs_rung "$1" "$2"
	live_long
	weir_start --source "$3"
	for round in 1 2; do
		wait_for fails check stats 's["table"]["live"] > 0'
		some_flows "${round}0000" 100
		wait_for check distinct $((round * 100)) \
			'r.packets_orig == 3 and r.packets_reply == 3' 'r.flow_id'
		untrack a
		wait_for take_out nf_conntrack
		wait_for has_said "$round" 'conntrack was unloaded: its flows have ended'
		wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]' \
			's["byte_identity"]["holds"]'
		check count $((round * 100)) 'r.event == "end"'
		track a
		live_long
		wait_for has_said "$round" 'conntrack is loaded now: '
	done
	some_flows 30000 100
	wait_for check stats 's["table"]["live"] == 100'
	flush a
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]'
	weir_stop
	check count 300 'r.event == "end"'
	check every 'r.event == "end"' '(r.packets_orig, r.packets_reply) == (3, 3)'
	check lives ended
}

has_said() {
	is "$(grep -c "$2" "$T/weir.log")" -ge "$1"
}

test_conntrack_goes_and_comes_under_kprobes() {
	goes_and_comes end bpf_kprobe bpf_walk,bpf_kprobe
	# they are told while it is taken out
	check count 0 'r.exact == False'
}

test_conntrack_goes_and_comes_under_its_events() {
	goes_and_comes live ctnetlink ctnetlink
}

test_trampolines_keep_conntrack_in_as_long_as_weir_runs() {
	without_conntrack
	track a
	needs_rung end bpf_fentry
	weir_start
	some_flows 10000 10
	untrack a
	fails take_out nf_conntrack
	some_flows 20000 10
	wait_for check stats 's["table"]["opened"] >= 10' 's["identity"]["holds"]'
	weir_stop
	wait_for take_out nf_conntrack
}
