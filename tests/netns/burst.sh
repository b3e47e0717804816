# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Many short connections at once.

test_20000_connections_in_a_burst_are_counted_one_by_one() {
	pair
	room_for 20000
	WEIR_REPORT='[{"age":"0s","every":"20s"}]' weir_start
	traffic tcp --client-netns a --server-netns b --source 10.0.0.1 --source-port 10000 \
		--to 10.0.0.2 --count 20000 --send 100 --reply 300
	is "$(counted server_connections)" -eq 20000
	is "$(counted client_received)" -eq 6000000
	wait_for check stats 's["table"]["opened"] == 20000'
	at a conntrack -L -o extended,id >"$T/entries.a" 2>"$T/conntrack.log"
	is "$(wc -l <"$T/entries.a")" -eq 20000
	flush a
	wait_for check stats 's["table"]["live"] == 0'
	weir_stop
	check count 20000 'r.event == "end"'
	check same "$T/entries.a" 'r.event == "end"'
	check distinct 20000 'True' 'r.flow_id'
	check count 0 'r.exact == False'
	check lives ended
}

test_50000_datagrams_are_as_many_flows() {
	pair
	room_for 50000
	WEIR_REPORT='[{"age":"0s","every":"20s"}]' weir_start
	traffic udp --client-netns a --server-netns b --source 10.0.0.1 --source-port 10000 \
		--to 10.0.0.2 --count 50000 --send 72 --reply 0
	wait_for check stats 's["table"]["opened"] == 50000'
	at a conntrack -L -o extended,id >"$T/entries.a" 2>"$T/conntrack.log"
	is "$(wc -l <"$T/entries.a")" -eq 50000
	flush a
	wait_for check stats 's["table"]["live"] == 0'
	check stats 's["identity"]["seen"] == 50000 and s["identity"]["exported"] == 50000' \
		's["identity"]["holds"] and s["byte_identity"]["holds"]'
	weir_stop
	check count 50000 'r.event == "end" and r.bytes_orig == 100 and r.packets_orig == 1'
	check same "$T/entries.a" 'r.event == "end"'
	check total 5000000 'True' 'r.delta_bytes_orig'
	check lives ended
}
