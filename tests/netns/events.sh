# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Connections that begin and end in every way there is, each told once by each of its
# sockets, with what the kernel answered to the application.

# told CASE_PORT EVENT NETNS COUNT [CONDITION]
told() {
	local those="r.src_port == $1 and r.event == '$2' and r.netns == ns('$3')"
	wait_for check -f "$T/trace" count "$4" "$those"
	[ "$4" -eq 0 ] || check -f "$T/trace" every "$those" "${5:-True}"
}

# both_told PORT REQUEST ANSWER: one connection, whole at both ends. Whether a client that
# ends it by a reset has acknowledged the answer is not known: ANSWER is then "".
both_told() {
	local request="r.tcp_payload_orig == $2" answer=True
	[ -z "$3" ] || answer="r.tcp_payload_reply == $3"
	told "$1" connect a 1 "r.client_pid and 0 < r.connect_us < 60e6"
	told "$1" accept b 1 "r.server_pid"
	told "$1" close a 1 "r.client_pid and $request and $answer"
	told "$1" close b 1 "r.server_pid and $request and $answer"
}

is_traced() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 --send 1 --reply 1
	[ -s "$T/trace" ]
}

# run_cases: what happened is in $T/cases.log
run_cases() {
	local script=${BASH_SOURCE[0]%/*}/events.py
	pair
	inside a sysctl -qw net.ipv4.tcp_fastopen=3
	inside b sysctl -qw net.ipv4.tcp_fastopen=3
	weir_start
	"$WEIR" trace -a -o json 'tcp and not event in [start update end]' >"$T/trace" \
		2>"$T/trace.log" &
	trace_pid=$!
	wait_for is_traced
	inside b "$PYTHON" -S -E "$script" serve >"$T/server.log" 2>&1 &
	wait_for grep -q listens "$T/server.log"
	inside a "$PYTHON" -S -E "$script" connect >"$T/cases.log" 2>&1
}

test_every_way_to_begin_and_end_is_told() {
	needs_rung tcp_life bpf_tracepoint
	run_cases
	is "$(tr '\n' ' ' <"$T/cases.log")" = "plain ok refused ECONNREFUSED wiped ok \
reset ECONNRESET used_again ok mapped ok fast ok unreachable EHOSTUNREACH \
unroutable ENETUNREACH in_use EADDRNOTAVAIL six ok "
	both_told 2001 10 1010
	told 2002 failed a 1 'r.error == "ECONNREFUSED" and r.client_pid'
	told 2002 close a 0
	both_told 2003 7 ''
	both_told 2004 5 0
	told 2005 connect a 2 'r.client_pid'
	told 2005 accept b 2
	wait_for check -f "$T/trace" count 2 \
		'r.src_port == 2005 and r.event == "close" and r.tcp_payload_orig == 3'
	wait_for check -f "$T/trace" count 2 \
		'r.src_port == 2005 and r.event == "close" and r.tcp_payload_orig == 4'
	both_told 2006 6 1006
	told 2006 connect a 1 'r.family == "ipv4" and r.dst_ip == "10.0.0.2"'
	told 2007 close a 2 'r.tcp_payload_orig == 8 and r.tcp_payload_reply == 8'
	told 2007 close b 2 'r.tcp_payload_orig == 8'
	told 2008 failed a 1 'r.error == "EHOSTUNREACH" and r.client_pid'
	# one of two: the other never was a connection
	told 2010 connect a 1
	told 2010 close a 1 'r.tcp_payload_orig == 2 and r.tcp_payload_reply == 1002'
	both_told 2011 11 1011
	told 2011 connect a 1 'r.family == "ipv6" and r.src_ip == "fd00::1" and
		r.dst_ip == "fd00::2"'
	kill -INT "$trace_pid"
	wait "$trace_pid"
	check stats
}

test_failures_before_anything_is_sent_are_told_by_trampolines() {
	# as it is chosen: where weir could not die with trampolines it takes none
	weir doctor -o json >"$T/doctor"
	check -f "$T/doctor" at_least 1 'r.feature == "tcp_life" and r.rung == "bpf_fentry"' \
		>"$T/rung" || skip 'connects are not told by trampolines here'
	run_cases
	wait_for check -f "$T/trace" count 1 'r.event == "failed" and r.error == "ENETUNREACH" and
		r.dst_ip == "192.0.2.1" and r.dst_port == 5001 and r.client_pid'
	wait_for check -f "$T/trace" count 1 'r.event == "failed" and
		r.error == "EADDRNOTAVAIL" and r.dst_port == 5001 and r.client_pid'
	kill -INT "$trace_pid"
	wait "$trace_pid"
}
