# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Connections shorter than a pass: their ends, told by the kernel, are all that
# there is to see.

# In a namespace without a rule conntrack knows nothing of them either.
test_short_connections_that_nobody_tracks_are_all_counted() {
	netns a b
	link a va 10.0.0.1/24 b vb 10.0.0.2/24
	WEIR_REFRESH=3s weir_start --record "$T/seen"
	traffic tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port 2001 \
		--to 10.0.0.2 --count 50 --send 7000 --reply 900
	wait_for check count 50 'r.event == "end" and r.primary != False'
	check distinct 50 'r.event == "end"' 'r.src_port'
	check every 'r.event == "end"' 'r.counted_by == "socket" and r.exact is None and
		r.bytes_orig == 7000 and r.bytes_reply == 900 and r.dst_port == 5001'
	check total 350000 'r.primary != False' 'r.delta_bytes_orig'
	check stats
	weir_stop
	for local in 10.0.0.1,20 10.0.0.2,5001,10.0.0.1,20; do
		is "$(grep -c "^close socket .*local=$local" "$T/seen")" -eq 50
	done
}

# Their conntrack entries live on: what the sockets said is theirs.
test_short_connections_that_are_tracked_have_the_payload_of_their_sockets() {
	pair
	WEIR_REFRESH=3s weir_start
	traffic tcp --client-netns a --server-netns b --source-port 2001 --to 10.0.0.2 --count 20 \
		--send 7000 --reply 900
	wait_for check distinct 20 'r.tcp_payload_orig == 7000 and r.tcp_payload_reply == 900' \
		'r.src_port'
	flush a
	wait_for check count 20 'r.event == "end"'
	check every 'r.event == "end"' 'r.counted_by == "conntrack" and r.netns == ns("a") and
		r.tcp_payload_orig == 7000 and r.tcp_payload_reply == 900'
	check distinct 20 'True' 'r.flow_id'
	check stats
}

# short_to PORT [OPTION...]
short_to() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port "$@" --send 9 --reply 9
}

is_traced() {
	short_to 4000
	check -f "$T/trace" at_least 1 'r.event and r.dst_port == 4000'
}

# traced PROCESSES [SOURCE]: 30 connections, made, accepted and closed, each told once by
# each of their sockets, of which PROCESSES holds
traced() {
	netns a b
	link a va 10.0.0.1/24 b vb 10.0.0.2/24
	WEIR_REFRESH=10m weir_start ${2:+--source "$2"}
	"$WEIR" trace -a -o json 'tcp and not event in [start update end]' >"$T/trace" \
		2>"$T/trace.log" &
	trace_pid=$!
	# connections until one is seen: the trace says nowhere that it has begun
	wait_for is_traced
	short_to 5001 --source-port 2001 --count 30
	for event in connect:30:a accept:30:b close:60:; do
		IFS=: read -r name n side <<<"$event"
		wait_for check -f "$T/trace" count "$n" "r.event == '$name' and r.dst_port == 5001"
		[ -z "$side" ] || check -f "$T/trace" every \
			"r.event == '$name' and r.dst_port == 5001" "r.netns == ns('$side') and
			2001 <= r.src_port <= 2030 and ($1)"
	done
}

stop_tracing() {
	kill -INT "$trace_pid"
	wait "$trace_pid"
}

# By BPF: who connects and who closes is told as it happens.
test_short_connections_are_traced_with_their_processes() {
	needs_rung tcp_life bpf_tracepoint
	traced 'r.client_pid and r.client_comm.startswith("traffic") if r.netns == ns("a") else
		r.server_pid and r.server_comm.startswith("traffic")'
	check -f "$T/trace" every 'r.event == "connect" and r.dst_port == 5001' \
		'0 < r.connect_us < 60e6 and r.rtt_us'
	check -f "$T/trace" every 'r.event == "close" and r.dst_port == 5001' \
		'r.tcp_payload_orig == 9 and r.tcp_payload_reply == 9'
	stop_tracing
}

# Without, no pass shows them, so that no process is known.
test_short_connections_are_traced_as_they_end() {
	traced 'not (r.client_pid or r.server_pid)' sock_diag
	stop_tracing
}

# As many as two processors can make: the end of each, once. (By resets: looking for a port
# among thousands that wait would take minutes.)
test_100000_connections_of_less_than_a_millisecond_are_all_counted() {
	needs_rung tcp_life bpf_tracepoint
	netns a b
	link a va 10.0.0.1/24 b vb 10.0.0.2/24
	weir_start
	for port in 5001 5002 5003 5004 5005; do
		traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port "$port" \
			--count 20000 --send 100 --reply 100 --close reset
	done
	wait_for check stats 's["table"]["ended"] == 100000' \
		'source["sock_life"]["lost"] == 0'
	# what waits to be written is written
	weir_stop
	check count 100000 'r.event == "end"'
	check distinct 100000 'r.event == "end"' 'r.flow_id'
	check total 10000000 'True' 'r.delta_bytes_orig'
	check total 10000000 'True' 'r.delta_bytes_reply'
	check every 'r.event == "end"' 'r.client_pid and r.server_pid and r.exact is None'
}
