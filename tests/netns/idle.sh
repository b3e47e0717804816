# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Connections that say nothing for long.

# Looking at them is all there is to do: they are shown once a round, and what they had
# stays theirs.
test_idle_connections_keep_what_they_had() {
	needs_rung tcp_life bpf_tracepoint
	netns a b
	link a va fd00::1/64 b vb fd00::2/64
	ulimit -n 16384
	traffic_open tcp --client-netns a --server-netns b --to fd00::2 --count 3000 --send 700 \
		--reply 90
	step
	weir_start
	wait_for check stats 's["table"]["live"] == 3000'
	wait_for check distinct 3000 'r.baseline and r.seq == 0' 'r.flow_id'
	# a round shows each of both their sockets; so does the next, half a minute later
	PATIENCE_S=$((PATIENCE_S + 35))
	wait_for check stats 'source["sock_life"]["seen"] >= 12000'
	check stats 'source["sock_life"]["seen"] < 18000' 's["table"]["live"] == 3000'
	check every 'True' 'r.event == "start" and r.direction and r.dst_port == 5001 and
		r.delta_bytes_orig == 0'
	step
	wait_for check total 2100000 'True' 'r.delta_bytes_orig'
	check total 270000 'True' 'r.delta_bytes_reply'
	step_close
	wait_for check count 3000 'r.event == "end"'
	check every 'r.event == "end"' 'r.tcp_payload_orig == 1400 and r.tcp_payload_reply == 180'
	check total 2100000 'True' 'r.delta_bytes_orig'
	check stats 'source["sock_life"]["lost"] == 0'
}
