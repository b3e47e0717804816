# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A table that is too small: what comes past it is counted, not shown, and what
# is in it stays.

test_flows_past_the_limit_are_counted_and_live_ones_stay() {
	pair
	listen_at a
	WEIR_TABLE__MAX_FLOWS=50 weir_start
	traffic udp --client-netns a --server-netns b --source-port 3001 --to 10.0.0.2 \
		--count 120 --packets 1 --send 300 --reply 700
	wait_for check stats 's["table"]["live"] == 50' 's["table"]["refused_observations"] >= 70'
	flush a
	wait_for has_lines 120 "$T/destroy.a"
	# a refused flow that ends once there is room again is exported after all
	wait_for check stats 's["identity"]["seen"] == 120' 's["identity"]["live"] == 0' \
		's["identity"]["exported"] >= 50' ''
	exported=$(wc -l < <(grep '"event":"end"' "$T/records"))
	check stats "s['identity']['exported'] == $exported" \
		"s['identity']['lost']['table_full'] == 120 - $exported"
	check lives ended
	overflow_holds_the_rest
	weir_stop
}

# What conntrack destroyed is what the ends told and what the overflow holds.
overflow_holds_the_rest() {
	local field side sum
	for field in bytes packets; do
		for side in 1:orig 2:reply; do
			sum=$(kernel_sum "$field" "${side%:*}")
			check stats "s['table']['overflow']['udp']['${field}_${side#*:}'] == \
				$sum - $(ends_sum "${field}_${side#*:}")"
		done
	done
}

# kernel_sum FIELD N: of the N-th "FIELD=" of each destroyed entry
kernel_sum() {
	grep -oE "( |^)$1=[0-9]+" "$T/destroy.a" | grep -oE '[0-9]+' |
		awk -v side="$2" 'NR % 2 == side % 2 { sum += $1 } END { print sum }'
}

ends_sum() {
	grep '"event":"end"' "$T/records" | grep -oE "\"$1\":[0-9]+" | grep -oE '[0-9]+$' |
		awk '{ sum += $1 } END { print sum }'
}
