#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# kernel.sh [--twice] [KERNEL ...]: what weir adds to the traffic of another kernel
# (6.12), in guest instructions: tests/vm/boot --deterministic. Needs qemu, no root.
#
# --twice runs each guest twice and says whether they printed the same bytes. With
# $WEIR_TEST_BENCH_OUT the lines of bench_kernel are kept there.
set -u
folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${WEIR_TEST_BENCH_DIR:?folder of the bench programs}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# guest KERNEL FILE
guest() {
	"$folder/../vm/boot" --deterministic --timeout 3000 --program "$bin/bench_kernel" \
		--add "$folder:/weir/tests/bench" "$1" tests/bench/kernel_guest.sh >"$2" || {
		local status=$?
		sed 's/^/# /' "$2"
		return "$status"
	}
}

twice=no status=0
if [ "${1:-}" = --twice ]; then
	twice=yes
	shift
fi
for kernel in "${@:-6.12}"; do
	rm -f "$work"/*
	# beside the first, as what else the machine does is no matter
	again=''
	[ "$twice" = no ] || { guest "$kernel" "$work/again" >/dev/null & again=$!; }
	guest "$kernel" "$work/lines" || {
		status=$?
		[ "$status" -ne 77 ] || echo "# SKIP kernel $kernel: it or qemu cannot be had"
		[ -z "$again" ] || wait "$again"
		continue
	}
	[ -z "${WEIR_TEST_BENCH_OUT:-}" ] || cp "$work/lines" "$WEIR_TEST_BENCH_OUT"
	awk -f "$folder/kernel.awk" "$work/lines"
	[ -n "$again" ] || continue
	if wait "$again" && cmp -s "$work/lines" "$work/again"; then
		echo '# the second run printed the same bytes'
	else
		echo '# the second run DIFFERS'
		diff "$work/lines" "$work/again" | sed 's/^/# /'
		status=1
	fi
done
exit "$status"
