# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Connections that end badly end all the same, with the kernel's counters.

test_refused_connections_are_flows_that_say_so() {
	pair
	listen_at a
	weir_start
	traffic tcp --client-netns a --no-server --source-port 2001 --to 10.0.0.2 --count 5
	is "$(counted client_refused)" -eq 5
	wait_for has_lines 5 "$T/destroy.a"
	wait_for check count 5 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check every 'r.event == "end"' 'r.packets_orig == 1 and r.bytes_orig == 60 and
		r.packets_reply == 1 and r.bytes_reply == 40 and r.end_reason == "refused"'
	check lives ended
}

test_a_reset_is_told_from_a_close() {
	pair
	listen_at a
	weir_start
	traffic tcp --client-netns a --server-netns b --source-port 2001 --to 10.0.0.2 \
		--count 5 --send 7000 --reply 8000 --close reset
	is "$(counted server_reset)" -eq 5
	wait_for check distinct 5 'r.ct_state == "close" and r.bytes_reply' 'r.flow_id'
	flush a
	wait_for has_lines 5 "$T/destroy.a"
	wait_for check count 5 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check every 'r.event == "end"' 'r.end_reason == "rst" and r.bytes_orig > 7000'
	check lives ended
}

# Nobody listens, and nobody says so: an ICMP error is no reply of the flow.
test_datagrams_to_nobody_have_no_reply() {
	pair
	listen_at a
	weir_start
	traffic udp --client-netns a --no-server --source-port 2001 --to 10.0.0.2 --count 3 \
		--send 72 --reply 0
	wait_for check distinct 3 'r.packets_orig == 1' 'r.flow_id'
	flush a
	wait_for has_lines 3 "$T/destroy.a"
	wait_for check count 3 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check every 'r.event == "end"' 'r.bytes_orig == 100 and r.packets_reply == 0'
}
