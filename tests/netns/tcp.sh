# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TCP: counters as conntrack has them, payload as the sender has it.

# ends_as_conntrack NS N: N flows ended there, with the counters of the kernel
ends_as_conntrack() {
	wait_for has_lines "$2" "$T/destroy.$1"
	wait_for check at_least "$2" "r.event == 'end' and r.netns == ns('$1')"
	check count "$2" "r.event == 'end' and r.netns == ns('$1')"
	check same "$T/destroy.$1" "r.event == 'end' and r.netns == ns('$1')"
	check lives any
}

# closes_by MODE REASON [OPTION...]: three connections that end that way
closes_by() {
	pair
	listen_at a
	weir_start
	traffic tcp --client-netns a --server-netns b --source-port 2001 --count 3 \
		--send 100000 --reply 250000 --close "$1" "${@:3}"
	wait_for check distinct 3 'r.ct_state in ("time_wait", "close") and r.bytes_reply' \
		'r.flow_id'
	flush a
	ends_as_conntrack a 3
	check every 'r.event == "end"' "r.end_reason == '$2'"
	check every 'True' 'r.exact is None'
	check every 'r.bytes_orig' 'r.counted_by == "conntrack" and r.direction == "outbound"'
	check stats
}

test_ipv4_connections_end_with_the_counters_of_conntrack() {
	closes_by client fin --source 10.0.0.1 --to 10.0.0.2
	is "$(counted client_sent)" -eq 300000
	is "$(counted server_sent)" -eq 750000
}

test_ipv6_connections_end_with_the_counters_of_conntrack() {
	closes_by client fin --source fd00::1 --to fd00::2
	check every 'r.event == "end"' 'r.family == "ipv6" and r.src_ip == "fd00::1"'
}

test_the_server_can_close_first() {
	closes_by server fin --to 10.0.0.2
}

test_a_half_closed_connection_is_counted_to_its_end() {
	closes_by half fin --to 10.0.0.2
	is "$(counted client_received)" -eq 1500000
}

test_live_counters_are_those_of_conntrack_and_of_nft() {
	pair
	inside a nft 'table inet c {
		counter out { }; counter in { }
		chain o { type filter hook output priority 20; meta l4proto tcp counter name out; }
		chain i { type filter hook input priority 20; meta l4proto tcp counter name in; }
	}'
	weir_start
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 4 \
		--send 30000 --reply 70000
	for _ in 1 2 3; do
		step
		entries a
		wait_for live_is_same a
	done
	"$WEIR" list -a -o json >"$T/list"
	for side in out:orig in:reply; do
		inside a nft -j list counter inet c "${side%:*}" >"$T/counter"
		for unit in packets bytes; do
			check -f "$T/list" total "$(grep -oE "\"$unit\": [0-9]+" "$T/counter" |
				grep -oE '[0-9]+$')" 'True' "r.${unit}_${side#*:}"
		done
	done
	step_close
}

live_is_same() {
	"$WEIR" list -a -o json >"$T/list"
	check -f "$T/list" same "$T/entries.$1" "r.netns == ns('$1')"
}

test_sockets_tell_the_payload_of_the_sender_and_their_process() {
	pair
	weir_start
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 2 \
		--send 123456 --reply 654321
	step
	step
	wait_for check at_least 2 'r.tcp_payload_orig == 246912 and r.tcp_payload_reply == 1308642'
	wait_for check at_least 2 "r.client_pid == $(counted client_pid) and
		r.server_pid == $(counted server_pid)"
	check distinct 1 'r.client_pid' 'r.client_pid'
	check every 'r.server_pid' 'r.server_comm == "traffic-server" and r.server_uid == 0'
	check every 'r.rtt_us' 'r.rtt_us > 0 and r.min_rtt_us <= r.rtt_us'
	check every 'r.tcp_state' 'r.tcp_state in ("established", "syn_sent")'
	step_close
	is "$(counted client_sent)" -eq $((2 * 246912))
	is "$(counted client_received)" -eq $((2 * 1308642))
}

# No rule mentions conntrack: what the sockets say is all there is, and it goes on
# being looked for when the namespaces have long been without an entry.
test_connections_that_nobody_tracks_are_counted_by_their_sockets() {
	netns a b
	link a va 10.0.0.1/24 b vb 10.0.0.2/24
	weir_start
	for port in 2001 2002 2003; do
		traffic_open tcp --client-netns a --server-netns b --source 10.0.0.1 \
			--source-port "$port" --to 10.0.0.2 --send 7000 --reply 900
		step
		wait_for check at_least 1 "r.src_port == $port and r.bytes_orig == 7000 and
			r.bytes_reply == 900 and r.counted_by == 'socket' and r.primary != False"
		step_close
		wait_for check count 1 "r.src_port == $port and r.event == 'end' and
			r.primary != False"
	done
	check every 'r.event == "end"' 'r.bytes_orig == 7000 and r.bytes_reply == 900'
	check stats
}
