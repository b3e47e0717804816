# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A start that does not get what it asks for: it says so in one sentence, ends
# with its code and leaves the machine as it was.

# A log line comes within this time, else weir hangs.
HANG_S=30

# starts COMMAND...: sets watching and status; weir is ended once it watches
starts() {
	local line
	watching=no status=0
	: >"$T/weir.log"
	"$@" >"$T/records" 2>"$T/said" &
	weir_pid=$!
	exec {said}<"$T/said"
	while read -r -t "$HANG_S" line <&"$said" || hung $?; do
		echo "$line" >>"$T/weir.log"
		case $line in
		*' is watching; '*)
			watching=yes
			kill -TERM "$weir_pid"
			;;
		esac
	done
	exec {said}<&-
	wait "$weir_pid" || status=$?
	weir_pid=''
}

# What read said at its end: above 128 nothing came for too long.
hung() {
	[ "$1" -gt 128 ] || return 1
	echo 'weir neither went on nor ended'
	kill -ABRT "$weir_pid"
	failed_at "$LINENO" "$T/weir.log"
}

# Not one trace: switches, sockets, rules, processes.
is_as_it_was() {
	local name
	for name in acct timestamp; do
		is "$(cat "/proc/sys/net/netfilter/nf_conntrack_$name")" -eq 0
		is "$(inside other cat "/proc/sys/net/netfilter/nf_conntrack_$name")" -eq 0
	done
	is "$(find /run/weir -mindepth 1 | wc -l)" -eq 0
	fails pgrep 'weir|failing'
	fails nft list table inet weir >"$T/left" 2>&1
}

# One sentence, and a code of docs/interface.md that is no usage error. Before
# there is a log, the sentence is all that is said.
failed_well() {
	if has_lines 2 "$T/weir.log" >"$T/has"; then
		is "$(grep -c '^weir: error: ' "$T/weir.log")" -eq 1
	else
		grep -q '^weir: .' "$T/weir.log"
	fi
	case $status in
	1 | 3 | 4) ;;
	*) echo "exit code $status" && return 1 ;;
	esac
}

ended_well() {
	if [ "$watching" = yes ]; then
		is "$status" -eq 0
	else
		failed_well
	fi
	check_logs
	is_as_it_was
}

prepared() {
	netns other
	track '' other
	mkfifo "$T/said"
}

# refuse N ARGUMENT...: a start whose Nth request is refused; $asked: it had as many. It
# is no condition of a loop, in which nothing would fail.
refuse() {
	rm -f "$T/mark"
	echo "request $1 is refused: ${*:2}" >"$T/at.log"
	WEIR_TEST_FAIL_AT=$1 starts "$FAILING" run --track -o json "${@:2}"
	ended_well
	asked=no
	[ -e "$T/mark" ] || return 0
	asked=yes
	cat "$T/mark" >>"$T/places"
	[ "$watching" = yes ] || refused=$((refused + 1))
}

# Each request of a start without programs in the kernel, whose load takes seconds; then,
# with them, each place in the code that has not been refused by that.
test_any_request_for_memory_may_be_refused() {
	local n=0 refused=0 asked=yes placed
	prepared
	export WEIR_TEST_FAIL_MARK=$T/mark WEIR_TEST_FAIL_AT
	: >"$T/places"
	while [ "$asked" = yes ]; do
		n=$((n + 1))
		refuse "$n" --source ctnetlink,sock_diag,proc
	done
	is "$watching" = yes
	is "$refused" -ge 30
	placed=$(wc -l <"$T/places")
	export WEIR_TEST_FAIL_TRIED=$T/places
	asked=yes
	while [ "$asked" = yes ]; do
		refuse 1
	done
	is "$watching" = yes
	is "$(wc -l <"$T/places")" -gt "$placed"
}

test_any_number_of_descriptors_is_enough_or_too_few() {
	local n refused=0
	prepared
	for ((n = 4; ; n++)); do
		echo "$n descriptors" >"$T/at.log"
		# three are taken, one the loader needs; the leak checker would want more
		ASAN_OPTIONS=detect_leaks=0 starts prlimit "--nofile=$n" "$WEIR" run --track -o json
		ended_well
		[ "$watching" = no ] || break
		refused=$((refused + 1))
	done
	is "$refused" -ge 5
}
