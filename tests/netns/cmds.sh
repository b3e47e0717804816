# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The commands, with a daemon and without, and what they say to what they do not
# know.

# list, stats, trace and doctor, whoever collects
answers() {
	weir list -a -o json 'tcp and port 4000' >"$T/list"
	check -f "$T/list" count 2 'r.dst_port == 4000 and r.ct_state == "established"'
	weir list -a 'tcp and port 4000' >"$T/table"
	is "$(wc -l <"$T/table")" -eq 3
	weir list -a -o csv 'tcp and port 4000' >"$T/csv"
	is "$(wc -l <"$T/csv")" -eq 3
	weir list -a -o json 'tcp and port 4001' >"$T/none"
	is "$(wc -c <"$T/none")" -eq 0
	weir list -a -o json -l 1 -N a >"$T/list"
	check -f "$T/list" count 1 'r.netns == ns("a")'
	weir stats -o json >"$T/stats"
	grep -q '"holds": *true' "$T/stats"
	weir stats | grep -q '^source '
	weir doctor -o json >"$T/doctor"
	check -f "$T/doctor" count 6 'r.feature and r.rung and r.ok is not None'
}

open_two() {
	pair
	at a sysctl -qw net.netfilter.nf_conntrack_acct=1
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 --count 2 \
		--send 100 --reply 100
	step
}

test_commands_ask_the_daemon() {
	# first, as what starts later holds the way to the traffic open
	weir_start
	open_two
	wait_for check count 2 'r.event == "start"'
	answers
	step_close
	weir_stop
}

test_commands_work_without_a_daemon_and_change_nothing() {
	open_two
	answers
	is "$(at a cat /proc/sys/net/netfilter/nf_conntrack_timestamp)" -eq 0
	is "$(nft list ruleset | wc -c)" -eq 0
	fails test -e /run/weir/weir.sock
	is "$(pgrep -c -f "$WEIR" || true)" -eq 0
	step_close
}

traces() {
	pair
	at a sysctl -qw net.netfilter.nf_conntrack_acct=1
	"$WEIR" trace -a -o json 'tcp and dst port 4000' >"$T/trace" 2>"$T/trace.log" &
	trace_pid=$!
	# connections until one is seen: the trace says nowhere that it has begun
	wait_for one_is_traced
	kill -INT "$trace_pid"
	wait "$trace_pid"
}

one_is_traced() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4000 --send 9 --reply 9
	check -f "$T/trace" at_least 1 'r.event and r.dst_port == 4000'
}

test_trace_follows_the_daemon() {
	weir_start
	traces
	weir_stop
}

test_trace_works_without_a_daemon() {
	traces
}

# refused PATTERN COMMAND...: exit 2, one sentence that has the pattern
refused() {
	local pattern=$1
	shift
	status_is 2 "$WEIR" "$@" >"$T/out" 2>"$T/err"
	is "$(wc -c <"$T/out")" -eq 0
	grep -q -- "$pattern" "$T/err" || { cat "$T/err" && return 1; }
}

test_what_is_unknown_gets_the_nearest_word_and_exit_2() {
	refused 'did you mean list?' lits
	refused 'did you mean trace?' trcae
	refused 'did you mean --output?' list --outptu json
	refused 'did you mean --extended?' list --extendd
	refused 'retransmits' list 'retransmit > 0'
	refused 'port' list 'prot 80'
	refused 'wants an argument' list -o
	refused 'json' run -o jsonn
}

test_a_wrong_filter_is_pointed_at() {
	status_is 2 "$WEIR" list 'tcp and dst prot 443' 2>"$T/err"
	grep -q '^  tcp and dst prot 443$' "$T/err"
	grep -qE '^ {14}\^$' "$T/err"
}

test_settings_out_of_range_are_named() {
	WEIR_REFRESH=1ms status_is 2 "$WEIR" run 2>"$T/err"
	grep -q REFRESH "$T/err"
	WEIR_REFRSH=1s status_is 2 "$WEIR" run 2>"$T/err"
	grep -qi refresh "$T/err"
}

test_a_closed_pipe_ends_list_and_run_quietly() {
	open_two
	set +o pipefail
	weir list -a 2>"$T/pipe.err" | true
	set -o pipefail
	is "$(wc -c <"$T/pipe.err")" -eq 0
	step_close
}
