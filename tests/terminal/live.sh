# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# weir top of real traffic: its daemon comes and goes, it is killed, it has no terminal.

# shellcheck source=tests/terminal/tmux.sh
. "${BASH_SOURCE[0]%/*}/tmux.sh"

# Two connections that stay, from a to b, after 3,000 bytes there and 5,000 back.
connections() {
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 2 \
		--send 3000 --reply 5000
}

test_live_flows_show_their_processes_and_rates() {
	# where nothing is tracked there is that to be said
	track ''
	hold_a_connection
	pair
	weir_start
	connections
	screen 160x40 "$WEIR top -a"
	wait_for shows '10.0.0.1:[0-9]+ +10.0.0.2:[0-9]+ .*traffic'
	wait_for shows 'flows 1/3 '
	wait_for shows 'seen: .*counters.* by [a-z_]+'
	keys 2
	wait_for shows '^traffic'
	keys / p o r t ' ' 5 0 0 1 Enter 1
	wait_for shows 'flows 1/2 '
	keys Enter
	wait_for shows '^ process +traffic'
	wait_for shows '^ address +10.0.0.1:[0-9]+ +10.0.0.2:[0-9]+'
	# what is told of the flow while one looks
	step_close
	wait_for shows ' close 10.0.0.1:[0-9]+ .*10.0.0.2'
	keys Escape
	wait_for shows 'DESTINATION'
	end_top
	weir_stop
}

# Two that have the same ends and no ports: only their number tells them apart.
test_detail_keeps_to_its_own_of_two_pings() {
	local pids=() size
	pair
	weir_start
	for size in 100 1000; do
		inside a ping -q -c 300 -i 0.2 -s "$size" 10.0.0.2 >"$T/ping.$size" &
		pids+=($!)
	done
	screen 120x40 "$WEIR top -a 'proto = icmp' 0.2"
	wait_for shows 'flows 1/2 '
	wait_for shows '^ *icmp .* 10.0.0.1 +10.0.0.2 '
	keys s s s s s s s s
	wait_for shows 'SENT-'
	keys Down
	wait_for shows 'flows 2/2 '
	keys Enter
	# whatever is counted, each packet of the small one has 100 bytes and two heads
	wait_for pings_of 128 10
	keys Escape Home
	wait_for shows 'flows 1/2 '
	keys Enter
	wait_for pings_of 1028 10
	end_top
	kill "${pids[@]}"
	weir_stop
}

# pings_of BYTES LEAST: that many a packet, of LEAST packets or more
pings_of() {
	local packets bytes
	shows '^ packets '
	packets=$(sed -nE 's/^ packets +([0-9]+) .*/\1/p' "$T/picture")
	bytes=$(sed -nE 's/^ bytes +([0-9]+|[0-9.]+K \(([0-9]+)\)) .*/\1 \2/p' "$T/picture")
	bytes=${bytes##*(}
	bytes=${bytes%%)*}
	is "$packets" -ge "$2" && is "$bytes" -eq $((packets * $1))
}

# The numbers are the kernel's: conntrack's own table is the witness.
test_its_totals_are_those_of_conntrack() {
	local bytes
	pair
	weir_start
	connections
	screen 200x40 "$WEIR top -a"
	wait_for shows 'flows 1/2 '
	keys Enter
	wait_for shows '^ bytes'
	entries a
	port=$(sed -nE 's/.* address +10.0.0.1:([0-9]+).*/\1/p' "$T/picture" | head -1)
	bytes=$(grep "sport=$port " "$T/entries.a" | grep -o 'bytes=[0-9]*' | head -1)
	wait_for shows "^ bytes .*\\(?${bytes#bytes=}\\)?"
	end_top
	step_close
	weir_stop
}

test_a_daemon_that_is_killed_is_waited_for() {
	pair
	weir_start
	connections
	screen 120x40 "$WEIR top -a"
	wait_for shows 'flows 1/2 '
	end_weir
	weir_pid=''
	wait_for shows 'asked again every second'
	keys '?'
	wait_for shows 'arrows'
	keys x
	weir_start
	wait_for shows_not 'asked again'
	wait_for shows 'flows 1/2 '
	# a detail finds its flow again with the next daemon, and hears of it
	keys Enter
	wait_for shows '^ address'
	end_weir
	weir_pid=''
	wait_for shows 'asked again every second'
	weir_start
	wait_for shows_not 'asked again|it has ended'
	step_close
	wait_for shows ' update 10.0.0.1:'
	end_top
	weir_stop
}

# One that stands still is said to, and keys are answered meanwhile.
test_a_daemon_that_stands_still_is_said_to() {
	pair
	weir_start
	connections
	screen 120x40 "$WEIR top -a"
	wait_for shows 'flows 1/2 '
	kill -STOP "$weir_pid"
	keys '?'
	wait_for shows 'arrows'
	keys x
	wait_for shows 'does not answer'
	kill -CONT "$weir_pid"
	wait_for shows_not 'does not answer'
	end_top
	# frozen before there is anything: that is still awaited
	kill -STOP "$weir_pid"
	screen 120x40 "$WEIR top -a"
	wait_for shows 'asking the collector'
	keys Space
	wait_for shows 'frozen'
	kill -CONT "$weir_pid"
	wait_for shows 'flows 1/2  frozen'
	end_top
	step_close
	weir_stop
}

test_a_private_collector_ends_with_it() {
	pair
	connections
	screen 120x40 "$WEIR top -a --socket $T/nobody"
	wait_for shows 'flows 1/2 '
	pgrep -x weir-collect >"$T/collectors"
	end_top
	wait_for fails pgrep -x weir-collect
	step_close
}

# private_top: a view with a collector of its own, whose pid becomes $collector_pid
private_top() {
	screen 120x40 "$WEIR top -a --socket $T/nobody"
	wait_for shows 'DESTINATION'
	collector_pid=$(pgrep -x weir-collect)
}

test_a_private_collector_that_is_stopped_does_not_keep_it() {
	private_top
	kill -STOP "$collector_pid"
	end_top
	is "$(wc -c <"$T/top.log")" -eq 0
	fails test -d "/proc/$collector_pid"
}

# Its tracer lets it do nothing at all.
test_a_private_collector_that_does_not_end_is_killed_and_that_is_said() {
	private_top
	"$PYTHON" -S -E "$here/holding.py" "$collector_pid" >"$T/holding" 2>"$T/holding.log" &
	wait_for grep -q held "$T/holding"
	end_top
	grep -qx 'weir: the private collector did not end within 10 s and was killed' "$T/top.log"
	wait_for fails test -d "/proc/$collector_pid"
}

test_a_private_collector_that_dies_ends_the_view_with_a_sentence() {
	local frozen
	for frozen in no yes; do
		private_top
		[ "$frozen" = no ] || keys Space
		kill -KILL "$collector_pid"
		ended_with 1
		grep -qx 'weir: the private collector was ended by signal 9, Killed' "$T/top.log"
		mux kill-server
	done
}

test_a_private_collector_leaves_the_keys_of_the_terminal_to_its_command() {
	local signal
	private_top
	for signal in INT QUIT; do
		kill "-$signal" "$collector_pid"
	done
	# what it ignored is no more pending, so that it answers
	keys 2
	wait_for shows '^PROCESS'
	is "$(pgrep -x weir-collect)" = "$collector_pid"
	end_top
}

pid_of_top() {
	pgrep -P "$(mux list-panes -F '#{pane_pid}')" -f 'top --replay'
}

test_the_terminal_is_put_back_however_it_ends() {
	local signal pid
	for signal in TERM INT HUP QUIT SEGV ABRT; do
		top 80x24 40
		wait_for shows 'flows 1/40'
		pid=$(pid_of_top)
		kill "-$signal" "$pid"
		case $signal in
		SEGV | ABRT)
			wait_for ended
			is "$(cat "$T/status")" -ne 0
			;;
		*)
			wait_for ended
			is "$(cat "$T/status")" = 0
			;;
		esac
		wait_for shows '^ended'
		shows_not 'DESTINATION'
		cmp "$T/stty.before" "$T/stty.after"
		mux kill-server
	done
	# what a sanitizer says of the faults that the test made
	rm -f "$T/top.log"
}

test_a_terminal_that_goes_away_ends_it() {
	local pid
	top 80x24 40
	wait_for shows 'flows 1/40'
	pid=$(pid_of_top)
	mux kill-server
	wait_for fails test -d "/proc/$pid"
	wait_for fails pgrep -x weir-collect
}

test_without_a_terminal_it_says_what_to_do() {
	recording 40
	status_is 2 weir top --replay "$T/40.obs" </dev/null >"$T/out" 2>"$T/said"
	grep -q 'top wants a terminal; weir list suits a pipe' "$T/said"
	status_is 2 weir top -o json 2>"$T/said"
	grep -q 'unknown flag' "$T/said"
	TERM_IS=no-such-terminal screen 80x24 "$WEIR top --replay $T/40.obs"
	wait_for ended
	grep -q 'no-such-terminal' "$T/top.log"
	is "$(cat "$T/status")" = 1
	# alone it is the view on a terminal, and a list in a pipe
	mux kill-server
	screen 80x24 "$WEIR"
	wait_for shows 'weir top'
	end_top
	weir >"$T/out" 2>"$T/said"
	grep -q '^PROTO' "$T/out"
}

test_who_is_not_root_sees_sockets_and_what_would_show_more() {
	ip link set lo up
	hold_a_connection
	cp "$WEIR" "$T/weir.bin"
	chmod 755 "$T" "$T/weir.bin"
	screen 120x30 "setpriv --reuid 65534 --regid 65534 --clear-groups $T/weir.bin top -a"
	wait_for shows 'not root: only TCP sockets.*sudo weir top'
	wait_for shows '127.0.0.1:[0-9]+ +127.0.0.1:9 '
	end_top
}

test_what_keeps_flows_from_being_seen_is_said_with_its_remedy() {
	ip link set lo up
	screen 120x30 "$WEIR top --socket $T/nobody"
	wait_for shows 'weir run --track|nf_conntrack_acct=1'
	wait_for shows 'no flow is alive but what is hidden'
	end_top
}

state_of_the_machine() {
	sysctl net.netfilter.nf_conntrack_acct net.netfilter.nf_conntrack_timestamp
	nft list ruleset
	pgrep -ax weir || true
}

# What the README's first command does after its build.
test_dev_run_shows_flows_and_leaves_the_machine_as_it_was() {
	local dev=$here/../../dev
	mkdir -p "$T/checkout/build"
	cp "$dev" "$T/checkout/dev"
	cp "$WEIR" "$T/checkout/build/weir"
	# the build is another test's
	sed -i -e 's/^deps() {/&\n\treturn 0/' -e 's/^build_release() {/&\n\treturn 0/' \
		"$T/checkout/dev"
	hold_a_connection
	state_of_the_machine >"$T/before"
	screen 120x40 "$T/checkout/dev run -a"
	PATIENCE_S=30 wait_for shows '127.0.0.1:[0-9]+ +127.0.0.1:9 .*python'
	state_of_the_machine >"$T/during"
	is "$(grep -c 'table inet weir' "$T/during")" = 1
	keys q
	ended_with 0
	state_of_the_machine >"$T/after"
	diff "$T/before" "$T/after"
}
