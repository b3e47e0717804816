# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The table is given another size under the walk; that is the whole machine's, hence
# in guests alone.

test_a_table_of_another_size_is_found_again() {
	local before
	pair # which loads conntrack, where nothing has yet
	live_long
	before=$(sysctl -n net.netfilter.nf_conntrack_buckets)
	weir_start
	traffic udp --client-netns a --server-netns b --source 10.0.0.1 --source-port 3001 \
		--to 10.0.0.2 --count 200 --packets 2 --send 100 --reply 100
	wait_for check stats 's["table"]["live"] == 200'
	for size in $((before * 2)) $((before / 2)) "$before"; do
		of_the_machine "net.netfilter.nf_conntrack_buckets=$size"
		is "$(sysctl -n net.netfilter.nf_conntrack_buckets)" -ge "$((size / 2))"
		traffic udp --client-netns a --server-netns b --source 10.0.0.1 \
			--source-port 3001 --to 10.0.0.2 --count 200 --packets 1 --send 100 \
			--reply 100
	done
	entries a
	wait_for check distinct 200 'r.packets_orig == 5 and r.packets_reply == 5' 'r.flow_id'
	weir_stop
	# nothing was taken for vanished while the old table read as empty
	check count 0 'r.exact == False'
	check count 200 'r.event == "end" and r.end_reason == "shutdown"'
	check same "$T/entries.a" 'r.event == "end"'
}
