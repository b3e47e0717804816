# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# weir dies in the middle of transfers and comes back: nothing is counted twice,
# and what moved in between by neither run.

is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# kill_weir: -9, and its guard must follow by itself
kill_weir() {
	local guard
	# shellcheck disable=SC2154
	guard=$(pgrep -P "$weir_pid" -x weir-guard)
	kill -9 "$weir_pid"
	wait "$weir_pid" || true
	wait_for is_gone "$guard"
}

is_reported() {
	entries a
	"$WEIR" list -a -o json >"$T/list"
	check -f "$T/list" same "$T/entries.a" 'True'
	check stats 's["byte_identity"]["unreported"] == 0'
}

test_flows_come_back_as_baseline_and_nothing_is_counted_twice() {
	pair
	listen_at a
	# a first record waits one refresh for the kernel's start, of which the id is made
	WEIR_REFRESH=2s weir_start
	traffic_open tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port 2001 \
		--to 10.0.0.2 --count 20 --send 50000 --reply 30000
	step
	wait_for check distinct 20 'r.bytes_orig' 'r.flow_id'
	wait_for is_reported
	kill_weir
	mv "$T/records" "$T/first"
	step
	entries a
	cp "$T/entries.a" "$T/before"
	weir_start
	wait_for check count 20 'r.baseline and r.seq == 0'
	check every 'r.seq == 0' \
		'r.baseline and r.delta_bytes_orig == 0 and r.delta_bytes_reply == 0'
	check same "$T/before" 'r.seq == 0'
	step
	step_close
	wait_for check distinct 20 'r.ct_state == "time_wait" and r.bytes_orig' 'r.flow_id'
	flush a
	wait_for has_lines 20 "$T/destroy.a"
	wait_for check count 20 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check lives ended
	check -f "$T/first" lives any
	check once "$T/first" "$T/before" "$T/records"
	check stats
}

# Entries made while nobody listened give no DESTROY: they are missed by a pass. (BPF
# sees their ends.)
test_flows_older_than_any_listener_end_as_inexact() {
	local events
	pair
	events=$(inside a sysctl -n net.netfilter.nf_conntrack_events)
	# (a listener of another namespace would make some as well)
	inside a sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_events=0
	traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 --count 9 \
		--packets 2 --send 72 --reply 72
	inside a sysctl -qw "net.netfilter.nf_conntrack_events=$events"
	entries a
	weir_start --source bpf_walk,ctnetlink
	wait_for check count 9 'r.baseline and r.event == "start"'
	check same "$T/entries.a" 'r.event == "start"'
	flush a
	wait_for check count 9 'r.event == "end"'
	check every 'r.event == "end"' 'r.exact == False and r.inexact_reason == "lost" and
		r.packets_orig == 2 and r.delta_bytes_orig == 0'
	check lives ended
	check stats
}

# One that is found while weir has been running for long is new, as what is in it.
test_connections_in_a_namespace_that_is_found_late_are_counted_in_full() {
	weir_start
	wait_for check stats 's["self"]["uptime_seconds"] > 10'
	# weir must find it when the bytes have flowed
	kill -STOP "$weir_pid"
	netns late
	traffic_open tcp --client-netns late --server-netns late --to 127.0.0.1 --source-port 2001 \
		--send 7000 --reply 900
	step
	kill -CONT "$weir_pid"
	wait_for check at_least 1 'r.netns == ns("late") and r.bytes_orig == 7000'
	step
	step_close
	wait_for check count 1 'r.event == "end" and r.bytes_orig == 14000'
	check every 'True' 'r.counted_by == "socket" and r.baseline is None'
	check total 14000 'True' 'r.delta_bytes_orig'
	check lives ended
}

# Who asked and how much went before is told by the sockets themselves, where nothing
# else knows of them.
test_transfers_that_weir_finds_are_counted_from_then_on() {
	needs_rung tcp_life bpf_tracepoint
	netns a b
	link a va 10.0.0.1/24 b vb 10.0.0.2/24
	traffic_open tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port 2001 \
		--to 10.0.0.2 --count 20 --send 50000 --reply 30000
	step
	weir_start
	wait_for check count 20 'r.baseline and r.seq == 0'
	check every 'r.seq == 0' 'r.delta_bytes_orig == 0 and r.delta_bytes_reply == 0'
	step
	step
	wait_for check total 2000000 'r.src_port' 'r.delta_bytes_orig'
	step_close
	wait_for check count 20 'r.event == "end"'
	check total 2000000 'r.src_port' 'r.delta_bytes_orig'
	check total 1200000 'r.src_port' 'r.delta_bytes_reply'
	check every 'r.src_port' 'r.src_ip == "10.0.0.1" and r.dst_port == 5001 and
		r.counted_by == "socket"'
	check every 'r.event == "end"' 'r.client_comm.startswith("traffic") and
		r.server_comm.startswith("traffic") and r.client_pid != r.server_pid'
	check stats
}
