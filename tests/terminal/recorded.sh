# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# weir top of recordings: every picture is compared with that in docs/terminal.

# shellcheck source=tests/terminal/tmux.sh
. "${BASH_SOURCE[0]%/*}/tmux.sh"

test_flows_fit_eighty_columns_and_two_hundred() {
	top 80x24 40
	frame flows
	keys Down Down
	wait_for shows '3/40'
	end_top
	top 200x50 40
	frame flows-wide
	end_top
}

test_flows_are_added_up_by_what_they_have_in_common() {
	top 80x24 40
	keys 2
	frame processes
	keys 4
	wait_for shows '^REMOTE HOST'
	keys 5
	frame ports
	keys g
	wait_for shows '^NAMESPACE'
	keys 7
	wait_for shows '^PROTOCOL'
	keys 8
	wait_for shows '^USER'
	keys 3
	wait_for shows '^CONTAINER'
	wait_for shows '^3f2a3f2a'
	end_top
}

# Enter goes into a group, Escape back to where one was.
test_a_group_opens_into_its_flows_and_closes_again() {
	top 80x24 40
	keys 2
	wait_for shows '^curl '
	keys /
	wait_for shows '^ filter:'
	keys 'c' 'o' 'm' 'm' ' ' 'c' 'u' 'r' 'l' Enter
	wait_for shows 'filter: comm curl'
	wait_for shows 'processes 1/1 '
	keys Enter
	wait_for shows 'filter: \(comm curl\) and \(comm = "curl"\)'
	wait_for shows '^192.0.2.10:.*curl/4711'
	keys Escape
	wait_for shows '^PROCESS'
	wait_for shows 'filter: comm curl$'
	end_top
}

test_all_of_one_flow_is_shown() {
	top 80x24 40
	wait_for shows '1/40'
	keys Enter
	frame detail
	keys Escape
	wait_for shows '1/40'
	end_top
}

test_a_mistake_in_a_filter_is_pointed_at() {
	top 80x24 40
	wait_for shows '1/40'
	keys / 't' 'c' 'p' ' ' 'a' 'n' 'd' ' ' 'p' 'r' 'o' 't' ' ' '4' '4' '3' Enter
	frame filter-error
	# it is mended where it is, and then in force
	keys Left Left Left Left BSpace BSpace BSpace
	wait_for shows 'tcp and p 443'
	keys o r t
	wait_for shows_not '\^ '
	keys Enter
	wait_for shows 'filter: tcp and port 443'
	wait_for shows 'flows 1/[0-9]+ '
	# a mistake that is given up leaves the filter as it was
	keys / x y z Enter
	wait_for shows '\^ '
	keys Escape
	wait_for shows 'filter: tcp and port 443$'
	end_top
}

test_keys_are_explained() {
	top 80x24 40
	keys '?'
	frame help
	keys x
	wait_for shows 'DESTINATION'
	end_top
}

test_rows_are_sorted_by_each_column_both_ways() {
	local order
	top 160x50 40
	wait_for shows 'LAST MINUTE-'
	for order in 'PROCESS\+' 'PROTO\+' 'STATE\+' 'SOURCE\+' 'DESTINATION\+' 'OUT/s-' \
		'IN/s-' 'SENT-' 'RECV-' 'RTT-' 'RETR%-' 'AGE-' 'LAST MINUTE-'; do
		keys s
		wait_for shows "$order"
	done
	keys r
	wait_for shows 'LAST MINUTE\+'
	end_top
}

test_without_utf8_and_without_colour_it_is_plain_ascii() {
	LOCALE=C NO_COLOR_IS=1 top 80x24 40
	wait_for shows '1/40'
	keys Enter
	frame ascii
	is "$(mux capture-pane -p | LC_ALL=C grep -c '[^ -~]' || true)" = 0
	is "$(mux capture-pane -pe | grep -cE $'\e\\[[0-9;]*3[0-7]m' || true)" = 0
	end_top
	top 80x24 40
	wait_for shows '1/40'
	mux capture-pane -pe >"$T/coloured"
	grep -qE $'\e\\[[0-9;]*3[0-7]m' "$T/coloured"
	end_top
}

# An interval and a count as vmstat has them; any duration.
test_it_ends_after_so_many_answers() {
	top 80x24 40 0.2 3
	wait_for ended
	is "$(cat "$T/status")" = 0
	mux kill-server
	top 80x24 40 30d
	wait_for shows 'every 2592000 s'
	wait_for shows '1/40'
	keys +
	wait_for shows 'not less often than this'
	keys -
	wait_for shows 'every 60 s'
	keys - - - - - - - - -
	wait_for shows 'not more often than this'
	end_top
	# the next step from what is none
	top 80x24 40 7
	keys +
	wait_for shows 'every 10 s'
	end_top
}

# Frozen is frozen, whatever else is changed.
test_frozen_it_stands_still() {
	top 80x24 40 0.2
	wait_for shows '1/40'
	keys Space
	wait_for shows ' frozen'
	keys - b Down
	wait_for shows '2/40  frozen'
	keys Space
	wait_for shows 'every 100 ms'
	# but what has been asked for is still shown
	keys 1 s s r Space
	wait_for shows '^PROTO-.*'
	shows ' frozen'
	wait_for shows '^udp '
	keys / p o r t Space 2 2 Enter Space
	wait_for shows 'filter: port 22'
	wait_for shows_not ':443 '
	shows ' frozen'
	keys Enter Space
	wait_for shows '^ began 20'
	shows ' frozen'
	end_top
}

test_blanks_are_no_filter_and_a_long_one_is_taken_whole() {
	local long='port 1' i
	top 80x24 40 "' , '"
	wait_for shows '1/40'
	keys / Space , Enter
	wait_for shows_not '^ filter:'
	wait_for shows '1/40'
	end_top
	for i in $(seq 2 200); do long+=" or port $i"; done
	top 80x24 40 "'$long or port 443'"
	wait_for shows '^ filter: port 1 or port 2 .*…$'
	wait_for shows 'flows [0-9]+ of 40  all: '
	wait_for shows ':443 '
	end_top
	status_is 2 script -qec "'$WEIR' top '$long$(printf '%2500s' '')or port 443'" /dev/null \
		>"$T/said"
	cat "$T/said"
	grep -q 'a filter of more than 4095 bytes: weir list takes longer ones' "$T/said"
}

# tmux tells of a new size in its own time
is_sized() {
	is "$(stty size -F "$(mux display -p '#{pane_tty}')")" = "$1"
}

test_rows_end_at_a_thousand_and_it_says_so() {
	top 120x40 3000
	wait_for shows '1/3000'
	keys End
	wait_for shows 'flows 1000/3000 \(no more are shown\)'
	keys Up
	wait_for shows 'flows 999/3000  every'
	# no room is left below while rows are hidden above
	mux resize-window -x 120 -y 100
	wait_for shows 'flows 999/3000'
	is "$(grep -cE '^(tcp|udp|icmp) ' "$T/picture")" -ge 90
	mux resize-window -x 120 -y 40
	wait_for is_sized '40 120'
	end_top
}

test_what_enter_cannot_do_is_said() {
	local i
	top 120x40 40
	for i in $(seq 8); do
		keys 7
		wait_for shows '^tcp '
		keys Enter
		wait_for shows 'DESTINATION'
	done
	keys 7
	wait_for shows '^tcp '
	keys Enter
	wait_for shows 'no deeper than this: Esc goes back'
	keys Escape
	wait_for shows_not 'no deeper'
	end_top
}

# Below the help, too; the sums of all go on.
test_detail_is_of_its_flow_and_ends_where_its_lines_end() {
	local sums
	top 80x24 40 0.1
	wait_for shows '1/40'
	sums=$(grep -oE '^ out/s.*flows 40' "$T/picture")
	keys Down Enter
	wait_for shows '^ address'
	keys '?'
	wait_for shows 'arrows j k'
	is_still
	keys x
	wait_for shows '^ address'
	shows_not 'it has ended'
	is "$(grep -oE '^ out/s.*flows 40' "$T/picture")" = "$sums"
	keys NPage NPage NPage
	wait_for shows 'nothing has been told of it'
	keys Up
	wait_for shows_not 'nothing has been told of it'
	keys Home
	wait_for shows '^ +initiator'
	keys Escape
	wait_for shows ' 2/40 '
	end_top
}

test_a_hundred_thousand_flows_are_ten_times_a_second_no_burden() {
	recording 100000
	top 120x40 100000 0.1
	wait_for shows 'flows 100000'
	wait_for shows 'every 100 ms'
	keys 4
	wait_for shows '^REMOTE HOST'
	keys End
	wait_for shows 'hosts [0-9]+/[0-9]{5} '
	keys 1
	wait_for shows '1/100000'
	keys Down Down Enter
	wait_for shows 'initiator'
	keys Escape / 'p' 'o' 'r' 't' ' ' '2' '2' Enter
	wait_for shows 'flows [0-9]{4,5} of 100000'
	end_top
}

# Whatever sizes a terminal has on the way, it shows the same again in the end.
test_it_stands_a_storm_of_resizes() {
	local i
	top 80x24 40
	frame flows
	for i in $(seq 120); do
		mux resize-window -x $((RANDOM % 250 + 1)) -y $((RANDOM % 80 + 1))
		[ $((i % 10)) -gt 0 ] || keys $((i / 10 % 8 + 1)) Down '?' x Enter Escape
	done
	mux resize-window -x 1 -y 1
	mux resize-window -x 80 -y 24
	keys Escape Escape Escape 1 r r Home
	wait_for shows '1/40'
	end_top
}
