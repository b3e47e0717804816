#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What tap_keep keeps and tap.awk adds up is what happened: every way in which a
# test can go wrong is a failure in the last line. Prints TAP.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
export TAP_DIR="$work/tap"
number=0 failed=0

# sums SENTENCE LAST-LINE STATUS SCRIPT: a test that is this script ends so
sums() {
	number=$((number + 1))
	rm -rf "$TAP_DIR"
	TAP_NAME=a_test "$here/tap_keep" sh -c "$4" </dev/null >/dev/null 2>&1
	said=$(awk -f "$here/tap.awk" "$TAP_DIR"/*.tap)
	status=$?
	last=$(printf '%s\n' "$said" | tail -n 1)
	if [ "$last" = "$2" ] && [ "$status" -eq "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$said" "status $status" | sed 's/^/# /'
		failed=1
	fi
}

echo 1..13
sums a_pass_is_counted '2 passed, 0 failed, 0 skipped' 0 \
	'printf "1..2\nok 1 - a\nok 2 - b\n"'
sums a_plan_may_come_last '1 passed, 0 failed, 0 skipped' 0 'printf "ok 1 - a\n1..1\n"'
sums a_failure_is_counted '1 passed, 1 failed, 0 skipped' 1 \
	'printf "1..2\nok 1 - a\nnot ok 2 - b\n# why\n"; exit 1'
sums a_skip_is_counted '1 passed, 0 failed, 1 skipped' 0 \
	'printf "1..2\nok 1 - a\nok 2 - b # SKIP no such kernel\n"'
sums a_skip_of_cmocka_is_no_failure '1 passed, 0 failed, 1 skipped' 0 \
	'printf "1..2\nok 1 - a\nnot ok 2 # SKIP b\n"'
sums a_suite_may_skip_itself '0 passed, 0 failed, 1 skipped' 1 'echo "1..0 # SKIP not root"'
sums too_few_tests_are_a_failure '1 passed, 1 failed, 0 skipped' 1 \
	'printf "1..2\nok 1 - a\n"'
sums too_many_tests_are_a_failure '2 passed, 1 failed, 0 skipped' 1 \
	'printf "1..1\nok 1 - a\nok 2 - b\n"'
sums no_plan_is_a_failure '1 passed, 1 failed, 0 skipped' 1 'echo "ok 1 - a"'
sums silence_is_a_failure '0 passed, 1 failed, 0 skipped' 1 ':'
sums a_bad_exit_after_passes_is_a_failure '1 passed, 1 failed, 0 skipped' 1 \
	'printf "1..1\nok 1 - a\n"; exit 23'
sums a_test_that_is_killed_is_a_failure '1 passed, 1 failed, 0 skipped' 1 \
	'printf "1..2\nok 1 - a\n"; kill -9 $$'
# the keeper itself is killed, as a time limit does it
sums a_keeper_that_is_killed_is_a_failure '1 passed, 1 failed, 0 skipped' 1 \
	'printf "1..1\nok 1 - a\n"; kill -9 $PPID'
exit "$failed"
