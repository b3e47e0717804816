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

# A begin is told at once, the state of after it by the next look.
two_are_established() {
	weir list -a -o json 'tcp and port 4000' >"$T/list"
	check -f "$T/list" count 2 'r.ct_state == "established"'
}

test_commands_ask_the_daemon() {
	# first, as what starts later holds the way to the traffic open
	weir_start
	open_two
	wait_for two_are_established
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
	# it ends once its command has let it go
	wait_for fails pgrep -f "$WEIR"
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

# answered_by_nobody COMMAND: within seconds, with a sentence
answered_by_nobody() {
	status_is 1 timeout 20 "$WEIR" "$1" >"$T/out.$1" 2>"$T/err.$1"
	is "$(cat "$T/err.$1")" = 'weir: the collector does not answer: is it stopped?'
	is "$(wc -c <"$T/out.$1")" -eq 0
}

# One that answers and then stands still.
test_an_answer_that_stops_halfway_is_not_waited_for() {
	"$PYTHON" -S -E -c 'import socket, sys
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[1])
door.listen()
kept = []
while True:
    kept.append(door.accept()[0])
    kept[-1].settimeout(1)
    try:
        if kept[-1].recv(4096):
            kept[-1].sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             b"4\r\n{\"a\"\r\n")
    except OSError:
        pass' "$T/door" &
	door_pid=$!
	wait_for test -S "$T/door"
	status_is 1 timeout 20 "$WEIR" list --socket "$T/door" >"$T/out" 2>"$T/err"
	is "$(cat "$T/err")" = 'weir: the collector does not answer: is it stopped?'
	kill "$door_pid"
}

test_a_stopped_daemon_is_not_waited_for() {
	local asking=() command
	weir_start
	# shellcheck disable=SC2154
	kill -STOP "$weir_pid"
	for command in list trace stats; do
		answered_by_nobody "$command" &
		asking+=($!)
	done
	for command in "${asking[@]}"; do
		wait "$command"
	done
	# now its queue is full, and to connect alone would wait
	"$PYTHON" -S -E -c 'import socket
kept = []
try:
    while True:
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].setblocking(False)
        kept[-1].connect("/run/weir/weir.sock")
except BlockingIOError:
    pass'
	answered_by_nobody list
	kill -CONT "$weir_pid"
	wait_for check stats
	weir_stop
}

# Longer than an answer may take to begin: there is nothing to tell.
test_a_trace_of_nothing_goes_on() {
	weir_start
	"$WEIR" trace 'port 4000' >"$T/trace" 2>"$T/trace.log" &
	trace_pid=$!
	traced_s=$SECONDS
	wait_for has_traced_for 8
	kill -0 "$trace_pid"
	kill -INT "$trace_pid"
	wait "$trace_pid"
	weir_stop
}

has_traced_for() {
	is "$((SECONDS - traced_s))" -ge "$1"
}

test_trace_works_without_a_daemon() {
	traces
}

# dies_with_its_collector COMMAND...: which has one of its own
dies_with_its_collector() {
	local command_pid
	"$WEIR" "$@" </dev/null >"$T/out" 2>"$T/err" &
	command_pid=$!
	# its collector listens before it answers, and says nowhere that it does
	wait_for pgrep -P "$command_pid" -x weir-collect
	wait_for asked_by "$command_pid"
	kill -KILL "$(pgrep -P "$command_pid" -x weir-collect)"
	status_is 1 wait "$command_pid"
	is "$(cat "$T/err")" = 'weir: the private collector was ended by signal 9, Killed'
}

# A connection of that process: the first is the one on which it waits to be ready.
asked_by() {
	[ -s "$T/out" ] || ss -xpH state connected | grep -q "pid=$1,"
}

test_a_private_collector_that_dies_ends_its_command_with_a_sentence() {
	pair
	dies_with_its_collector list -a --watch=100ms
	dies_with_its_collector list -a -o nettracer 1
	dies_with_its_collector trace -a
	dies_with_its_collector trace -a -r
}

# The writer of the recording is as slow as a test wants it.
test_a_recording_that_takes_long_to_read_is_waited_for() {
	local recording
	mkfifo "$T/recording"
	exec {recording}<>"$T/recording"
	echo 'clock wall_minus_boot=0 started=0' >&"$recording"
	"$WEIR" list -a -o json --replay "$T/recording" >"$T/list" 2>"$T/err" \
		{recording}>&- &
	wait_for grep -qx "weir: still reading $T/recording" "$T/err"
	is "$(wc -c <"$T/list")" -eq 0
	echo 'open conntrack at=1000000000 orig=10.0.0.1,1,10.0.0.2,2,17,0,0 netns=1 scope=0' \
		>&"$recording"
	exec {recording}>&-
	wait $!
	is "$(wc -l <"$T/err")" -eq 1
	check -f "$T/list" count 1 'r.dst_port == 2'
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
	refused 'format "trace" here; there are json, csv, .*, nettracer$' list -o trace
}

test_a_wrong_value_of_a_flag_is_said_of_the_flag() {
	refused '^weir: --pid: "abc" is not a number' list --pid abc
	refused '^weir: --zone: 70000 is too large, 65535 is' list --zone 70000
	refused '^weir: --user: "nosuch" is not a user' trace --user nosuch
	refused '^weir: --mark: "1/x" is not' list --mark 1/x
	refused '^weir: --mark: "4294967296" is not' list --mark 4294967296
	fails grep -q filter: "$T/err"
}

test_a_namespace_that_is_not_there_is_said_so() {
	local inode
	netns a
	inode=$(stat -L -c %i /run/netns/a)
	weir list -N a >"$T/list"
	weir list -N "$inode" >"$T/list"
	weir list -N $$ >"$T/list"
	: >/run/netns/left
	for name in b left ../netns/a '' 4194305 99999999999; do
		refused 'there is no network namespace' list -N "$name"
	done
	ip netns del a
	refused 'there is no network namespace' list -N "$inode"
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

# What they open must not take the number of the standard output.
test_without_a_standard_output_every_command_says_so() {
	for command in run list trace stats doctor version help; do
		status_is 1 "$WEIR" "$command" 2>"$T/err" >&-
		is "$(wc -l <"$T/err")" -eq 1
		grep -q '^weir: standard output is closed: ' "$T/err"
	done
	fails test -e /run/weir/weir.sock
	weir list -a >"$T/list" <&- 2>&-
	grep -q '^PROTO' "$T/list"
}

test_a_closed_pipe_ends_list_and_run_quietly() {
	open_two
	set +o pipefail
	weir list -a 2>"$T/pipe.err" | true
	set -o pipefail
	is "$(wc -c <"$T/pipe.err")" -eq 0
	step_close
}
