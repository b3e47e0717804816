#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# million.sh [FLOWS]: a daemon beside a table of a million flows: how long the ten
# largest take to be listed, and what the daemon uses while it only looks.
set -u
bin=${WEIR_TEST_BENCH_DIR:?folder of the bench programs}
weir=${WEIR:?the program}
flows=${1:-1000000}
limit=/proc/sys/net/netfilter/nf_conntrack_max
before=$(cat "$limit") || { echo '# SKIP million: conntrack is not loaded' && exit 0; }
work=$(mktemp -d)

figure() { printf '%-34s %14s %-12s %s\n' "$@"; }

cpu_ms() {
	local fields
	read -r -a fields <<<"$(sed 's/.*) //' "/proc/$1/stat")"
	echo $(((fields[11] + fields[12]) * 1000 / $(getconf CLK_TCK)))
}

# wait_for SECONDS COMMAND...
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		read -r -t 0.2 <> <(:) # a pause between two looks
	done
	return 0 # not what the pause came to
}

clean() {
	exec 7>&-
	[ -z "${weir_pid:-}" ] || kill "$weir_pid" 2>/dev/null
	wait 2>/dev/null
	echo "$before" >"$limit"
	rm -rf "$work"
}
trap clean EXIT

[ "$before" -gt $((flows + 50000)) ] || echo $((flows + 100000)) >"$limit"
mkfifo "$work/hold"
unshare --net "$bin/bench_walk" "$flows" hold <"$work/hold" >"$work/held" &
exec 7>"$work/hold"
wait_for 60 grep -q held "$work/held" || exit 1
WEIR_REPORT='[{"age":"0s","every":"10m"}]' WEIR_TABLE__MAX_FLOWS=1200000 \
	WEIR_LISTEN__SOCKET="$work/sock" "$weir" run -o json >/dev/null 2>"$work/log" &
weir_pid=$!
ask() { WEIR_LISTEN__SOCKET="$work/sock" "$weir" "$@"; }
lives() { [ "$(ask stats -o json | sed 's/.*"live":\([0-9]*\).*/\1/')" -ge "$flows" ]; }
wait_for 60 lives || { cat "$work/log" && exit 1; }
wait_for 15 false # what the first look has made is over
began=$(date +%s%N)
ask list -a -H -l 10 -s -bytes >"$work/list"
figure top_10_of_flows_by_bytes $((($(date +%s%N) - began) / 1000000)) ms '<= 3000'
began=$(cpu_ms "$weir_pid")
wait_for 30 false # half a minute of looking is what is measured
figure looking_at_flows_cpu_30s $(($(cpu_ms "$weir_pid") - began)) ms '<= 1200'
figure looking_at_flows_anonymous \
	"$(($(awk '/RssAnon/ { print $2 }' "/proc/$weir_pid/status") / 1024))" MiB -
figure looking_at_flows_freshness \
	"$(ask stats -o json | sed 's/.*"name":"ct_walk"[^}]*"freshness_ms":\([0-9]*\).*/\1/')" ms -
