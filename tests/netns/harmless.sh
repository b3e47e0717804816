# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Nothing that weir does keeps a connection from being made, whatever it lacks itself.

# connections FIRST_PORT COUNT: so many that must all succeed
connections() {
	traffic tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port "$1" \
		--to 10.0.0.2 --count "$2" --send 100 --reply 300
}

test_sockets_that_may_carry_nothing_connect_and_are_told() {
	needs_rung tcp_life bpf_tracepoint
	pair
	weir_start
	inside a sysctl -qw net.core.optmem_max=0 2>/dev/null ||
		skip 'net.core.optmem_max is not of a network namespace here'
	inside b sysctl -qw net.core.optmem_max=0
	connections 10000 200
	wait_for check stats 'source["sock_life"]["bare"] >= 400' 'source["sock_life"]["lost"] == 0'
	flush a
	wait_for check count 200 'r.event == "end"'
	check every 'r.event == "end"' 'r.tcp_payload_orig == 100 and r.tcp_payload_reply == 300'
	weir_stop
}

# Rings that nobody reads.
test_a_collector_that_stands_still_is_in_nobodys_way() {
	needs_rung tcp_life bpf_tracepoint
	pair
	weir_start
	# shellcheck disable=SC2154
	kill -STOP "$weir_pid"
	for port in 10000 11000 12000 13000 14000 15000 16000 17000 18000 19000 20000 21000; do
		connections "$port" 700
	done
	kill -CONT "$weir_pid"
	wait_for check stats 'source["sock_life"]["lost"] > 0'
	flush a
	wait_for check count 8400 'r.event == "end"'
	check stats
	weir_stop
}
