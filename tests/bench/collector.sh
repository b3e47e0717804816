#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a collector costs under load, beside two named peers in the same run: CPU
# time per 10,000 short TCP connections at 3,000/s, loss at 10,000 new flows/s,
# and what it costs at rest. Makes two network namespaces and removes them.
set -u
bin=${WEIR_TEST_BENCH_DIR:?folder of the bench programs}
client_ns=weir-bench-a-$$ server_ns=weir-bench-b-$$
work=$(mktemp -d)
pids=()

clean() {
	for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
	ip netns del "$client_ns" 2>/dev/null
	ip netns del "$server_ns" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		read -r -t 0.05 <> <(:) # a short pause between two looks
	done
}

# CPU time of a process in ms (utime and stime count in ticks of 10 ms).
cpu_ms() {
	local fields
	read -r -a fields <<<"$(sed 's/.*) //' "/proc/$1/stat")"
	echo $(((fields[11] + fields[12]) * 1000 / $(getconf CLK_TCK)))
}

figure() { printf '%-34s %14s %-12s %s\n' "$@"; }
in_client() { ip netns exec "$client_ns" "$@"; }
in_server() { ip netns exec "$server_ns" "$@"; }

setup() {
	ip netns add "$client_ns" && ip netns add "$server_ns" || exit 1
	ip link add wba netns "$client_ns" type veth peer name wbb netns "$server_ns" || exit 1
	ip -n "$client_ns" addr add 10.77.0.1/24 dev wba
	ip -n "$server_ns" addr add 10.77.0.2/24 dev wbb
	ip -n "$client_ns" link set wba up
	ip -n "$server_ns" link set wbb up
	ip -n "$client_ns" link set lo up
	in_client nft 'table inet t {
		chain o { type filter hook output priority 0; ct state invalid; }; }'
	in_client sysctl -qw net.netfilter.nf_conntrack_acct=1
	in_client sysctl -qw net.netfilter.nf_conntrack_timestamp=1
	mkfifo "$work/stdin"
	in_server "$bin/short_tcp" server 10.77.0.2 9000 <"$work/stdin" >"$work/server" &
	exec 7>"$work/stdin"
	wait_for 10 grep -q ready "$work/server"
}

empty_table() {
	in_client conntrack -F 2>/dev/null
	wait_for 20 test "$(in_client cat /proc/sys/net/netfilter/nf_conntrack_count)" = 0
}

load() {
	in_client "$bin/short_tcp" client 10.77.0.2 9000 10000 3000 >"$work/load" ||
		echo "# load incomplete: $(cat "$work/load")"
}

ask() { in_client env WEIR_LISTEN__SOCKET="$work/sock" "$WEIR" "$@"; }

weir_ended() {
	ask stats -o json 2>/dev/null |
		grep -Eo '"ended":[0-9]+' | head -n 1 | cut -d: -f2
}
ended_is() { [ "$(weir_ended)" -ge "$1" ]; }

start_weir() {
	# env and ip replace themselves: the process started is the collector
	WEIR_LISTEN__SOCKET="$work/sock" WEIR_CONNTRACK__NETNS=host ip netns exec "$client_ns" \
		"$WEIR" run -q -o json "${WEIR_TEST_BENCH_FILTER:-proto 255}" \
		>"${WEIR_TEST_BENCH_OUT:-/dev/null}" 2>"$work/err" &
	weir_pid=$!
	pids+=("$weir_pid")
	wait_for 10 ask stats -o json
}

stop_weir() {
	kill -TERM "$weir_pid"
	wait_for 10 test ! -e "/proc/$weir_pid"
}

bench_weir() {
	local before after
	start_weir
	before=$(cpu_ms "$weir_pid")
	load
	in_client conntrack -F 2>/dev/null
	wait_for 30 ended_is 10000
	after=$(cpu_ms "$weir_pid")
	figure collector_cpu_per_10k_connections $((after - before)) ms '<= 250'
	figure collector_ends_of_10k "$(weir_ended)" flows '10000'
	stop_weir
}

bench_conntrack_tool() {
	local before after pid
	ip netns exec "$client_ns" conntrack -E -b 67108864 >"$work/events" 2>/dev/null &
	pid=$!
	pids+=("$pid")
	wait_for 5 grep -q 00000007 "/proc/$pid/net/netlink"
	before=$(cpu_ms "$pid")
	load
	in_client conntrack -F 2>/dev/null
	wait_for 20 sh -c "[ \$(grep -c DESTROY '$work/events') -ge 9990 ]"
	after=$(cpu_ms "$pid")
	figure conntrack_E_cpu_per_10k_connections $((after - before)) ms -
	kill "$pid"
}

bench_blocking_reader() {
	local before after pid
	ip netns exec "$client_ns" "$bin/blocking_reader" >"$work/reader" &
	pid=$!
	pids+=("$pid")
	wait_for 5 grep -q ready "$work/reader"
	before=$(cpu_ms "$pid")
	load
	in_client conntrack -F 2>/dev/null
	wait_for 5 test "$(in_client cat /proc/sys/net/netfilter/nf_conntrack_count)" = 0
	after=$(cpu_ms "$pid")
	figure blocking_reader_cpu_per_10k_connections $((after - before)) ms -
	kill "$pid"
}

bench_loss() {
	start_weir
	in_client "$bin/short_tcp" udp 10.77.0.2 9001 50000 10000 >"$work/load"
	in_client conntrack -F 2>/dev/null
	wait_for 60 ended_is 50000
	figure ends_of_50k_flows_at_10k_per_s "$(weir_ended)" flows 50000
	stop_weir
}

bench_rest() {
	local before after
	start_weir
	# let the first passes be over: rest is what comes after
	wait_for 10 ask list -H
	before=$(cpu_ms "$weir_pid")
	wait_for 30 false # half a minute of rest is what is measured
	after=$(cpu_ms "$weir_pid")
	figure collector_at_rest_cpu_30s $((after - before)) ms '<= 30'
	figure collector_at_rest_anonymous \
		"$(awk '/RssAnon/ { print $2 }' "/proc/$weir_pid/status")" KiB '<= 4096'
	stop_weir
}

lists() { [ "$(ask list -a -H | wc -l)" -ge "$1" ]; }

bench_list() {
	local began
	start_weir
	for part in 0 1; do
		in_client "$bin/short_tcp" udp 10.77.0.2 $((9100 + part)) 50000 25000 >/dev/null
	done
	wait_for 30 lists 99000
	began=$(date +%s%N)
	local rows
	rows=$(ask list -a -H | wc -l)
	figure list_of_flows "$rows" flows '100000'
	figure list_of_flows_takes $((($(date +%s%N) - began) / 1000000)) ms '<= 1000'
	stop_weir
}

setup
for part in "${@:-weir conntrack_tool blocking_reader loss list rest}"; do
	for one in $part; do
		empty_table
		"bench_$one"
	done
done
