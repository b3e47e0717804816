#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A file of more than 500 lines has two subjects. A function fits a screen: 60
# lines between its braces, where a switch directly in it does not count.
. "$(dirname -- "$0")/files.sh"

sizes() {
	{ c_files && sh_files; } | xargs -r awk '
	function leave_file() {
		if (lines > 500)
			print name ":" lines ": " lines " lines, 500 are a file"
	}
	FNR == 1 { leave_file(); name = FILENAME; body = inside = flat = 0 }
	{ lines = FNR }
	name !~ /\.[ch]$/ { next }
	/^[A-Za-z_].*\(/ { title = $0; sub(/\(.*/, "", title); sub(/.*[ *]/, "", title) }
	/^\{/ { inside = 1; body = flat = 0; next }
	/^\}/ {
		if (inside && body > 60)
			print name ":" FNR ": " title " has " body " lines, 60 are a function"
		inside = 0
	}
	inside && /^\tswitch / { flat = 1 }
	inside && !flat { body++ }
	/^\t\}/ { flat = 0 }
	END { leave_file() }'
}

complain sizes
