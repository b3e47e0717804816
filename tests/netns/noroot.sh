# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Without privilege: what works does, with one warning; what does not says in one
# sentence why, and ends with 3.

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
}

test_list_shows_own_sockets_with_one_warning() {
	printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups \\\n\
		--inh-caps=-all %s "$@"\n' "$TRAFFIC" >/run/nobody
	chmod 755 /run/nobody
	TRAFFIC=/run/nobody traffic_open tcp --to 127.0.0.1 --port 4444 --count 2 --send 9 --reply 9
	step
	as_nobody "$WEIR" list -a -o json 'port 4444' >"$T/list" 2>"$T/err"
	is "$(wc -l <"$T/err")" -eq 1
	grep -q '^weir: warning: ' "$T/err"
	check -f "$T/list" count 2 'r.counted_by == "socket" and r.dst_port == 4444'
	check -f "$T/list" every 'True' "r.client_pid == $(counted client_pid) and
		r.server_pid == $(counted server_pid) and r.client_uid == 65534"
	step_close
}

refused() {
	status_is 3 as_nobody "$WEIR" "$@" >"$T/out" 2>"$T/err"
	is "$(wc -l <"$T/err")" -eq 1
	is "$(wc -c <"$T/out")" -eq 0
	grep -q root "$T/err"
}

test_trace_stats_and_run_say_what_they_need() {
	refused trace
	refused stats
	refused run
}

test_the_namespace_of_a_process_that_is_not_ones_own_is_not_guessed() {
	refused list -N 1
	as_nobody "$WEIR" list -a -N "$(stat -L -c %i /proc/self/ns/net)" >"$T/list" 2>"$T/err"
	is "$(grep -c '^weir: warning: ' "$T/err")" -eq 1
}

test_the_socket_of_the_daemon_is_not_open_to_everybody() {
	weir_start
	is "$(stat -c %a /run/weir/weir.sock)" = 660
	status_is 3 as_nobody "$WEIR" stats >"$T/out" 2>"$T/err"
	grep -q "daemon's socket is not open to you.*: use sudo" "$T/err"
	# one runs already
	fails grep -q 'weir run' "$T/err"
	weir_stop
}

test_members_of_the_group_may_ask_the_daemon() {
	rm -rf /run/weir
	{ grep -v '^weir:' /etc/group && echo 'weir:x:4242:'; } >"$T/group"
	mount --bind "$T/group" /etc/group
	weir_start
	is "$(stat -c '%a %g' /run/weir)" = '750 4242'
	setpriv --reuid=65534 --regid=65534 --groups=4242 --inh-caps=-all \
		"$WEIR" stats >"$T/out"
	grep -q '^flows' "$T/out"
	status_is 3 as_nobody "$WEIR" stats 2>"$T/err"
	grep -q 'join the group weir' "$T/err"
	fails grep -q 'weir run' "$T/err"
	weir_stop
}

test_doctor_and_help_need_nobody() {
	as_nobody "$WEIR" doctor -o json >"$T/doctor"
	grep -q '"feature":"owner"' "$T/doctor"
	as_nobody "$WEIR" help >"$T/help"
	as_nobody "$WEIR" version >"$T/version"
}
