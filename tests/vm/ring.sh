# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Ends that find no room: in a ring of one page, which holds twenty of them, before a
# weir that gets no processor while thousands end. What the map takes is exact; what
# finds none there either is counted, and found missing by the walk. The size of the
# table is the whole machine's, hence in guests alone.

# entries_at_most N: also what the map of a weir that starts then is made for
entries_at_most() {
	nsenter --net=/proc/self/fd/"$FIRST_NETNS_FD" sysctl -qw "net.netfilter.nf_conntrack_max=$1"
}

# told N FLOWS: of that many flows of one packet each at least N are told by their end
told() {
	check count "$2" 'r.event == "end"'
	check distinct "$2" 'r.event == "end"' 'r.flow_id'
	check every 'r.event == "end"' '(r.bytes_orig, r.packets_orig) == (100, 1)'
	check at_least "$1" 'r.event == "end" and r.exact is None'
	check count $(($2 - $(exact_ends))) \
		'r.event == "end" and r.exact == False and r.inexact_reason == "lost"'
	check lives ended
}

exact_ends() {
	grep '"event":"end"' "$T/records" | grep -vc '"exact":false'
}

lost_by_now() {
	weir stats -o json | grep -o '"name":"ct_life"[^}]*' | sed 's/.*"lost":\([0-9]*\).*/\1/'
}

# end_at_once RUNG FLOWS [MAP]: by a weir that has one page for them, and a map that is
# as large as the table then could be
end_at_once() {
	local before
	needs_rung end "$1"
	pair
	live_long
	entries_at_most "${3:-262144}"
	WEIR_CONNTRACK__RING=4k WEIR_REPORT='[{"age":"0s","every":"10m"}]' \
		weir_start --source "bpf_walk,$1"
	entries_at_most 262144
	traffic udp --client-netns a --server-netns b --source 10.0.0.1 --source-port 10000 \
		--to 10.0.0.2 --count "$2" --send 72 --reply 0
	wait_for check stats "s['table']['live'] == $2"
	before=$(lost_by_now)
	# shellcheck disable=SC2154
	kill -STOP "$weir_pid"
	flush a
	kill -CONT "$weir_pid"
	wait_for check stats 's["table"]["live"] == 0' 's["identity"]["holds"]' \
		's["byte_identity"]["holds"]' "s['identity']['exported'] == $2"
	lost=$(($(lost_by_now) - before))
	weir_stop
}

test_ends_past_a_full_ring_of_trampolines_are_exact() {
	end_at_once bpf_fentry 20000
	is "$lost" -eq 0
	told 20000 20000
}

test_ends_past_a_full_ring_of_kprobes_are_exact() {
	end_at_once bpf_kprobe 8000
	is "$lost" -eq 0
	told 8000 8000
}

# Its size is counted by each processor for itself: it is full a few sooner or later.
test_ends_past_a_full_map_of_trampolines_are_counted_and_inexact() {
	end_at_once bpf_fentry 20000 5000
	told 4500 20000
	is "$lost" -ge 14000
	is "$lost" -eq $((20000 - $(exact_ends)))
}

test_ends_past_a_full_map_of_kprobes_are_counted_and_inexact() {
	end_at_once bpf_kprobe 20000
	told 8192 20000
	is "$lost" -ge 11000
	is "$lost" -eq $((20000 - $(exact_ends)))
}
