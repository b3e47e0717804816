# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A running collector that gets no more descriptors: what it cannot do now it says,
# and does as soon as there are some again. It does not try all the time.

# Of all that happens in a test; trying all the time is a million in a second.
WAKEUPS=2000

# leave N: N more descriptors, and not one above them
# shellcheck disable=SC2154
leave() {
	local fd=0 free=0
	while [ "$free" -le "$1" ]; do
		[ -L "/proc/$weir_pid/fd/$fd" ] || free=$((free + 1))
		fd=$((fd + 1))
	done
	prlimit --pid "$weir_pid" "--nofile=$((fd - 1)):"
}

leave_all() {
	prlimit --pid "$weir_pid" --nofile=1024:
}

# The one client needs its descriptor before they run out.
# shellcheck disable=SC2154
ask_open() {
	rm -f "$T/questions" "$T/answers"
	mkfifo "$T/questions" "$T/answers"
	"$PYTHON" -S -E "$folder/asking.py" <"$T/questions" >"$T/answers" 2>"$T/asking.log" &
	exec {questions}>"$T/questions" {answers}<"$T/answers"
	ask True
}

# ask EXPRESSION over the stats: true there
ask() {
	local answer=nothing
	echo "$1" >&"$questions"
	read -r -t "$PATIENCE_S" answer <&"$answers" || true
	is "$answer" = True
}

ask_close() {
	exec {questions}>&- {answers}<&-
}

inode() {
	stat -Lc %i "/run/netns/$1"
}

said_once() {
	is "$(grep -c "$1" "$T/weir.log")" -eq 1
}

# Conntrack's count, the sockets' and, from the addresses, the direction.
is_seen_by_all() {
	traffic_open tcp --client-netns "$1" --server-netns "$1" --to 127.0.0.1 --count 5 \
		--send 100 --reply 100
	step
	wait_for check distinct 5 "r.netns == ns('$1') and (r.bytes_orig or 0) > 100 and
		r.tcp_payload_orig == 100 and r.direction == 'local'" 'r.flow_id'
	step_close
	flush "$1"
	wait_for check count 5 'r.event == "end"'
	check lives ended
}

# One for the addresses, three for conntrack, two for the sockets: with fewer some
# are in and some are not, and none twice afterwards.
test_a_namespace_without_descriptors_is_entered_later() {
	local n late
	for ((n = 0; n < 6; n++)); do
		late=late$n
		weir_start
		ask_open
		leave "$n"
		netns "$late"
		track "$late"
		# without any the mount table is not read, and it is found by this alone
		inside "$late" tail -f /dev/null &
		wait_for ask 's["self"]["unwatched_namespaces"] >= 1'
		ask '"not watched" in s["notice"] and "Too many open" in s["notice"]'
		wait_for grep 'namespaces are not watched.*Too many open' "$T/weir.log"
		leave_all
		wait_for ask 's["self"]["unwatched_namespaces"] == 0'
		ask '"not watched" not in s.get("notice", "")'
		said_once "namespace $(inode "$late") is not watched yet.*Too many open"
		said_once "namespace $(inode "$late") is watched now"
		is_seen_by_all "$late"
		ask_close
		weir_stop
		check_logs
	done
}

has_told_clients() {
	said_once 'the API takes no more clients for now: Too many open files'
}

# turned_away REASON: as every command says it
turned_away() {
	status_is 1 weir stats >"$T/answer" 2>&1
	is "$(cat "$T/answer")" = "weir: no more clients for now: $1"
}

test_a_client_without_a_descriptor_is_told_so() {
	local others i
	for others in none one; do
		weir_start
		[ "$others" = none ] || ask_open
		leave 0
		for ((i = 0; i < 20; i++)); do
			turned_away 'Too many open files'
		done
		[ "$others" = none ] || ask True
		leave_all
		check stats "s['self']['wakeups'] < $WAKEUPS"
		has_told_clients
		[ "$others" = none ] || ask_close
		weir_stop
	done
}

test_clients_that_cannot_even_be_told_wait_until_they_can() {
	local client
	weir_start
	# below all that is open, so that what is closed is not to be had again
	prlimit --pid "$weir_pid" --nofile=3:
	weir stats -o json >"$T/stats" &
	client=$!
	wait_for has_told_clients
	leave_all
	wait "$client"
	check stats "s['self']['wakeups'] < $WAKEUPS"
	weir_stop
}

# crowd N: so many clients that ask for nothing, until they are sent away
crowd() {
	[ -p "$T/go" ] || mkfifo "$T/go"
	exec {go}<>"$T/go"
	"$PYTHON" -S -E -c "import socket
clients = [socket.socket(socket.AF_UNIX) for i in range($1)]
for client in clients:
    client.connect('/run/weir/weir.sock')
print('all', flush=True)
input()" <"$T/go" >"$T/crowd" &
	wait_for grep -q all "$T/crowd"
}

test_one_client_too_many_is_told_so() {
	weir_start
	crowd 64
	turned_away 'too many are connected'
	echo >&"$go"
	wait_for check stats "s['self']['wakeups'] < $WAKEUPS"
	weir_stop
}

# shellcheck disable=SC2154
test_owners_that_cannot_be_looked_for_are_found_later() {
	pair
	weir_start --source sock_diag
	ask_open
	leave 0
	traffic_open tcp --client-netns a --server-netns b --to 10.0.0.2 --count 5 --send 100
	step
	# three tries: after two without a result a socket would be nobody's
	wait_for ask 'next(i["refused"] for i in s["sources"] if i["name"] == "sock_diag") >= 3'
	wait_for said_once 'sock_diag: owners of sockets are looked for later'
	wait_for said_once 'what conntrack does is not known now: .*Too many open files'
	check count 0 'r.client_pid'
	leave_all
	wait_for ask '"not known" not in s.get("notice", "")'
	step
	wait_for check distinct 5 "r.client_pid == $traffic_pid and r.server_pid and
		r.client_comm == 'traffic'" 'r.flow_id'
	step_close
	check stats "s['self']['wakeups'] < $WAKEUPS"
	fails grep 'is not loaded' "$T/weir.log"
	ask_close
	weir_stop
}

test_the_soft_limit_does_not_keep_namespaces_unwatched() {
	local i
	for ((i = 0; i < 30; i++)); do
		netns "n$i"
	done
	prlimit --pid "$BASHPID" --nofile=64:
	weir_start
	check stats 's["self"]["network_namespaces"] == 31' 's["self"]["unwatched_namespaces"] == 0'
	fails grep 'not watched' "$T/weir.log"
	weir_stop
}
