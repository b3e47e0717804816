# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The payload of TCP connections, to the byte, however it is sent and read; and their
# health, as the kernel tells the application itself.

# exchange: every way at once, both ends waiting for the word to close
exchange() {
	local script=${BASH_SOURCE[0]%/*}/payload.py
	mkfifo "$T/close.client" "$T/close.server"
	exec {client_close}<>"$T/close.client" {server_close}<>"$T/close.server"
	inside b "$PYTHON" -S -E "$script" serve 10.0.0.2 5001 \
		<"$T/close.server" >"$T/server.log" 2>&1 &
	wait_for grep -q listens "$T/server.log"
	inside a "$PYTHON" -S -E "$script" connect 10.0.0.2 5001 \
		<"$T/close.client" >"$T/client.log" 2>&1 &
	wait_for grep -q open "$T/client.log"
	wait_for grep -q open "$T/server.log"
}

close_all() {
	echo >&"$client_close"
	echo >&"$server_close"
	wait_for has_lines 9 "$T/client.log"
	wait_for has_lines 10 "$T/server.log"
}

has_payload() {
	weir list -a -o json 'tcp and dst port 5001' >"$T/list"
	check -f "$T/list" count 8 'r.tcp_payload_orig == 8388608 and r.tcp_payload_reply == 300001'
}

# What the applications counted is what is told, while the connections are open and of
# each end as it closes.
is_exact() {
	wait_for has_payload
	close_all
	grep -c '"sent": 8388608, "received": 300001' "$T/client.log" >"$T/n" || true
	is "$(cat "$T/n")" -eq 8
	grep -c '"sent": 300001, "received": 8388608' "$T/server.log" >"$T/n" || true
	is "$(cat "$T/n")" -eq 8
	wait_for check -f "$T/trace" count 16 'r.event == "close" and r.dst_port == 5001'
	check -f "$T/trace" every 'r.event == "close" and r.dst_port == 5001' \
		'r.tcp_payload_orig == 8388608 and r.tcp_payload_reply == 300001'
	"$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/health.py" "$T/trace" \
		"$(stat -L -c %i /run/netns/a)" "$T/client.log" "$T/server.log"
}

begin_trace() {
	needs_rung tcp_life bpf_tracepoint
	pair
	weir_start
	"$WEIR" trace -a -o json 'tcp and (dst port 5001 or dst port 4000) and
		not event in [start update end]' >"$T/trace" 2>"$T/trace.log" &
	trace_pid=$!
	wait_for is_listening
}

# the trace says nowhere that it has begun: connections until one is seen
is_listening() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 --send 1 --reply 1
	[ -s "$T/trace" ]
}

end_trace() {
	kill -INT "$trace_pid"
	wait "$trace_pid"
}

test_payload_is_what_the_applications_counted() {
	begin_trace
	exchange
	is_exact
	end_trace
}

has_retransmits() {
	weir list -a -o json 'tcp and dst port 5001 and retransmits > 0' | grep -q .
}

test_payload_is_exact_when_packets_are_lost() {
	begin_trace
	inside b nft 'table inet lossy { chain i { type filter hook input priority 0;
		tcp dport 5001 numgen random mod 100 < 2 drop; }; }' 2>/dev/null ||
		skip 'this kernel has no nft_numgen'
	exchange
	wait_for has_retransmits
	is_exact
	end_trace
}
