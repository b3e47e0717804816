# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# 1,000 TCP connections of 10,000 bytes at once, tracked by one namespace, by both
# their ends, dropped by a flush or by the kernel's own timeouts: 1,000 primary
# ends, each with the counters that conntrack had, none lost, none twice. $CONNECTIONS
# is how many, where a thousand take too long.
many=${CONNECTIONS:-1000}

thousand() {
	traffic_open tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port 20000 \
		--to 10.0.0.2 --count "$many" --send 4000 --reply 6000
	step
	wait_for check distinct "$many" 'r.event in ("start", "update") and r.netns == ns("a") and
		r.bytes_orig and r.bytes_orig > 4000' 'r.flow_id'
	step_close
	is "$(counted client_sent)" -eq $((4000 * many))
	is "$(counted client_received)" -eq $((6000 * many))
}

# flush_seen NS...: drops all entries, their last counters kept from conntrack -L: in
# time_wait they move no more. (conntrack -E loses events of so many at once.)
flush_seen() {
	for side; do
		at "$side" conntrack -L -o extended,id >"$T/entries.$side" 2>"$T/conntrack.log"
		is "$(wc -l <"$T/entries.$side")" -eq "$many"
	done
	flush "$@"
}

# all_ended NS...: as many each
all_ended() {
	wait_for check count $((many * $#)) 'r.event == "end"'
	for side; do
		[ ! -e "$T/entries.$side" ] ||
			check same "$T/entries.$side" "r.event == 'end' and r.netns == ns('$side')"
	done
	check count "$many" 'r.event == "end" and r.primary != False'
	check distinct $((many * $#)) 'True' 'r.flow_id'
	check count 0 'r.exact == False'
	check lives ended
	check stats
	check stats "s['identity']['exported'] == $((many * $#))"
}

test_flushed_connections_have_one_end_each() {
	pair
	weir_start
	thousand
	flush_seen a
	all_ended a
}

# The kernel collects what is overdue within a minute, or when it is listed.
are_collected() {
	at a conntrack -L >"$T/conntrack.log" 2>&1
	check count "$many" 'r.event == "end"'
}

test_connections_that_time_out_have_one_end_each() {
	pair
	inside a sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=1 \
		net.netfilter.nf_conntrack_tcp_timeout_close=1
	weir_start
	thousand
	wait_for are_collected
	all_ended a
	check every 'r.event == "end"' 'r.end_reason == "fin"'
}

test_connections_tracked_at_both_ends_have_one_primary_end_each() {
	pair
	track b
	weir_start
	thousand
	wait_for check distinct "$many" 'r.netns == ns("b") and r.bytes_orig and r.peer_flow_id' \
		'r.flow_id'
	flush_seen a b
	all_ended a b
	# the client's is, unless the other was told before it was read
	check every 'r.event == "end"' 'r.peer_flow_id and r.primary in (True, False)'
	check distinct $((2 * many)) 'r.event == "end"' '(r.community_id, r.primary)'
}
