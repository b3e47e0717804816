# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# UDP: datagrams have a known size on the wire, so the sender knows IP bytes too.

# counts_datagrams CLIENT SERVER HEADERS: 4 flows of 25 datagrams, answered
counts_datagrams() {
	pair
	listen_at a
	weir_start
	traffic udp --client-netns a --server-netns b --source "$1" --source-port 3001 --to "$2" \
		--count 4 --packets 25 --send 700 --reply 1100
	is "$(counted client_packets_received)" -eq 100
	wait_for check distinct 4 'r.proto == "udp" and r.packets_reply == 25' 'r.src_port'
	flush a
	wait_for has_lines 4 "$T/destroy.a"
	wait_for check count 4 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check every 'r.event == "end"' "r.packets_orig == 25 and r.packets_reply == 25 and
		r.bytes_orig == 25 * (700 + $3) and r.bytes_reply == 25 * (1100 + $3)"
	check total $((100 * (700 + $3))) 'True' 'r.delta_bytes_orig'
	check total $((100 * (1100 + $3))) 'True' 'r.delta_bytes_reply'
	check lives ended
	check stats
}

test_ipv4_datagrams_are_counted_with_their_headers() {
	counts_datagrams 10.0.0.1 10.0.0.2 28
}

test_ipv6_datagrams_are_counted_with_their_headers() {
	counts_datagrams fd00::1 fd00::2 48
}

test_a_flow_without_an_answer_has_no_reply() {
	pair
	weir_start
	traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 \
		--count 3 --packets 7 --send 100 --reply 0
	wait_for check distinct 3 'r.packets_orig == 7 and r.bytes_orig == 7 * 128' 'r.flow_id'
	check every 'r.packets_orig' 'r.packets_reply == 0 and r.bytes_reply == 0 and
		"seen_reply" not in r.status'
}

# The kernel collects what is overdue within a minute, or when it is listed.
are_collected() {
	at a conntrack -L >"$T/conntrack.log" 2>&1
	check count "$1" 'r.event == "end"'
}

# The kernel drops the entry by itself: the end is when it was last used.
test_an_idle_flow_ends_by_its_timeout() {
	pair
	inside a sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
		net.netfilter.nf_conntrack_udp_timeout_stream=1
	listen_at a
	weir_start
	traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 \
		--count 2 --packets 1 --send 100 --reply 100
	wait_for are_collected 2
	wait_for has_lines 2 "$T/destroy.a"
	check same "$T/destroy.a" 'r.event == "end"'
	check every 'r.event == "end"' 'r.end_reason == "timeout" and r.exact is None'
}

# has_passed NS N: sweeps of sockets there
has_passed() {
	local n
	n=$(grep -c "^sweep socket .*netns=$(stat -L -c %i "/run/netns/$1")" "$T/seen" || true)
	is "$n" -ge "$2"
}

# Only every fourth pass looks at UDP: what the others do not show is not gone.
test_the_process_of_a_datagram_stays_known_from_pass_to_pass() {
	local passes
	pair
	track b
	hold_a_connection
	weir_start --record "$T/seen"
	traffic_open udp --client-netns a --server-netns b --to 10.0.0.2 --send 72 --reply 72
	for passes in 12 24; do
		wait_for has_passed b "$passes"
		step
		wait_for check distinct "$((passes / 12))" \
			"r.netns == ns('b') and r.server_pid == $(counted server_pid)" 'r.flow_id'
	done
	step_close
}

# The flow is read before the socket is, and nothing moves any more.
test_list_without_a_daemon_knows_who_serves_datagrams() {
	pair
	track b
	at b sysctl -qw net.netfilter.nf_conntrack_acct=1
	traffic_open udp --client-netns a --server-netns b --to 10.0.0.2 --send 72 --reply 72
	step
	"$WEIR" list -a -o json -N b udp >"$T/list"
	check -f "$T/list" every 'True' "r.server_pid == $(counted server_pid) and
		r.server_comm == 'traffic-server'"
	step_close
}
