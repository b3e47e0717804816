# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Who is told does not take it: a reader that stands still, a disk that is full.
# The collector goes on, what is lost is counted, and what comes is whole lines;
# a recording is then one that can be replayed.

# Beyond this a collector whose queues are full grows no more.
GROWTH_KB=16384

# flows N PORT: N datagrams from as many ports to PORT, begun and ended
flows() {
	traffic udp --client-netns a --server-netns b --source-port 1025 --to 10.0.0.2 \
		--port "$2" --count "$1" --packets 1 --send 72 --reply 0
	flush a
	wait_for check stats 's["table"]["live"] == 0'
}

flows_until_dropped() {
	local i
	for ((i = 0; i < 20; i++)); do
		flows 15000 5001
		! check stats 's["sinks"][0]["dropped"]["full"]' >"$T/stats" || return 0
	done
	return 1
}

# shellcheck disable=SC2154
memory_kb() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$weir_pid/status"
}

# Also while others do not read.
# shellcheck disable=SC2154
answers_in_time() {
	timeout 5 "$PYTHON" -S -E "$folder/../netns/check.py" stats
}

# of_sink EXPRESSION over the sink's own numbers
of_sink() {
	weir stats -o json |
		"$PYTHON" -c "import json, sys; s = json.load(sys.stdin)['sinks'][0]; print($1)"
}

is_delivered() {
	check stats 's["sinks"][0]["queued"] == 0'
}

test_a_reader_that_stands_still_stops_nobody() {
	local full_kb later_kb reader
	# what a sanitizer keeps of the freed is no growth
	export ASAN_OPTIONS=quarantine_size_mb=1 PYTHONUNBUFFERED=1
	pair
	mkfifo "$T/records" "$T/go"
	exec {reader}<>"$T/records" {go}<>"$T/go"
	weir_start
	"$PYTHON" "$folder/stalled.py" 9 <"$T/go" >"$T/stream" 2>"$T/stream.log" &
	stream_pid=$!
	wait_for grep -q open "$T/stream"

	flows_until_dropped
	full_kb=$(memory_kb)
	flows 15000 5001
	later_kb=$(memory_kb)
	is "$later_kb" -le "$((full_kb + GROWTH_KB))"
	answers_in_time
	check stats

	# both come back
	cat <&"$reader" >"$T/got" &
	cat_pid=$!
	echo >&"$go"
	wait_for is_delivered
	flows 1 9
	wait "$stream_pid"
	wait_for is_delivered
	check stats '' 's["sinks"][0]["dropped"]["full"] > 0' \
		's["identity"]["lost"]["outbox_full"] > 0'
	sum_is_right
	has_all_delivered
	weir_stop
	kill "$cat_pid"
}

# Of the stream: what it showed and what it dropped is what there was.
sum_is_right() {
	local records dropped
	records=$(sed -n 's/^records=\([0-9]*\) .*/\1/p' "$T/stream")
	dropped=$(sed -n 's/.* dropped=\([0-9]*\)$/\1/p' "$T/stream")
	is "$dropped" -gt 0
	is "$((records + dropped))" -eq \
		"$(of_sink 's["taken"] + s["dropped"]["full"]')"
}

has_all_delivered() {
	wait_for has_lines "$(of_sink 's["delivered"]')" "$T/got"
	check -f "$T/got" at_least 1 'r.dst_port == 9'
}

test_a_full_disk_is_waited_for_and_lines_stay_whole() {
	pair
	mkdir "$T/disk"
	mount -t tmpfs -o size=256k tmpfs "$T/disk"
	ln -s "$T/disk/records" "$T/records"
	head -c 100001 /dev/zero >"$T/disk/other"
	weir_start
	flows 500 5001
	wait_for grep -q 'sink stdout: No space left on device, trying again' "$T/weir.log"
	answers_in_time
	check stats '' 's["sinks"][0]["queued"] > 0'
	mount -o remount,size=64m "$T/disk"
	wait_for is_delivered
	check stats 's["sinks"][0]["delivered"] == s["sinks"][0]["taken"]'
	is "$(wc -l <"$T/records")" -eq "$(of_sink 's["delivered"]')"
	check count 500 'r.event == "end"'
	is "$(grep -c 'No space left' "$T/weir.log")" -eq 1
	weir_stop
}

test_a_disk_that_stays_full_does_not_keep_the_end_waiting() {
	pair
	ln -s /dev/full "$T/records"
	weir_start
	flows 10 5001
	wait_for grep -q 'sink stdout: No space left on device' "$T/weir.log"
	check stats '' 's["sinks"][0]["queued"] == s["sinks"][0]["taken"]'
	SECONDS=0
	weir_stop
	is "$SECONDS" -le 20
}

# disk KIB: so large that it is full with that much more
disk() {
	mkdir "$T/disk"
	mount -t tmpfs -o size=64k tmpfs "$T/disk"
	head -c $(((64 - $1) * 1024)) /dev/zero >"$T/disk/other"
}

# Said once, the exit code tells, and what is there can be replayed.
recording_broke_off() {
	kill -TERM "$weir_pid"
	status_is 1 wait "$weir_pid"
	is "$(grep -c 'error: .*/disk/observations: No space left on device: the recording' \
		"$T/weir.log")" -eq 1
	is "$(grep -c 'error: ' "$T/weir.log")" -eq 1
	is "$(tail -c 1 "$T/disk/observations" | wc -l)" -eq 1
	"${TRAFFIC%/netns/*}/golden/replay" "$T/disk/observations" >"$T/replayed"
}

test_a_recording_that_finds_no_room_ends_and_the_collector_goes_on() {
	pair
	disk 36
	weir_start --record "$T/disk/observations"
	flows 500 5001
	wait_for grep -q 'the recording is incomplete' "$T/weir.log"
	flows 500 5001
	wait_for check stats 's["identity"]["exported"] == 1000' '' 's["self"]["unrecorded"] > 1000'
	weir stats >"$T/stats"
	grep -q '^record   lost [1-9]' "$T/stats"
	recording_broke_off
	# but for a line that is not whole
	is "$(stat -c %s "$T/disk/observations")" -gt $((35 * 1024))
	check count 1000 'r.event == "end"'
}

test_a_recording_that_finds_no_room_at_its_end_says_so() {
	pair
	disk 4
	# so little is seen that nothing has to be written before
	WEIR_REFRESH=1h weir_start --record "$T/disk/observations"
	flows 20 5001
	is "$(wc -l <"$T/disk/observations")" -eq 1
	recording_broke_off
}

test_a_recording_that_cannot_begin_stops_the_start() {
	status_is 1 "$WEIR" run --record /dev/full 2>"$T/said"
	is "$(cat "$T/said")" = 'weir: error: /dev/full: No space left on device'
}
