# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Whose a connection is: of the process that asked for it, and of the one that accepted
# it, whatever became of them.

# owner_is PORT EVENT NETNS PID
owner_is() {
	local those="r.src_port == $1 and r.event == '$2' and r.netns == ns('$3')" side=client
	[ "$3" = a ] || side=server
	wait_for check -f "$T/trace" count 1 "$those"
	check -f "$T/trace" every "$those" "r.${side}_pid == $4 and r.${side}_comm == 'python3'"
}

begin_owners() {
	local script=${BASH_SOURCE[0]%/*}/owners.py
	needs_rung tcp_life bpf_tracepoint
	pair
	mkfifo "$T/go"
	exec {go}<>"$T/go"
	# who waits in accept() before weir is there is told like any other
	inside b "$PYTHON" -S -E "$script" serve <"$T/go" >"$T/server.log" 2>&1 &
	wait_for grep -q listens "$T/server.log"
	weir_start
	"$WEIR" trace -a -o json 'tcp and not event in [start update end]' >"$T/trace" \
		2>"$T/trace.log" &
	trace_pid=$!
	wait_for is_traced
	# shellcheck disable=SC2046
	inside a "$PYTHON" -S -E "$script" connect $(grep mptcp "$T/server.log") \
		>"$T/client.log" 2>&1
}

is_traced() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 --send 1 --reply 1
	[ -s "$T/trace" ]
}

test_a_connection_is_of_who_asked_and_of_who_accepted() {
	begin_owners
	# threads are of their process, workers are not of their parent, whether they share
	# a listener or have one each
	for port in 2001 2002 2003 201{1..9} 202{1..9}; do
		read -r _ client server <<<"$(grep "^$port " "$T/client.log")"
		owner_is "$port" connect a "$client"
		owner_is "$port" close a "$client"
		owner_is "$port" close b "$server"
	done
	is "$(awk '$1 ~ /^202/ { print $3 }' "$T/client.log" | sort -u | wc -l)" -gt 1
	# one that ended before what it had sent was on its way
	echo >&"$go"
	read -r _ client _ <<<"$(grep '^2041 ' "$T/client.log")"
	is "$client" -ne "$$"
	wait_for fails test -d "/proc/$client"
	owner_is 2041 close a "$client"
	check -f "$T/trace" every 'r.src_port == 2041 and r.event == "close"' \
		'r.tcp_payload_orig == 200000'
	kill -INT "$trace_pid"
	wait "$trace_pid"
}

# Who accepted is told where accepting is; else who held it last.
test_a_socket_that_was_passed_on_is_of_who_had_it() {
	begin_owners
	for port in 2031 2032 2033; do
		wait_for check -f "$T/trace" count 1 \
			"r.src_port == $port and r.event == 'close' and r.netns == ns('b')"
	done
	pgrep -f 'owners.py serve' | paste -sd, >"$T/servers"
	check -f "$T/trace" every \
		'r.dst_port == 5004 and r.event == "close" and r.netns == ns("b")' \
		"r.server_pid in [$(cat "$T/servers")]"
	kill -INT "$trace_pid"
	wait "$trace_pid"
}

# What MPTCP makes of a connection is one flow for each of its subflows.
test_a_connection_of_mptcp_is_told_once() {
	local payload
	begin_owners
	grep -q mptcp "$T/server.log" || skip 'this kernel has no MPTCP'
	read -r _ client _ <<<"$(grep '^2051 ' "$T/client.log")"
	owner_is 2051 connect a "$client"
	owner_is 2051 close a "$client"
	wait_for check -f "$T/trace" count 1 \
		'r.src_port == 2051 and r.event == "close" and r.netns == ns("b")'
	# 70,000 bytes, some of which MPTCP may have sent again: the subflow has that too, and
	# what one of its sockets has sent the other has received
	payload=$(grep '"event":"close".*"src_port":2051,' "$T/trace" |
		grep -o '"tcp_payload_orig":[0-9]*' | sort -u)
	is "$(wc -l <<<"$payload")" = 1
	is "${payload#*:}" -ge 70000
	kill -INT "$trace_pid"
	wait "$trace_pid"
}
