# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A terminal of any size: tmux with a server of its own, which dies with the sandbox.

here=${BASH_SOURCE[0]%/*}
FRAMES=$here/../../docs/terminal

mux() {
	tmux -S "$T/tmux" "$@"
}

command -v tmux >/dev/null || skip 'there is no tmux'

# screen WxH COMMAND: runs it there; what it ends with is in $T/status, what it says
# on standard error in $T/top.log. $LOCALE is its locale.
screen() {
	rm -f "$T/status" "$T/tmux"
	mux -f /dev/null new-session -d -x "${1%x*}" -y "${1#*x}" \
		"stty -a >$T/stty.before
		env LC_ALL=${LOCALE:-C.UTF-8} ${TERM_IS:+TERM=$TERM_IS} ${NO_COLOR_IS:+NO_COLOR=1} \
			$2 2>$T/top.log
		echo \$? >$T/status.new; mv $T/status.new $T/status
		stty -a >$T/stty.after; echo ended; cat"
}

# A host of N flows, as a recording.
recording() {
	[ -s "$T/$1.obs" ] || "$PYTHON" -S -E "$here/flows.py" "$1" >"$T/$1.obs"
}

# top WxH RECORDING-OF-N ARGUMENT...
top() {
	recording "$2"
	screen "$1" "$WEIR top --replay $T/$2.obs ${*:3}"
	wait_for shows "OUT/s"
}

keys() {
	local key
	for key; do
		mux send-keys "$key"
	done
}

# What is on the screen, without what differs from run to run.
picture() {
	mux capture-pane -p | sed -E -e 's/weir cpu [0-9]\.[0-9]%/weir cpu 0.0%/' \
		-e 's/weir cpu [0-9]{2}\.[0-9]%/ weir cpu 0.0%/' \
		-e 's/weir cpu [0-9]{3}\.[0-9]%/  weir cpu 0.0%/' \
		-e 's/( a recording: ).*/\1host.obs/' |
		sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

shows() {
	picture >"$T/picture"
	cat "$T/picture"
	grep -qE -- "$1" "$T/picture"
}

shows_not() {
	fails shows "$1" >"$T/shows"
}

ended() {
	test -s "$T/status"
}

# ended_with CODE: and the terminal is as it was
ended_with() {
	wait_for ended
	is "$(cat "$T/status")" = "$1"
	wait_for shows '^ended'
	cmp "$T/stty.before" "$T/stty.after"
}

end_top() {
	keys q
	ended_with 0
	mux kill-server
}

is_frame() {
	picture >"$T/picture"
	diff -u "$FRAMES/$1.txt" "$T/picture"
}

# Twice the same: nothing moves any more.
is_still() {
	picture >"$T/still.1"
	PAUSE_S=0.3 pause
	picture >"$T/still.2"
	cmp "$T/still.1" "$T/still.2"
}

# frame NAME: the screen is that picture; or becomes it, where pictures are written
frame() {
	if [ -n "${WRITE_FRAMES:-}" ]; then
		wait_for is_still
		picture >"$FRAMES/$1.txt"
	fi
	PATIENCE_S=20 wait_for is_frame "$1"
}
