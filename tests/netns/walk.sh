# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Conntrack's table as the walk shows it, held against conntrack -L: by each rung of
# the ladder that this kernel has.

# Each from a port of its own, so that none is used twice.
kinds_between() {
	local ends=(--client-netns a --server-netns b --source "$1" --to "$2")
	traffic udp "${ends[@]}" --source-port 10000 --count 300 --packets 3 --send 200 --reply 300
	traffic tcp "${ends[@]}" --source-port 20000 --count 100 --send 1000 --reply 20000
	traffic tcp "${ends[@]}" --source-port 30000 --port 81 --count 20 --send 50 --reply 60
}

# Marks, zones, both families, TCP, UDP and ICMP in two namespaces.
many_kinds() {
	pair
	track b
	live_long
	at a nft 'table inet m { chain o { type filter hook output priority 5;
		meta l4proto udp ct mark set 42; }; }'
	at a nft 'table inet z { chain o { type filter hook output priority -300;
		tcp dport 81 ct zone set 7; }; }'
	for name in a b; do
		at "$name" sysctl -qw net.netfilter.nf_conntrack_acct=1 \
			net.netfilter.nf_conntrack_timestamp=1
	done
	kinds_between 10.0.0.1 10.0.0.2
	kinds_between fd00::1 fd00::2
	inside a ping -q -c 3 -i 0.2 10.0.0.2 >"$T/ping"
	inside a ping -q -c 3 -i 0.2 fd00::2 >"$T/ping"
}

# shown_by RUNG: without a daemon, as the first pass shows it, and by a daemon, which
# has read it more than once
shown_by() {
	needs_rung live "$1"
	many_kinds
	for name in a b; do
		entries "$name"
	done
	weir list --source "$1" -a -o json >"$T/list"
	for name in a b; do
		check -f "$T/list" same "$T/entries.$name" "r.netns == ns('$name')"
	done
	check -f "$T/list" count 0 'r.exact == False or not r.packets_orig'
	check -f "$T/list" count 600 "r.netns == ns('a') and r.mark == 42"
	check -f "$T/list" count 40 "r.netns == ns('a') and r.zone == 7 and r.dst_port == 81"
	weir_start --source "$1"
	wait_for check stats 's["table"]["live"] >= 1682'
	traffic udp --client-netns a --server-netns b --to 10.0.0.2 --count 5 --packets 40 \
		--send 100 --reply 100
	wait_for check distinct 10 'r.packets_orig == 40 and r.packets_reply == 40' 'r.flow_id'
	weir_stop
	check lives ended
}

test_the_walk_shows_what_conntrack_lists() {
	shown_by bpf_walk
}

test_a_dump_shows_the_same() {
	shown_by ctnetlink
}

# ends_by RUNG: each flow once, with the last counters, none taken for lost
ends_by() {
	needs_rung end "$1"
	pair
	listen_at a
	WEIR_REPORT='[{"age":"0s","every":"20s"}]' weir_start --source "$1"
	traffic udp --client-netns a --server-netns b --source 10.0.0.1 --source-port 10000 \
		--to 10.0.0.2 --count 2000 --packets 2 --send 300 --reply 400
	traffic tcp --client-netns a --server-netns b --source fd00::1 --source-port 20000 \
		--to fd00::2 --count 500 --send 1000 --reply 5000
	wait_for check stats 's["table"]["opened"] == 2500'
	flush a
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]'
	weir_stop
	check count 2500 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check count 0 'r.exact == False'
	check lives ended
}

test_ends_by_trampolines_are_those_of_conntrack() {
	ends_by bpf_fentry
}

test_ends_by_kprobes_are_those_of_conntrack() {
	ends_by bpf_kprobe
}

test_ends_by_events_are_those_of_conntrack() {
	ends_by ctnetlink
}

test_a_rung_that_does_not_hold_is_refused_with_its_reason() {
	# asked for, since where weir could not die with them it takes none by itself
	weir doctor --source bpf_fentry -o json >"$T/doctor"
	check -f "$T/doctor" count 0 'r.feature == "end" and r.rung == "bpf_fentry"' >"$T/rung" ||
		skip 'this kernel allows trampolines'
	status_is 4 weir run --source bpf_fentry 2>"$T/refused"
	grep -q 'end is not possible as wished: bpf_fentry: ' "$T/refused" ||
		grep -q 'begin is not possible as wished: bpf_fentry: ' "$T/refused"
	status_is 2 weir doctor --source bpf_wlak 2>"$T/refused"
	grep -q 'did you mean bpf_walk' "$T/refused"
}

# A weir that gets no processor while more begins than its sockets hold.
test_begins_that_were_lost_are_found_by_a_pass() {
	pair
	room_for 150000
	live_long
	WEIR_REPORT='[{"age":"0s","every":"10m"}]' weir_start --source bpf_walk,ctnetlink
	# shellcheck disable=SC2154
	kill -STOP "$weir_pid"
	for port in 5001 5002 5003; do
		traffic udp --client-netns a --server-netns b --source 10.0.0.1 \
			--source-port 10000 --to 10.0.0.2 --port "$port" --count 50000 \
			--send 72 --reply 0
	done
	kill -CONT "$weir_pid"
	wait_for check stats 's["table"]["opened"] == 150000' 'source["ctnetlink"]["lost"] > 0'
	flush a
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]'
	weir_stop
	check every 'r.event == "end"' '(r.bytes_orig, r.packets_orig) == (100, 1)'
	check count 150000 'r.event == "end"'
}

# More flows than are all read by address, and a flush of all of them at once; or
# $FLOWS, in steps of 50,000, where that takes too long.
test_200000_flows_are_listed_and_end_one_by_one() {
	local flows=${FLOWS:-200000}
	pair
	room_for "$flows"
	live_long
	WEIR_REPORT='[{"age":"0s","every":"10m"}]' weir_start
	for port in $(seq 5001 $((5000 + flows / 50000))); do
		traffic udp --client-netns a --server-netns b --source 10.0.0.1 \
			--source-port 10000 --to 10.0.0.2 --port "$port" --count 50000 \
			--send 72 --reply 0
	done
	wait_for check stats 's["table"]["opened"] == '"$flows"
	is "$(weir list -a -H -l 10 -s -bytes | wc -l)" -eq 10
	flush a
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]' \
		's["byte_identity"]["holds"]'
	weir_stop
	is "$(grep -c '"event":"end"' "$T/records")" -eq "$flows"
	is "$(grep '"event":"end"' "$T/records" | grep -c '"bytes_orig":100,"packets_orig":1,')" \
		-eq "$flows"
	is "$(grep -c '"exact":false' "$T/records" || true)" -eq 0
}
