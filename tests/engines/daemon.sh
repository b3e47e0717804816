# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# weir run as a daemon: several sinks at once, settings and files that change while
# it runs, what it tells the service manager, and how it ends.

here=${BASH_SOURCE[0]%/*}

# config NAME=FORMAT:PATH... [KEY:VALUE...]: the settings, in JSON
config() {
	local item sinks='' keys=''
	for item; do
		case $item in
		*=*) sinks+="${sinks:+, }\"${item%%=*}\": {$(sink_json "${item#*=}")}" ;;
		*) keys+=", \"${item%%:*}\": ${item#*:}" ;;
		esac
	done
	echo "{\"sinks\": {$sinks}, \"refresh\": \"200ms\"$keys}" >"$T/weir.json.new"
	# never read half written
	mv "$T/weir.json.new" "$T/weir.json"
}

# sink_json FORMAT:PATH[:FILTER]
sink_json() {
	local format path filter
	IFS=: read -r format path filter <<<"$1"
	printf '"type": "file", "format": "%s", "path": "%s"' "$format" "$path"
	[ -z "${filter:-}" ] || printf ', "filter": "%s"' "$filter"
	[ "$path" != "$T/pipe" ] || printf '%s' "${extra:-}"
}

# daemon [VARIABLE=VALUE...]: with these settings, until it is ready
daemon() {
	env "$@" "$WEIR" run -c "$T/weir.json" >"$T/output" 2>"$T/weir.log" &
	weir_pid=$!
	wait_for is_ready
}

# logged N TEXT: N times by now
logged() {
	local n
	n=$(grep -c -- "$2" "$T/weir.log") || true
	is "$n" -ge "$1"
}

reloads=0
reload() {
	reloads=$((reloads + 1))
	kill -HUP "$weir_pid"
	wait_for logged "$reloads" 'configuration read anew'
}

refused_reload() {
	local before
	before=$(grep -c 'configuration not read anew' "$T/weir.log") || true
	kill -HUP "$weir_pid"
	wait_for logged "$((before + 1))" 'configuration not read anew'
}

# short N: N flows that begin and end
short() {
	traffic udp --client-netns a --server-netns b --source-port 1025 --to 10.0.0.2 \
		--port 5001 --count "$1" --packets 1 --send 72 --reply 0
	flush a
}

# Many short flows, until stop_many.
many() {
	while [ ! -e "$T/enough" ]; do short 200; done >"$T/many" 2>&1 &
	many_pid=$!
}

stop_many() {
	: >"$T/enough"
	wait "$many_pid"
}

records() {
	"$PYTHON" "$here/records.py" "$@"
}

# has_grown FILE: since the last time it was asked
has_grown() {
	local now
	now=$(stat -c %s "$1")
	[ "$now" -gt "${size_of[$1]:-0}" ] || return 1
	size_of[$1]=$now
}
declare -A size_of

test_sinks_of_every_format_get_every_record() {
	local line
	pair
	config all=json:"$T/all" table=csv:"$T/csv" old=conntracct:"$T/old" text=text:"$T/text" \
		out=json:- some=json:"$T/some":'dst port 5001 and event = end'
	(umask 0 && daemon && echo "$weir_pid" >"$T/pid")
	weir_pid=$(cat "$T/pid")
	short 300
	wait_for check -f "$T/all" count 300 'r.event == "end"'
	kill -TERM "$weir_pid"
	wait_for fails kill -0 "$weir_pid"
	records same "$T/all" "$T/output"
	records within "$T/all" "$T/some"
	check -f "$T/some" count 300 'r.event == "end"'
	records lines "$T/all" "$T/old"
	records lines "$T/all" "$T/text"
	line='^(Update|Destroy): \{Start:[0-9]{19} Timestamp:[0-9]{19} FlowID:[0-9]+ .*:17\}$'
	fails grep -qvE "$line" "$T/old"
	is "$(grep -c '^Destroy: .*SrcAddr:10.0.0.1 DstAddr:10.0.0.2 PacketsOrig:1 BytesOrig:100 ' \
		"$T/old")" -eq 300
	fails grep -q connPtr "$T/old"
	is "$(grep -c '^event,time,' "$T/csv")" -eq 1
	is "$(wc -l <"$T/csv")" -eq "$(($(wc -l <"$T/all") + 1))"
	is "$(stat -c %a "$T/all")" = 640
}

test_a_file_that_is_there_is_appended_to_and_keeps_its_one_head() {
	local i
	pair
	config all=json:"$T/all" table=csv:"$T/csv"
	for i in 1 2; do
		daemon
		short 20
		wait_for check -f "$T/all" count "$((20 * i))" 'r.event == "end"'
		weir_stop
	done
	is "$(grep -c '^event,' "$T/csv")" -eq 1
	is "$(wc -l <"$T/csv")" -eq "$(($(wc -l <"$T/all") + 1))"
}

test_sinks_that_come_change_and_go_lose_and_double_no_record() {
	local i
	pair
	config all=json:"$T/all" moved=json:"$T/moved.0" other=json:"$T/other" gone=json:"$T/gone"
	daemon
	many
	wait_for has_grown "$T/gone"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		config all=json:"$T/all" moved=json:"$T/moved.$i" \
			other=json:"$T/other":"udp and dst port 500$((i % 2)) or udp" \
			new=json:"$T/new"
		reload
		wait_for has_grown "$T/moved.$i"
		wait_for has_grown "$T/new"
	done
	wait_for check stats 's["sinks"][0]["name"] == "all"' 'len(s["sinks"]) == 4'
	stop_many
	weir_stop
	records same "$T/all" "$T"/moved.*
	records same "$T/all" "$T/other"
	records within "$T/all" "$T/gone"
	records within "$T/all" "$T/new"
	logged 11 'before the reload has ended: [0-9]* records delivered, .* 0 dropped'
}

test_a_bad_configuration_changes_nothing() {
	local what
	pair
	config all=json:"$T/all" lines=json:"$T/lines"
	daemon
	many
	wait_for has_grown "$T/lines"
	echo '{"sinks": {"all": ' >"$T/weir.json"
	refused_reload
	wait_for has_grown "$T/lines"
	config all=json:"$T/all" lines=json:"$T/missing/lines"
	refused_reload
	wait_for logged 1 "error: sink lines: $T/missing/lines: No such file or directory"
	wait_for has_grown "$T/lines"
	config all=json:"$T/all" lines=json:"$T/lines":'prot 80'
	refused_reload
	wait_for has_grown "$T/lines"
	config all=json:"$T/all" lines=json:"$T/lines" 'refersh:"1s"' 'table:{"max_flows":"many"}'
	refused_reload
	for what in refersh max_flows; do
		wait_for logged 1 "^weir: error: $T/weir.json:1:[0-9]*: .*$what"
	done
	wait_for has_grown "$T/lines"
	stop_many
	weir_stop
	records same "$T/all" "$T/lines"
	fails grep -q 'before the reload' "$T/weir.log"
}

test_a_sink_that_cannot_be_opened_stops_the_start() {
	config lines=json:"$T/missing/lines"
	status_is 1 "$WEIR" run -c "$T/weir.json" 2>"$T/said"
	grep -qx "weir: error: sink lines: $T/missing/lines: No such file or directory" "$T/said"
}

test_what_the_command_line_asks_for_goes_to_standard_output_instead() {
	pair
	config all=json:"$T/all"
	WEIR_CONFIG=$T/weir.json "$WEIR" run dst port 5001 and event = end >"$T/output" \
		2>"$T/weir.log" &
	weir_pid=$!
	wait_for is_ready
	short 10
	wait_for has_lines 10 "$T/output"
	reload
	check stats 'len(s["sinks"]) == 1'
	weir_stop
	fails test -e "$T/all"
}

test_a_rotated_file_goes_on_in_the_new_one() {
	local i
	pair
	config all=json:"$T/all" lines=json:"$T/lines"
	daemon
	many
	for i in 1 2 3 4 5; do
		wait_for has_grown "$T/lines"
		mv "$T/lines" "$T/lines.$i"
		size_of[$T/lines]=0
		if [ "$i" -eq 5 ]; then kill -USR1 "$weir_pid"; else reload; fi
		wait_for test -s "$T/lines"
	done
	stop_many
	weir_stop
	records same "$T/all" "$T/lines" "$T"/lines.*
}

test_a_line_that_a_full_disk_cut_is_whole_in_the_new_file() {
	pair
	mkdir "$T/disk"
	mount -t tmpfs -o size=256k tmpfs "$T/disk"
	head -c 100001 /dev/zero >"$T/disk/other"
	ln -s "$T/disk/lines" "$T/lines"
	config all=json:"$T/all" lines=json:"$T/lines"
	daemon
	short 500
	wait_for logged 1 'sink lines: No space left on device'
	ln -sfn "$T/roomy" "$T/lines"
	reload
	wait_for test -s "$T/roomy"
	wait_for check stats 'all(k["queued"] == 0 for k in s["sinks"])'
	weir_stop
	is "$(stat -c %s "$T/disk/lines")" -gt 100000
	records same "$T/all" "$T/disk/lines" "$T/roomy"
}

test_the_pace_changes_at_once_and_what_cannot_change_is_said() {
	pair
	config all=json:"$T/all" 'report:[{"age":"0s","every":"1h"}]' 'table:{"max_flows":1000}'
	daemon
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 1 --send 100
	wait_for check -f "$T/all" at_least 1 'r.event == "start"'
	step
	config all=json:"$T/all" 'report:[{"age":"0s","every":"0s"}]' 'table:{"max_flows":2000}' \
		'log:{"level":"debug"}'
	reload
	step
	wait_for check -f "$T/all" at_least 1 'r.event == "update" and r.seq > 0'
	logged 1 'table.max_flows has changed: that needs a restart'
	fails grep -q 'listen.socket has changed' "$T/weir.log"
	check stats 's["table"]["capacity"] == 1000'
	step_close
	weir_stop
}

# manager NAME: what the service tells is in $T/told
manager() {
	"$PYTHON" "$here/notified.py" "$1" /run/weir/weir.sock >"$T/told" 2>"$T/told.log" &
	manager_pid=$!
	wait_for grep -q listening "$T/told"
}

told() {
	local n
	n=$(grep -c "^$2" "$T/told") || true
	is "$n" -ge "$1"
}

test_the_service_manager_is_told_ready_alive_reloading_and_stopping() {
	local name
	pair
	config all=json:"$T/all"
	for name in "$T/manager" @weir.manager; do
		manager "$name"
		reloads=0
		daemon NOTIFY_SOCKET="$name" WATCHDOG_USEC=300000
		wait_for told 1 'READY=1$'
		wait_for told 1 'api '
		is "$(grep -m1 '^api ' "$T/told")" = 'api 200'
		wait_for told 4 'WATCHDOG=1$'
		reload
		wait_for told 2 'READY=1$'
		told 1 'MONOTONIC_USEC=[0-9]'
		is "$(grep -cE '^(READY|RELOADING)=1$' "$T/told")" -eq 3
		is "$(grep -E '^(READY|RELOADING)=1$' "$T/told" | sed -n 2p)" = RELOADING=1
		weir_stop
		wait_for told 1 'STOPPING=1$'
		told 1 'EXTEND_TIMEOUT_USEC=15000000$'
		kill "$manager_pid"
	done
}

test_the_journal_gets_priorities() {
	config all=json:"$T/all"
	: >"$T/weir.log"
	daemon JOURNAL_STREAM="$(stat -c %d:%i "$T/weir.log")"
	grep -q '^<6>weir .* is watching' "$T/weir.log"
	kill -USR2 "$weir_pid"
	wait_for logged 1 '^<6>stats: sinks {"name":"all","taken":'
	fails grep -qv '^<[3467]>' "$T/weir.log"
	weir_stop
}

# A sink whose reader stands still, full.
stalled() {
	pair
	mkfifo "$T/pipe"
	# shellcheck disable=SC2034
	exec {stalled}<>"$T/pipe"
	config stuck=json:"$T/pipe" all=json:"$T/all" "drain_timeout:\"$1\""
	daemon
	short 500
	wait_for check stats 's["sinks"][0]["queued"] > 0' 's["table"]["live"] == 0'
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 5 --send 100
	wait_for check -f "$T/all" at_least 5 'r.event == "start" and r.proto == "tcp"'
}

test_a_sink_that_hangs_keeps_the_end_waiting_until_its_deadline() {
	stalled 3s
	SECONDS=0
	weir_stop
	is "$SECONDS" -ge 2
	is "$SECONDS" -le 10
	check -f "$T/all" count 5 'r.event == "end" and r.end_reason == "shutdown"'
	check -f "$T/all" count 500 'r.event == "end" and r.proto == "udp"'
}

# The whole records that the pipe of a sink which hung has taken.
first() {
	local reader
	exec {reader}<"$T/pipe"
	head -c 60000 <&"$reader" | sed '$d' >"$T/first"
}

test_a_sink_that_hangs_drains_aside_when_it_is_replaced() {
	stalled 4s
	config stuck=json:"$T/freed" all=json:"$T/all" 'drain_timeout:"4s"'
	reload
	short 100
	wait_for check -f "$T/freed" count 100 'r.event == "end" and r.proto == "udp"'
	fails logged 1 'sink stuck as it was before the reload has ended'
	wait_for logged 1 'sink stuck as it was before the reload has ended: .* [1-9][0-9]* dropped'
	# what the pipe took is the beginning, the rest was given up with its deadline
	first
	check -f "$T/first" at_least 50 'r.proto == "udp"'
	weir_stop
	records within "$T/all" "$T/first" "$T/freed"
}

test_a_sink_with_a_spool_that_is_replaced_hands_it_on() {
	local spool="\"spool_path\": \"$T/spool\""
	mkdir "$T/spool"
	extra=", $spool" stalled 2s
	sed -i "s|\"path\": \"$T/pipe\"|\"path\": \"$T/freed\"|" "$T/weir.json"
	reload
	short 100
	wait_for check -f "$T/freed" at_least 600 'r.event == "end" and r.proto == "udp"'
	logged 1 'before the reload has ended: .* [1-9][0-9]* left in its spool, 0 dropped'
	wait_for check stats 'all(k["queued"] + k["spooled"] == 0 for k in s["sinks"])'
	weir_stop
	# a batch that the pipe took whole is delivered; one that it took in part comes again
	first
	records covers "$T/all" "$T/first" "$T/freed"
}

# Its hang-up is a reload for a daemon; what cannot be written any more is the end.
test_a_terminal_that_goes_away_ends_it() {
	pair
	mkfifo "$T/hang-up"
	exec {hang_up}<>"$T/hang-up"
	"$PYTHON" -c 'import os, subprocess, sys
terminal, inside = os.openpty()
weir = subprocess.Popen([sys.argv[1], "run"], stdin=inside, stdout=inside, start_new_session=True,
                        preexec_fn=lambda: os.close(terminal))
os.close(inside)
print(weir.pid, flush=True)
sys.stdin.readline()
os.close(terminal)
sys.exit(weir.wait())' "$WEIR" <&"$hang_up" >"$T/pid" 2>"$T/weir.log" &
	python_pid=$!
	wait_for test -s "$T/pid"
	weir_pid=$(cat "$T/pid")
	wait_for is_ready
	echo >&"$hang_up"
	short 10
	wait "$python_pid"
	weir_pid=''
}

test_a_second_signal_ends_it_at_once() {
	stalled 10m
	kill -INT "$weir_pid"
	wait_for check -f "$T/all" count 5 'r.end_reason == "shutdown"'
	SECONDS=0
	kill -INT "$weir_pid"
	status_is 1 wait "$weir_pid"
	weir_pid=''
	is "$SECONDS" -le 5
}

test_the_unit_is_valid() {
	command -v systemd-analyze >"$T/which" || skip 'there is no systemd-analyze'
	local unit=${WEIR%/*}/systemd/weir.service
	[ -e "$unit" ] || skip 'there is no unit beside this weir'
	sed "s|^ExecStart=.* run|ExecStart=$WEIR run|; /^Documentation/d" "$unit" >"$T/weir.service"
	systemd-analyze verify "$T/weir.service" >"$T/verify" 2>&1
	is "$(cat "$T/verify")" = ''
	systemd-analyze security --offline=true --threshold=45 "$T/weir.service" >"$T/security"
}
