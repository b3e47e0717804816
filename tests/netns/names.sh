# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# --resolve: names of hosts by a name server in the sandbox, services and users by its
# files.

# own_etc: a copy of /etc with a resolver, hosts and services of the test's own
own_etc() {
	cp -a /etc "$T/etc"
	rm -f "$T/etc/resolv.conf"
	echo 'nameserver 127.0.0.1' >"$T/etc/resolv.conf"
	echo '10.0.0.1 client.test' >"$T/etc/hosts"
	printf 'web-test 4000/tcp\nother-test 4000/udp\nmore-test 4002/tcp\n' >"$T/etc/services"
	mount --bind "$T/etc" /etc
}

# resolver ADDRESS=NAME...: what it was asked is in $T/asked
resolver() {
	"$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/resolver.py" "$@" >"$T/asked" 2>"$T/resolver.log" &
	wait_for grep -qx ready "$T/asked"
}

was_asked() {
	local n
	n=$(grep -cx -- "$2" "$T/asked" || true)
	is "$n" -eq "$1"
}

open_one() {
	pair
	own_etc
	at a sysctl -qw net.netfilter.nf_conntrack_acct=1
	traffic_open tcp --client-netns a --server-netns b --to "$1" --port 4000 --count 1 \
		--send 100 --reply 100
	step
}

# lists OPTION...: the one line of it in $T/line
lists() {
	weir list -a -N a "$@" 'tcp and port 4000' >"$T/list"
	grep -v ^PROTO "$T/list" >"$T/line"
	is "$(wc -l <"$T/line")" -eq 1
}

test_list_shows_names_where_there_are_any() {
	resolver 10.0.0.2=server.example
	open_one 10.0.0.2
	lists -r
	grep -qP '\tclient\.test:\d+\tserver\.example:web-test\t' "$T/line"
	head -n 1 "$T/list" | grep -qP '^PROTO\tSTATE\tSOURCE\tDESTINATION\t'
	was_asked 1 2.0.0.10.in-addr.arpa
	was_asked 0 1.0.0.10.in-addr.arpa
	# the protocol that ports are of need not be shown
	lists -rH --columns dst,client_uid,dst_port,src_ip,dst_ip
	is "$(cat "$T/line")" = \
		"$(printf 'server.example:web-test\troot\tweb-test\tclient.test\tserver.example')"
	lists -n
	grep -qP '\t10\.0\.0\.1:\d+\t10\.0\.0\.2:4000\t' "$T/line"
	lists -rn
	grep -qF '10.0.0.2:4000' "$T/line"
	was_asked 2 2.0.0.10.in-addr.arpa
	status_is 2 "$WEIR" list -r -o json 2>"$T/err"
	is "$(cat "$T/err")" = 'weir: --resolve: -o json has numbers only'
	step_close
}

test_an_ipv6_address_without_a_name_keeps_its_brackets() {
	resolver
	open_one fd00::2
	lists -r
	grep -qP '\t\[fd00::1\]:\d+\t\[fd00::2\]:web-test\t' "$T/line"
	is "$(grep -c ip6.arpa "$T/asked")" -eq 2
	step_close
}

test_list_does_not_wait_for_a_server_that_is_silent() {
	local began
	resolver 10.0.0.2=
	open_one 10.0.0.2
	began=$SECONDS
	lists -r
	is "$((SECONDS - began))" -lt 30
	grep -qP '\tclient\.test:\d+\t10\.0\.0\.2:web-test\t' "$T/line"
	step_close
}

names_were_shown() {
	is "$(grep -cP '\tclient\.test:\d+\tserver\.example:web-test\t' "$T/list")" -ge "$1"
}

test_a_watched_list_has_names_and_asks_for_each_once() {
	resolver 10.0.0.2=server.example
	open_one 10.0.0.2
	"$WEIR" list -ar -N a --watch 200ms 'tcp and port 4000' >"$T/list" 2>"$T/list.log" &
	list_pid=$!
	wait_for names_were_shown 5
	kill -INT "$list_pid"
	wait "$list_pid"
	fails grep -qF 10.0.0.2:4000 "$T/list"
	was_asked 1 2.0.0.10.in-addr.arpa
	step_close
}

# --- trace ------------------------------------------------------------------------

# trace_both: one with numbers and one with names, once both have begun
trace_both() {
	"$WEIR" trace -a tcp >"$T/numbers" 2>"$T/numbers.log" &
	numbers_pid=$!
	"$WEIR" trace -ar tcp >"$T/names" 2>"$T/names.log" &
	names_pid=$!
	wait_for both_have_begun
}

both_have_begun() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4001 --send 9 --reply 9
	grep -q :4001 "$T/numbers" && grep -q :4001 "$T/names"
}

connects() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4002 --count 40 \
		--send 9 --reply 9
	# connect, accept, close of both sides
	wait_for numbers_have 160
}

numbers_have() {
	is "$(grep -cE ' (connect|accept|close) .*:4002' "$T/numbers")" -ge "$1"
}

# same SED-EXPRESSION...: names are the numbers so changed, line by line. What came last
# may have come to one of them only.
same() {
	kill -INT "$names_pid"
	wait "$names_pid"
	kill -INT "$numbers_pid"
	wait "$numbers_pid"
	grep -E ' (connect|accept|close) .*:4002' "$T/numbers" | head -n 160 |
		sed -E "$@" >"$T/wanted"
	grep -E ' (connect|accept|close) .*:(4002|more-test)' "$T/names" | head -n 160 >"$T/got"
	diff "$T/wanted" "$T/got"
}

test_trace_has_names_and_all_lines_in_their_order() {
	resolver 10.0.0.2=server.example
	pair
	own_etc
	weir_start
	trace_both
	# until the name is known
	wait_for name_is_traced
	connects
	same -e 's/10\.0\.0\.2:/server.example:/' -e 's/10\.0\.0\.1:/client.test:/' \
		-e 's/(server\.example):4002/\1:more-test/'
	was_asked 1 2.0.0.10.in-addr.arpa
	weir_stop
}

name_is_traced() {
	both_have_begun
	grep -q server.example:4001 "$T/names"
}

test_trace_loses_no_line_to_a_server_that_is_silent() {
	resolver 10.0.0.2=
	pair
	own_etc
	weir_start
	trace_both
	connects
	wait_for has_lines "$(wc -l <"$T/numbers")" "$T/names"
	same -e 's/10\.0\.0\.1:/client.test:/' -e 's/(10\.0\.0\.2):4002/\1:more-test/'
	weir_stop
}

# Held lines come out when it is ended.
test_an_interrupted_trace_writes_what_it_holds() {
	resolver 10.0.0.2=
	pair
	own_etc
	weir_start
	"$WEIR" trace -ar 'tcp and src port 3001' >"$T/names" 2>"$T/names.log" &
	names_pid=$!
	"$WEIR" trace -a 'tcp and src port 3001' >"$T/numbers" 2>"$T/numbers.log" &
	numbers_pid=$!
	wait_for asked_for_it
	kill -INT "$names_pid"
	wait "$names_pid"
	grep -q ' 10\.0\.0\.2:' "$T/names"
	kill -INT "$numbers_pid"
	wait "$numbers_pid"
	weir_stop
}

# A connection, until the trace has begun: then its line is held, and the name asked for.
asked_for_it() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4001 --source-port 3001 \
		--send 9 --reply 9
	grep -q 2.0.0.10 "$T/asked"
}

test_a_trace_that_nobody_reads_ends() {
	resolver 10.0.0.2=server.example
	pair
	own_etc
	weir_start
	{ "$WEIR" trace -ar 'dst port 4001' 2>"$T/names.log"; echo $? >"$T/status"; } | head -n 1 &
	wait_for ended
	is "$(cat "$T/status")" -eq 0
	is "$(wc -c <"$T/names.log")" -eq 0
	weir_stop
}

ended() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4001 --send 9 --reply 9
	test -s "$T/status"
}

# Its pipe is full, and it holds lines.
test_a_trace_whose_reader_is_stuck_can_be_interrupted() {
	local stuck
	resolver 10.0.0.2=server.example
	pair
	own_etc
	mkfifo "$T/stuck"
	exec {stuck}<>"$T/stuck"
	weir_start
	"$WEIR" trace -ar tcp >"$T/stuck" 2>"$T/names.log" &
	names_pid=$!
	"$WEIR" trace -a tcp >"$T/numbers" 2>"$T/numbers.log" &
	numbers_pid=$!
	wait_for asked_for_it
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 4002 --count 300 \
		--send 9 --reply 9
	wait_for numbers_have 1200
	is "$(wc -c <"$T/numbers")" -gt 70000
	kill -INT "$names_pid"
	wait "$names_pid"
	kill -INT "$numbers_pid"
	wait "$numbers_pid"
	exec {stuck}>&-
	weir_stop
}
