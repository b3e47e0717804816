# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Translation on a router: the tuple as each side sees it, the counters of the
# router, and the processes at both ends all the same.

# translated KIND OPTION...: two flows through the router; what is seen of them
translated() {
	listen_at ''
	weir_start
	traffic_open tcp --client-netns a --server-netns b --count 2 --send 5000 --reply 9000 "$@"
	step
	entries ''
	wait_for live_is_same
	step_close
	flush ''
	wait_for has_lines 2 "$T/destroy."
	wait_for check count 2 'r.event == "end" and r.netns == ns("")'
	check same "$T/destroy." 'r.event == "end"'
	check every 'r.event == "end"' "r.client_pid == $(counted client_pid) and
		r.server_pid == $(counted server_pid)"
	check lives ended
	check stats
}

live_is_same() {
	weir list -a -o json >"$T/list"
	check -f "$T/list" same "$T/entries." 'r.client_pid and r.server_pid'
}

test_a_masqueraded_connection_shows_both_tuples() {
	router
	nat 'counter' 'oifname "rb" masquerade'
	translated --to 10.0.2.1 --source-port 4001
	check every 'r.event == "end"' 'r.src_ip == "10.0.1.1" and r.src_port in (4001, 4002) and
		r.dst_ip == "10.0.2.1" and r.nat_src_ip == "10.0.2.254" and r.nat_dst_ip is None
		and "snat" in r.status'
}

test_snat_shows_address_and_port() {
	router
	nat 'counter' 'oifname "rb" meta l4proto tcp snat ip to 10.0.2.77:7000-7001'
	ip address add 10.0.2.77/24 dev rb
	translated --to 10.0.2.1 --source-port 4001
	check every 'r.event == "end"' 'r.src_ip == "10.0.1.1" and r.nat_src_ip == "10.0.2.77" and
		r.nat_src_port in (7000, 7001)'
	check distinct 2 'True' 'r.nat_src_port'
}

test_dnat_shows_where_it_went() {
	router
	nat 'iifname "ra" tcp dport 8080 dnat ip to 10.0.2.1:80' 'counter'
	translated --to 10.0.1.254 --port 8080 --listen 10.0.2.1 --listen-port 80
	check every 'r.event == "end"' 'r.src_ip == "10.0.1.1" and r.dst_ip == "10.0.1.254" and
		r.dst_port == 8080 and r.nat_dst_ip == "10.0.2.1" and r.nat_dst_port == 80 and
		r.nat_src_ip is None and "dnat" in r.status'
}

test_ipv6_masquerade_and_dnat_together() {
	router
	nat 'iifname "ra" tcp dport 8080 dnat ip6 to [fd00:2::1]:80' 'oifname "rb" masquerade'
	translated --to fd00:1::fe --port 8080 --listen fd00:2::1 --listen-port 80
	check every 'r.event == "end"' 'r.src_ip == "fd00:1::1" and r.dst_ip == "fd00:1::fe" and
		r.nat_src_ip == "fd00:2::fe" and r.nat_dst_ip == "fd00:2::1" and
		r.nat_dst_port == 80'
}

# Seen from the router alone the two ends are strangers.
test_a_forwarded_connection_has_no_process() {
	router
	nat 'counter' 'oifname "rb" masquerade'
	WEIR_CONNTRACK__NETNS=host weir_start
	traffic_open tcp --client-netns a --server-netns b --to 10.0.2.1 --send 5000 --reply 9000
	step
	wait_for check at_least 1 'r.bytes_reply and r.bytes_reply > 9000'
	step
	wait_for check at_least 1 'r.bytes_reply and r.bytes_reply > 18000'
	check every 'True' 'r.direction == "forward" and r.nat_src_ip == "10.0.2.254"'
	check count 0 'r.client_pid or r.server_pid or r.client_uid or r.server_uid or r.tcp_state'
	step_close
}

# Where the client lives accounting is off: its entry is its home's, and counts nothing.
test_of_two_entries_the_one_that_counts_is_in_the_sums() {
	router
	track a
	sysctl -qw net.netfilter.nf_conntrack_acct=1
	at a sysctl -qw net.netfilter.nf_conntrack_acct=0
	WEIR_CONNTRACK__MANAGE_SYSCTL=false weir_start
	traffic udp --client-netns a --server-netns b --to 10.0.2.1 --count 5 --packets 3 \
		--send 72 --reply 72
	wait_for counts_five_once
	# a look at each has told which, whenever that was
	flush '' a
	wait_for check count 10 'r.event == "end"'
	check every 'r.event == "end"' '(r.primary is True and r.bytes_orig == 300)
		if r.netns == ns("") else (r.primary is False and r.bytes_orig is None)'
	check lives ended
	weir_stop
}

counts_five_once() {
	weir list -a -o json 'port 5001 and not primary = false' >"$T/list"
	check -f "$T/list" count 5 'r.bytes_orig == 300' && check -f "$T/list" count 5 'True'
}
