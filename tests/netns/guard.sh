# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A collector that is stopped must never stop the host: reliability is given up,
# and taken up again afterwards. (BPF keeps nobody waiting, so this is ctnetlink's.)

test_a_stopped_collector_stops_no_connection_and_catches_up() {
	pair
	listen_at a
	weir_start --source bpf_walk,ctnetlink
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 3 --send 100 --reply 100
	wait_for check at_least 3 'r.event == "start"'
	# shellcheck disable=SC2154
	kill -STOP "$weir_pid"
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 200 \
		--send 100 --reply 100
	is "$(counted client_sent)" -eq 20000
	stopped_s=$SECONDS
	wait_for was_stopped_for 12
	flush a
	wait_for has_no_entry a
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 3 --send 100 --reply 100
	kill -CONT "$weir_pid"
	wait_for check stats 'source["ctnetlink"]["reliability_lost"] >= 1'
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --count 5 \
		--send 100 --reply 100 \
		--source-port 3001
	wait_for check at_least 5 'r.event == "start" and 3001 <= (r.src_port or 0) <= 3005'
	flush a
	wait_for check count 5 'r.event == "end" and 3001 <= (r.src_port or 0) <= 3005'
	wait_for check stats 's["identity"]["live"] == 0' ''
	check lives ended
	weir_stop
}

# The guard's patience is 5 s, more on a busy machine, and what it does shows outside only
# afterwards: so it is time that is given here, not a condition.
was_stopped_for() {
	is "$((SECONDS - stopped_s))" -ge "$1"
}

has_no_entry() {
	is "$(at "$1" conntrack -C)" -eq 0
}
