# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# NetTracer's formats, of real connections: its log, its lines for programs, its table.

# columns QUESTION: of the lines in $T/hex (oldformats.py)
columns() {
	"$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/oldformats.py" "$T/hex" "$@"
}

namespace_of() {
	at "$1" stat -L -c %i /proc/self/ns/net
}

watch_hex() {
	"$WEIR" list -o nettracer "$@" >"$T/hex" 2>"$T/list.log" </dev/null &
	list_pid=$!
	wait_for has_blocks 1
}

has_blocks() {
	is "$(grep -c '^ $' "$T/hex")" -ge "$1"
}

end_watch() {
	kill -TERM "$list_pid"
	wait "$list_pid"
}

test_lines_for_programs_have_what_the_applications_counted() {
	local pid
	pair
	weir_start
	watch_hex --watch 500ms
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 2 \
		--send 3000 --reply 5000
	step
	wait_for columns at_least 4 "r.closed == 0 and r.established == 1"
	# both ends of both connections, each from its own side
	wait_for columns at_least 2 \
		"r.closed == 0 and not r.accepted and r.sent == 3000 and r.received == 5000 \
		 and r.remote == '10.0.0.2' and r.netns == $(namespace_of a) and r.pid > 0"
	columns at_least 2 \
		"r.closed == 0 and r.accepted and r.sent == 5000 and r.received == 3000 \
		 and r.local == '10.0.0.2' and r.netns == $(namespace_of b) and r.pid > 0"
	# segments, round-trip time: the kernel's own account of the client's sockets
	at a ss -tinH >"$T/ss"
	pid=$(sed -nE 's/.* segs_out:([0-9]+).*/\1/p' "$T/ss" | head -1)
	wait_for columns at_least 1 "not r.accepted and r.packets_sent == $pid"
	step_close
	wait_for columns at_least 4 'r.closed == 1 and r.start > 0'
	end_watch
	columns exactly 4 'r.closed == 1'
	weir_stop
}

# A thousand that live less than a round: each end of each is printed once, closed.
test_short_connections_are_printed_once_after_their_close() {
	pair
	weir_start
	watch_hex --watch 1
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1000 --send 100 \
		--reply 200
	wait_for columns at_least 2000 'r.closed == 1'
	has_blocks 3 || wait_for has_blocks 4
	end_watch
	columns exactly 1000 'r.closed == 1 and not r.accepted and r.sent == 100 and
		r.received == 200'
	columns exactly 1000 'r.closed == 1 and r.accepted and r.sent == 200 and
		r.received == 100'
	columns unique 'r.closed == 1'
	weir_stop
}

# Its beginning nobody saw, but its end is told as that of others is.
test_a_connection_older_than_weir_has_its_closed_line() {
	pair
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1 --send 1000 \
		--reply 700
	step
	weir_start
	TZ=UTC "$WEIR" trace -o nettracer >"$T/log" 2>"$T/trace.log" &
	trace_pid=$!
	watch_hex --watch 300ms --incremental
	wait_for columns at_least 2 'r.closed == 0'
	wait_for traced
	# its end is not near its first sight
	wait_for columns at_least 2 'r.closed == 0 and r.now > r.start + 2'
	step
	step_close
	wait_for columns exactly 2 'r.closed == 1 and r.start > 0 and r.duration >= 2'
	end_watch
	columns sums sent 'not r.accepted' "$(counted client_sent)"
	columns sums received 'not r.accepted' "$(counted client_received)"
	columns sums sent 'r.accepted' "$(counted server_sent)"
	wait_for grep -q 'event close 10.0.0.2:[0-9]* -- 10.0.0.1:' "$T/log"
	wait_for grep -q 'event close 10.0.0.1:[0-9]* -- 10.0.0.2:' "$T/log"
	kill -INT "$trace_pid"
	wait "$trace_pid"
	weir_stop
}

# What grew adds up to what there is, over rounds and over silence.
test_increments_add_up_to_the_totals() {
	pair
	weir_start
	watch_hex --watch 300ms --incremental
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1 --send 1000 \
		--reply 700
	for _ in 1 2 3; do
		step
	done
	step_close
	wait_for columns at_least 2 'r.closed == 1'
	end_watch
	columns sums sent 'not r.accepted' "$(counted client_sent)"
	columns sums received 'not r.accepted' "$(counted client_received)"
	columns sums sent 'r.accepted' "$(counted server_sent)"
	weir_stop
}

plain_is_fresh() {
	"$WEIR" list -o nettracer >"$T/hex" 2>"$T/list.log" </dev/null
	columns exactly 1 'not r.accepted and r.sent == 1000 and r.received == 700'
	columns exactly 1 'r.accepted and r.sent == 700 and r.received == 1000'
}

test_headers_are_added_as_that_tool_took_them_to_be() {
	pair
	weir_start
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1 --send 1000 \
		--reply 700
	step
	wait_for plain_is_fresh
	cp "$T/hex" "$T/plain"
	watch_hex --header-bytes
	wait "$list_pid"
	columns headers "$T/plain" 66
	step_close
	weir_stop
}

test_its_log_has_events_and_what_sockets_counted() {
	local d='[0-9]+'
	pair
	weir_start
	TZ=UTC "$WEIR" trace -o nettracer >"$T/log" 2>"$T/trace.log" &
	trace_pid=$!
	wait_for traced
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1 --send 3000 \
		--reply 5000
	wait_for grep -qE "event close 10.0.0.2:$d -- " "$T/log"
	wait_for grep -qE "event close 10.0.0.1:$d -- " "$T/log"
	prefix="^[0-9-]{10} [0-9:]{8}\\.[0-9]{3} \\[$d\\] info \\[nettracer\\]"
	is "$(grep -vcE "$prefix" "$T/log" || true)" = 0
	while read -r line; do
		grep -qE -- "$line" "$T/log"
	done <<-LINES
		$prefix event connect 10.0.0.1:$d -> 10.0.0.2:$d NS:$(namespace_of a) PID:[1-9]
		$prefix event accept 10.0.0.2:$d <- 10.0.0.1:$d NS:$(namespace_of b) PID:[1-9]
		10.0.0.1:$d -> 10.0.0.2:$d NS:$d - stats: Bytes sent=3000 Bytes received=5000$
		10.0.0.2:$d <- 10.0.0.1:$d NS:$d - stats: Bytes sent=5000 Bytes received=3000$
		- TCP stats: Retransmissions=0 Segs_in=$d Segs_out=$d RTT=$d RTT_var=$d$
	LINES
	kill -INT "$trace_pid"
	wait "$trace_pid"
	weir_stop
}

# A connection of somebody else's that is told of shows that the trace is open.
traced() {
	"$PYTHON" -S -E -c 'import socket
socket.create_connection(("127.0.0.1", socket.create_server(("127.0.0.1", 0)).getsockname()[1]))' \
		2>/dev/null || true
	has_trace_subscriber
}

has_trace_subscriber() {
	curl -s --unix-socket /run/weir/weir.sock http://weir/api/v1/stats >"$T/stats"
	ss -xH src /run/weir/weir.sock | grep -q ESTAB
}

terminal() {
	"$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/oldformats.py" "$@"
}

# Enter asks at once; the end of standard input does not end it (it did there).
test_enter_asks_at_once_and_no_input_is_no_end() {
	pair
	weir_start
	terminal enter "$WEIR" list -a --watch 1h
	terminal enter "$WEIR" list -o nettracer --watch 1h
	watch_hex --watch 200ms
	wait_for has_blocks 3
	end_watch
	weir_stop
}

read_three() {
	# shellcheck disable=SC2086
	"$WEIR" $1 --socket "$T/none" 2>"$T/list.log" | head -3 >"$T/out"
}

test_a_reader_that_leaves_ends_it_and_its_collector() {
	local command reader
	pair
	for command in 'list -a' 'list -a -o nettracer' 'trace -a'; do
		[ "$command" = 'trace -a' ] || command+=' --watch 200ms'
		read_three "$command" &
		reader=$!
		while [ -d "/proc/$reader" ]; do
			traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --send 1 \
				--reply 1
		done
		wait "$reader"
		is "$(wc -l <"$T/out")" = 3
	done
	wait_for fails pgrep -x weir-collect
}

test_what_only_these_formats_have_is_refused_elsewhere() {
	local flag
	for flag in --incremental --header-bytes; do
		status_is 2 "$WEIR" list "$flag" 2>"$T/err"
		is "$(cat "$T/err")" = "weir: $flag is of -o nettracer alone"
	done
	status_is 2 "$WEIR" list -o nettracer --limit 3 2>"$T/err"
	is "$(cat "$T/err")" = 'weir: -o nettracer takes no --limit'
	# blanks and commas alone are no filter, of the stream of events neither
	pair
	"$WEIR" list -a -o nettracer --watch 200ms ' , ' </dev/null >"$T/out" 2>"$T/err" &
	list_pid=$!
	wait_for rounds_are 3
	kill -INT "$list_pid"
	wait "$list_pid"
	is "$(wc -c <"$T/err")" = 0
}

rounds_are() {
	is "$(grep -c '^ $' "$T/out")" -ge "$1"
}

# What a script's loop reads is not theirs; and the last block is the end.
test_standard_input_is_left_to_who_owns_it() {
	local line lines=0 began=$SECONDS
	pair
	weir_start
	while read -r line; do
		"$WEIR" list -o nettracer "port $line"
		"$WEIR" list -o nettracer "port $line" 30 1
		"$WEIR" list "port $line" 0.1 2
		lines=$((lines + 1))
	done <<<$'1\n2\n3' >"$T/out"
	is "$lines" = 3
	is "$((SECONDS - began))" -lt 25
	weir_stop
}

# In the background the terminal is the shell's: reading from it would stop the list.
test_a_list_in_the_background_is_not_stopped() {
	pair
	weir_start
	terminal background "$WEIR" list -a 0.2 10
	terminal background "$WEIR" list -a -o nettracer 0.2 10
	weir_stop
}
