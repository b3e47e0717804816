# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A software flowtable: packets that pass by conntrack, and by its counters unless it
# is told to count. Machines without one skip this, so it runs in guests.

# forwards COUNTER: a router whose flowtable takes over what is established
forwards() {
	router
	nft "table inet f {
		flowtable t { hook ingress priority 0; devices = { ra, rb }; $1 }
		chain f { type filter hook forward priority 0; ct state established flow add @t; }
	}" 2>"$T/nft.log" || skip "this kernel has no flowtable: $(head -n 1 "$T/nft.log")"
	weir_start
	traffic_open tcp --client-netns a --server-netns b --source 10.0.1.1 --to 10.0.2.1 \
		--send 20000 --reply 30000
	for _ in 1 2 3 4; do
		step
	done
	PATIENCE_S=40 wait_for check at_least 1 'r.netns == ns("") and "offload" in r.status' ||
		skip 'the flowtable of this kernel takes nothing over'
}

test_what_passes_by_conntrack_is_said_to_be_offloaded() {
	forwards ''
	# less than was sent, and it says so
	check every 'r.netns == ns("") and "offload" in r.status' \
		'r.exact == False and r.inexact_reason == "offloaded"'
	step_close
}

test_a_flowtable_that_counts_keeps_the_counters_of_conntrack() {
	forwards 'counter;'
	wait_for check at_least 1 'r.netns == ns("") and r.bytes_reply and r.bytes_reply > 120000'
	step_close
}
