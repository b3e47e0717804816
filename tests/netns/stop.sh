# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How weir ends: in order, with every live flow told once and the host as it was;
# and by force, with nothing of it left in the kernel.

switch() {
	at "$1" cat "/proc/sys/net/netfilter/nf_conntrack_$2"
}

ends_by() {
	local name
	pair
	for name in acct timestamp; do
		is "$(switch a "$name")" -eq 0
	done
	weir_start --track
	nft list table inet weir >"$T/table"
	for name in acct timestamp; do
		is "$(switch a "$name")" -eq 1
		is "$(switch '' "$name")" -eq 1
	done
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 20 \
		--send 5000 --reply 7000
	step
	wait_for check at_least 20 'r.bytes_orig and r.bytes_orig > 5000'
	wait_for check stats 's["identity"]["live"] == 20' ''
	entries a
	# shellcheck disable=SC2154
	kill "-$1" "$weir_pid"
	wait "$weir_pid"
	check count 20 'r.event == "end"'
	check count 20 'r.event == "end" and r.end_reason == "shutdown"'
	check same "$T/entries.a" 'r.event == "end"'
	check lives ended
	for name in acct timestamp; do
		is "$(switch a "$name")" -eq 0
		is "$(switch '' "$name")" -eq 0
	done
	fails nft list table inet weir 2>"$T/nft"
	fails test -e /run/weir/weir.sock
	step_close
}

test_sigterm_ends_every_live_flow_once_and_puts_everything_back() {
	ends_by TERM
}

test_sigint_does_the_same() {
	ends_by INT
}

# switches_are VALUE: both, here and in a
switches_are() {
	local name where
	for name in acct timestamp; do
		for where in '' a; do
			is "$(switch "$where" "$name")" -eq "$1"
		done
	done
}

test_the_first_of_two_to_end_takes_nothing_from_the_other() {
	pair
	"$WEIR" run -o json --socket /run/weir/first.sock >"$T/first" 2>"$T/first.log" &
	first_pid=$!
	wait_for switches_are 1
	weir_start
	kill -TERM "$first_pid"
	wait "$first_pid"
	wait_for switches_are 1
	wait_for grep -q 'were off in . network namespaces: switched on' "$T/weir.log"
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 3 --send 500 --reply 700
	wait_for check distinct 3 'r.bytes_orig and r.bytes_orig > 500' 'r.flow_id'
	is "$(grep -c 'switched on' "$T/weir.log")" -eq 1
	weir_stop
	switches_are 0
}

test_accounting_that_is_not_ours_to_manage_is_said_so() {
	WEIR_CONNTRACK__MANAGE_SYSCTL=false weir_start --track
	weir stats >"$T/stats"
	grep -q '^notice .*so is conntrack.manage_sysctl' "$T/stats"
	is "$(switch '' acct)" -eq 0
	weir_stop
}

test_a_switch_that_was_on_stays_on() {
	pair
	at a sysctl -qw net.netfilter.nf_conntrack_acct=1
	weir_start
	weir_stop
	is "$(switch a acct)" -eq 1
	is "$(switch a timestamp)" -eq 0
}

# tracks_and_is_killed: what it loaded is in $T/table
tracks_and_is_killed() {
	weir_start --track
	nft list table inet weir >"$T/table"
	traffic tcp --to 127.0.0.1 --count 3 --send 100 --reply 100
	wait_for check at_least 3 'r.event == "start" and r.dst_ip == "127.0.0.1"'
	kill -KILL "$weir_pid"
	status_is 137 wait "$weir_pid"
}

# What was listed has an owner.
has_owner() {
	grep -q owner "$T/table" || skip 'tables have no owner before Linux 5.12'
}

test_the_table_of_track_vanishes_with_a_killed_weir() {
	tracks_and_is_killed
	has_owner
	wait_for fails nft list table inet weir
}

test_a_table_that_somebody_else_made_is_left_alone() {
	weir_start --track
	nft list table inet weir >"$T/table"
	weir_stop
	has_owner
	nft 'table inet weir { chain theirs { }; }'
	status_is 1 "$WEIR" run --track 2>"$T/err"
	grep -q '"inet weir" exists' "$T/err"
	is "$(nft list ruleset | grep -c '^table')" -eq 1
	nft list chain inet weir theirs >"$T/table"
}

test_a_killed_weir_that_tracked_is_no_hindrance_to_the_next() {
	tracks_and_is_killed
	weir_start --track
	nft list table inet weir >"$T/table"
	is "$(grep -c 'chain mention' "$T/table")" -eq 1
	traffic tcp --to 127.0.0.1 --count 3 --send 100 --reply 100
	wait_for check at_least 3 'r.event == "start" and r.dst_ip == "127.0.0.1"'
	weir_stop
	fails nft list table inet weir 2>"$T/nft"
}

test_a_killed_weir_leaves_no_switch_on() {
	pair
	weir_start
	switches_are 1
	kill -KILL "$weir_pid"
	status_is 137 wait "$weir_pid"
	wait_for switches_are 0
	weir_start
	switches_are 1
	weir_stop
	switches_are 0
}

test_a_second_weir_that_tracks_is_refused() {
	weir_start --track
	WEIR_LISTEN__SOCKET=/run/weir/second.sock status_is 1 "$WEIR" run --track 2>"$T/second"
	grep -q 'another weir is tracking' "$T/second"
	weir_stop
}
