# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Within one host: one entry, counted once, with a process at either end.

is_listed() {
	weir list -o json -a >"$T/list"
	check -f "$T/list" count 2 "r.src_ip == '$1' and r.client_pid and r.server_pid and
		r.tcp_payload_orig == 40000 and r.tcp_payload_reply == 60000"
}

# talks_to_itself ADDRESS
talks_to_itself() {
	track ''
	listen_at ''
	weir_start
	traffic_open tcp --source "$1" --to "$1" --count 2 --send 40000 --reply 60000
	step
	wait_for is_listed "$1"
	check -f "$T/list" every 'True' "r.client_pid == $(counted client_pid) and
		r.client_comm == 'traffic.bin' and r.client_exe == '$TRAFFIC' and
		r.server_pid == $(counted server_pid) and r.server_comm == 'traffic-server' and
		r.direction == 'local' and r.rtt_us and r.server_rtt_us"
	weir list -o json >"$T/list"
	check -f "$T/list" count 0 'True'
	weir list -o json -a --comm traffic-server >"$T/list"
	check -f "$T/list" count 2 'True'
	step_close
	flush ''
	wait_for has_lines 2 "$T/destroy."
	wait_for check count 2 'r.event == "end"'
	check same "$T/destroy." 'r.event == "end"'
	check every 'r.event == "end"' \
		'r.tcp_payload_orig == 40000 and r.tcp_payload_reply == 60000'
	check lives ended
}

test_an_ipv4_connection_shows_client_and_server() {
	talks_to_itself 127.0.0.1
}

test_an_ipv6_connection_shows_client_and_server() {
	talks_to_itself ::1
}
