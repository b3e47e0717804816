# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Echoes: the tuple is an identifier, a type and a code.

# counts_echoes CLIENT SERVER PROTO TYPE HEADER: 3 flows of 5 echoes
counts_echoes() {
	pair
	listen_at a
	weir_start
	traffic icmp --client-netns a --to "$2" --source-port 77 --count 3 --packets 5 --send 200
	is "$(counted client_packets_received)" -eq 15
	wait_for check distinct 3 'r.packets_reply == 5' 'r.icmp_id'
	flush a
	wait_for has_lines 3 "$T/destroy.a"
	wait_for check count 3 'r.event == "end"'
	check same "$T/destroy.a" "r.event == 'end' and r.proto == '$3'"
	check every 'r.event == "end"' "r.icmp_type == $4 and r.icmp_code == 0 and
		r.icmp_id in (77, 78, 79) and r.src_port is None and r.src_ip == '$1' and
		r.bytes_orig == 5 * (208 + $5) and r.bytes_reply == 5 * (208 + $5)"
	check lives ended
}

test_ipv4_echoes_are_counted_by_identifier() {
	counts_echoes 10.0.0.1 10.0.0.2 icmp 8 20
}

test_ipv6_echoes_are_counted_by_identifier() {
	counts_echoes fd00::1 fd00::2 icmpv6 128 40
}
