# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Two pairs of namespaces that use the same addresses and ports at once: nothing
# of the one may be counted, or owned, by the other.

is_owned() {
	weir list -o json -N "$1" >"$T/list"
	check -f "$T/list" count 1 'r.bytes_orig and r.bytes_orig > 11111 and r.client_pid and
		r.server_pid'
}

test_equal_tuples_in_two_namespaces_are_two_flows() {
	local pids
	netns a1 b1 a2 b2
	link a1 va 10.0.0.1/24 b1 vb 10.0.0.2/24
	link a2 va 10.0.0.1/24 b2 vb 10.0.0.2/24
	track a1 a2
	listen_at a1
	listen_at a2
	weir_start
	traffic_open tcp --client-netns a1 --server-netns b1 --source 10.0.0.1 --source-port 2001 \
		--to 10.0.0.2 --send 11111 --reply 1
	step
	pids=$(counted client_pid):$(counted server_pid)
	traffic tcp --client-netns a2 --server-netns b2 --source 10.0.0.1 --source-port 2001 \
		--to 10.0.0.2 --send 3333 --reply 5
	wait_for is_owned a1
	check -f "$T/list" every 'True' "r.client_pid == ${pids%:*} and
		r.server_pid == ${pids#*:}"
	wait_for check at_least 1 'r.netns == ns("a2") and r.bytes_orig and
		r.ct_state == "time_wait"'
	# (a begin may be told before anything was sent)
	check every 'r.netns == ns("a2") and r.bytes_orig' \
		'(3333 if r.ct_state == "time_wait" else 0) < r.bytes_orig < 11111'
	check count 0 "r.netns == ns('a2') and (r.client_pid == ${pids%:*} or
		r.server_pid == ${pids#*:})"
	weir list -a -o json -N a2 >"$T/list"
	check -f "$T/list" count 1 'r.netns == ns("a2")'
	check -f "$T/list" count 1 'True'
	step_close
	flush a1 a2
	for side in a1 a2; do
		wait_for has_lines 1 "$T/destroy.$side"
		wait_for check count 1 "r.event == 'end' and r.netns == ns('$side')"
		check same "$T/destroy.$side" "r.event == 'end' and r.netns == ns('$side')"
	done
	check distinct 2 'True' 'r.flow_id'
	check distinct 1 'True' '(r.src_ip, r.src_port, r.dst_ip, r.dst_port, r.community_id)'
	check count 0 'r.primary == False or r.peer_flow_id'
	check lives ended
}

# A namespace that goes away takes its flows along; each is ended once.
test_a_namespace_that_is_deleted_ends_its_flows() {
	pair
	weir_start
	traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 \
		--count 5 --packets 3 --send 72 --reply 72
	wait_for check distinct 5 'r.packets_reply == 3' 'r.flow_id'
	ip netns del a
	wait_for check count 5 'r.event == "end"'
	# nothing of weir keeps it alive: its device took the other end along
	wait_for fails ip -n b link show vb
	check every 'r.event == "end"' 'r.packets_orig == 3 and r.packets_reply == 3'
	check lives ended
	check stats
}
