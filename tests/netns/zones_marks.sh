# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Zones keep equal tuples apart; marks and labels are told.

test_one_tuple_in_two_zones_is_two_flows() {
	pair
	inside a nft 'table inet z {
		chain o { type filter hook output priority raw;
			meta mark 1 ct zone set 11
			meta mark 2 ct zone set 22
		}
	}'
	listen_at a
	weir_start
	for zone in 1:3 2:5; do
		traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 \
			--mark "${zone%:*}" --packets "${zone#*:}" --send 72 --reply 0
	done
	wait_for check distinct 2 'r.bytes_orig' 'r.flow_id'
	wait_for check at_least 1 'r.zone == 11 and r.packets_orig == 3 and r.bytes_orig == 300'
	wait_for check at_least 1 'r.zone == 22 and r.packets_orig == 5 and r.bytes_orig == 500'
	weir list -o json 'zone = 22' >"$T/list"
	check -f "$T/list" count 1 'r.zone == 22 and r.packets_orig == 5'
	check -f "$T/list" count 1 'True'
	flush a
	wait_for has_lines 2 "$T/destroy.a"
	wait_for check count 2 'r.event == "end"'
	check same "$T/destroy.a" 'r.event == "end"'
	check distinct 1 'True' '(r.src_ip, r.src_port, r.dst_ip, r.dst_port)'
	check lives ended
}

test_a_mark_is_told_and_can_be_filtered() {
	pair
	inside a nft 'table inet m {
		chain o { type filter hook output priority 5;
			udp dport 5001 ct mark set 0x2a
		}
	}'
	weir_start
	traffic udp --client-netns a --server-netns b --to 10.0.0.2 --send 72 --reply 72
	traffic udp --client-netns a --server-netns b --to 10.0.0.2 --port 5002 --send 72 --reply 72
	wait_for check distinct 2 'r.bytes_reply' 'r.flow_id'
	check every 'r.bytes_reply' 'r.mark == (0x2a if r.dst_port == 5001 else 0)'
	weir list -o json 'mark & 0xff = 0x2a' >"$T/list"
	check -f "$T/list" count 1 'r.dst_port == 5001 and r.mark == 42'
	check -f "$T/list" count 1 'True'
	weir list -o json --mark 0x2a/0xf >"$T/list"
	check -f "$T/list" count 0 'True'
	weir list -o json --mark 0x2a >"$T/list"
	check -f "$T/list" count 1 'r.dst_port == 5001'
}
