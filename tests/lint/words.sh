#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Words that do not belong: unfinished work, paths of one machine, waiting by
# the clock, a second clock, results in static buffers, functions without
# bounds, and logging from floors that return their errors instead.
. "$(dirname -- "$0")/files.sh"

# search WHAT PATTERN: in the files named on standard input
search() {
	xargs -r grep -nHIE -e "$2" | sed "s|\$|    <- $1|"
}

# The patterns are broken by quotes so that this file does not offend.
words() {
	all_files | grep -vE '^(LICENSE|docs/.*|tests/lint/test_lint\.sh)$' >"$list"
	search 'unfinished work' '\<(TO''DO|FIX''ME|X''XX)\>' <"$list"
	search 'a path of one machine' \
		'(^|[^A-Za-z0-9_.*-])/(tm''p|wo''rk|ho''me|ro''ot)/[A-Za-z]' <"$list"
}

words_of_c() {
	c_files | grep '^src/' >"$list"
	grep -v '^src/base/clock\.c$' "$list" | search 'only base/clock.c asks for the time' \
		'\<(clock_gettime|gettimeofday|time|clock|ftime)\('
	search 'a result in a static buffer' \
		'^[[:space:]]+static (unsigned )?char \*?[a-z_]+(\[|;)' <"$list"
	search 'a function without bounds' \
		'\<(sprintf|vsprintf|strcpy|strcat|gets|atoi|atol|strtok|alloca)\(' <"$list"
	grep -vE '^src/((cmd|engine|serve)/|(main|sink/outbox[a-z_]*|base/log)\.[ch]$)' "$list" |
		search 'only cmd, engine, serve and the outbox log' \
			'\<log_(error|warn|info|debug)\('
}

words_of_tests() {
	{ c_files && sh_files && all_files | grep '\.py$'; } |
		grep '^tests/' | grep -v '^tests/lint/' | sort -u |
		search 'waits by the clock, not for a condition' \
			'(^|[^A-Za-z0-9_.])(u|nano)?sl''eep[ (]|time\.sl''eep'
}

list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
failed=0
complain words || failed=1
complain words_of_c || failed=1
complain words_of_tests || failed=1
exit "$failed"
