# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests are made of: namespaces, traffic, weir, the kernel's own account
# (conntrack), and waiting for conditions. A command that fails fails the test.
# Everything lives in the sandbox and dies with it.

# Seconds until a condition that does not come true is a failure.
PATIENCE_S=${PATIENCE_S:-60}
# Each look at a counter that moved is a record.
EVERY_LOOK='[{"age":"0s","every":"0s"}]'
weir_pid=''

# What weir recorded is whole once it has stopped.
keep() {
	[ -n "${KEEP:-}" ] || return 0
	[ -z "$weir_pid" ] || weir_stop || true
	mkdir -p "$KEEP"
	cp -r "$T/." "$KEEP/" 2>/dev/null || true
}

# A weir by trampolines must not die with its pid namespace (docs/kernel.md, 1.5).
end_weir() {
	[ -n "$weir_pid" ] || return 0
	kill -KILL "$weir_pid" 2>/dev/null || true
	wait "$weir_pid" || true
}

failed_at() {
	keep 2>/dev/null
	end_weir 2>/dev/null
	echo "line $1: $2"
	for log in "$T"/*.log; do
		[ ! -s "$log" ] || { echo "--- ${log##*/}" && tail -n 25 "$log"; }
	done
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# Where a test speaks to its reader, also from within wait_for.
exec {reader}>&1

# A pause inside wait_for: nothing ever comes out of this pipe.
exec {never}<> <(:)
pause() {
	read -r -t "${PAUSE_S:-0.05}" -u "$never" _ || true
}

# wait_for COMMAND...: until it succeeds
wait_for() {
	local until=$((SECONDS + PATIENCE_S))
	while ! "$@" >"$T/wait_for" 2>&1; do
		if [ "$SECONDS" -ge "$until" ]; then
			echo "waited $PATIENCE_S s for: $*"
			cat "$T/wait_for"
			return 1
		fi
		pause
	done
}

fails() {
	! "$@"
}

# is A OPERATOR B, as test(1), but says what it got
is() {
	test "$1" "$2" "$3" || { echo "not so: $1 $2 $3" && return 1; }
}

check() {
	"$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/check.py" "$@"
}

# --- the network --------------------------------------------------------------

netns() {
	for name; do
		ip netns add "$name"
		ip -n "$name" link set lo up
	done
}

inside() {
	ip netns exec "$@"
}

# needs_rung FEATURE RUNG: skips the test where that feature does not stand on it
needs_rung() {
	local doctor=$T/doctor.$2
	# a guest is slow, and finds the same again
	[ "${GUEST:-no}" = no ] || doctor=/dev/shm/doctor.$2
	[ -s "$doctor" ] || weir doctor --source "$2" -o json >"$doctor"
	check -f "$doctor" at_least 1 "r.feature == '$1' and r.rung == '$2'" >"$T/rung" ||
		skip "$1 by $2: $(grep -o "\"$1\".*" "$doctor" | sed 's/.*"why":"//; s/".*//')"
}

# link NS1 DEV1 ADDRESSES1 NS2 DEV2 ADDRESSES2: a veth pair; "" is this namespace
link() {
	ip link add "$2" type veth peer name "$5"
	link_end "$1" "$2" "$3"
	link_end "$4" "$5" "$6"
}

link_end() {
	local at=()
	at "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
	if [ -n "$1" ]; then
		ip link set "$2" netns "$1"
		at=(-n "$1")
	fi
	for address in $3; do
		ip "${at[@]}" address add "$address" dev "$2"
	done
	ip "${at[@]}" link set "$2" up
}

# at NS COMMAND...: there, "" is here
at() {
	local where=$1
	shift
	if [ -n "$where" ]; then ip netns exec "$where" "$@"; else "$@"; fi
}

# Rules that mention conntrack: without them a namespace tracks nothing.
track() {
	for name; do
		at "$name" nft 'table inet t {
			chain i { type filter hook input priority 10; ct state invalid counter; }
			chain o { type filter hook output priority 10; ct state invalid counter; }
			chain f { type filter hook forward priority 10; ct state invalid counter; }
		}'
	done
}

# Client namespace a and server namespace b, both address families.
pair() {
	netns a b
	link a va '10.0.0.1/24 fd00::1/64' b vb '10.0.0.2/24 fd00::2/64'
	track a
}

# a - here - b: a router that tracks
router() {
	netns a b
	link a va '10.0.1.1/24 fd00:1::1/64' '' ra '10.0.1.254/24 fd00:1::fe/64'
	link b vb '10.0.2.1/24 fd00:2::1/64' '' rb '10.0.2.254/24 fd00:2::fe/64'
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for side in a:1 b:2; do
		ip -n "${side%:*}" route add default via "10.0.${side#*:}.254"
		ip -n "${side%:*}" route add default via "fd00:${side#*:}::fe"
	done
	track ''
}

# What only the first namespace may change, it changes for the whole machine.
of_the_machine() {
	nsenter --net=/proc/self/fd/"$FIRST_NETNS_FD" sysctl -qw "$@"
}

# room_for N: entries of conntrack; a guest makes some
room_for() {
	local room
	room=$(sysctl -n net.netfilter.nf_conntrack_max)
	[ "$room" -lt "$1" ] || return 0
	[ "${GUEST:-no}" = yes ] || skip "conntrack has room for $room entries, not for $1"
	of_the_machine "net.netfilter.nf_conntrack_buckets=$(($1 / 4))"
	of_the_machine "net.netfilter.nf_conntrack_max=$(($1 * 2))"
}

nat() {
	nft "table inet n {
		chain pre { type nat hook prerouting priority -100; $1; }
		chain post { type nat hook postrouting priority 100; $2; }
	}"
}

# Flows are there until they are flushed, on a slow machine too.
live_long() {
	local name timeout
	for name in a b; do
		for timeout in udp_timeout udp_timeout_stream icmp_timeout icmpv6_timeout \
			tcp_timeout_time_wait; do
			inside "$name" sysctl -qw "net.netfilter.nf_conntrack_$timeout=600"
		done
	done
}

# --- the kernel's account -------------------------------------------------------

# listen_at NS: every DESTROY event there, into $T/destroy.NS
listen_at() {
	at "$1" "$PYTHON" -S -E "${BASH_SOURCE[0]%/*}/destroyed.py" \
		>"$T/destroy.$1" 2>"$T/destroyed.$1.log" &
	wait_for grep -q ready "$T/destroyed.$1.log"
}

has_lines() {
	local n
	n=$(wc -l <"$2")
	is "$n" -ge "$1"
}

# entries NS: conntrack's table there, into $T/entries.NS
entries() {
	at "$1" conntrack -L -o extended,id >"$T/entries.$1" 2>"$T/conntrack.log"
	at "$1" conntrack -L -f ipv6 -o extended,id >>"$T/entries.$1" 2>>"$T/conntrack.log"
}

flush() {
	for name; do
		at "$name" conntrack -F 2>"$T/conntrack.log"
	done
}

# --- traffic ----------------------------------------------------------------------

# traffic KIND OPTION...: until it is done; what it counted: counted KEY
traffic() {
	"$TRAFFIC" "$@" >"$T/traffic" 2>"$T/traffic.log"
}

counted() {
	sed -n "s/^$1=//p" "$T/traffic"
}

# traffic_open KIND OPTION...: connections that stay open; then step, step_close
traffic_open() {
	mkfifo "$T/steps"
	: >"$T/traffic"
	"$TRAFFIC" "$@" --steps <"$T/steps" >"$T/traffic" 2>"$T/traffic.log" &
	traffic_pid=$!
	exec {steps}>"$T/steps"
	steps_done=0
	wait_for grep -q '^open=' "$T/traffic"
}

step() {
	echo >&"$steps"
	steps_done=$((steps_done + 1))
	wait_for grep -q "^step=$steps_done\$" "$T/traffic"
}

step_close() {
	echo end >&"$steps"
	wait "$traffic_pid"
	exec {steps}>&-
	rm "$T/steps"
}

# A host that has no TCP socket is looked at seldom.
hold_a_connection() {
	"$PYTHON" -S -E -c 'import os, socket
server = socket.create_server(("127.0.0.1", 9))
client = socket.create_connection(("127.0.0.1", 9))
print("ready", flush=True)
os.read(0, 1)' <&"$never" >"$T/held" &
	wait_for grep -q ready "$T/held"
}

# --- weir -------------------------------------------------------------------------

# weir_start ARG...: weir run into $T/records, once it is ready. The settings are
# variables: WEIR_REFRESH and so on.
weir_start() {
	WEIR_REFRESH=${WEIR_REFRESH:-200ms} WEIR_REPORT=${WEIR_REPORT:-$EVERY_LOOK} \
		"$WEIR" run -o json ${KEEP:+--record "$T/observations"} "$@" \
		>"$T/records" 2>"$T/weir.log" &
	weir_pid=$!
	wait_for is_ready
}

is_ready() {
	if [ ! -d "/proc/$weir_pid" ]; then
		echo 'weir has ended' >&"$reader"
		cat "$T/weir.log" >&"$reader"
		exit 1
	fi
	check ready
}

# weir_stop: by SIGTERM; its exit code must be 0
weir_stop() {
	kill -TERM "$weir_pid"
	wait "$weir_pid"
	weir_pid=''
}

weir() {
	"$WEIR" "$@"
}

# status_is CODE COMMAND...: ends with that exit code
status_is() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	is "$got" -eq "$want"
}

# What a sanitizer said fails a test that nothing else failed.
check_logs() {
	if grep -hE 'Sanitizer|runtime error' "$T"/*.log; then
		failed_at "$LINENO" 'a sanitizer spoke'
	fi
	if grep -qx lost "$T"/*.log; then
		failed_at "$LINENO" 'the witness lost events'
	fi
}
