#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# cppcheck finds nothing in src/ beyond what cppcheck.suppress allows.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=files.sh
. "$here/files.sh"

cppcheck_all() {
	cppcheck -j "$(nproc)" --quiet --enable=warning,style,performance,portability \
		--suppressions-list="$here/cppcheck.suppress" --inline-suppr --std=c11 \
		--include="$here/cppcheck.h" -Isrc -D_GNU_SOURCE -DWEIR_VERSION='""' \
		--template='{file}:{line}: {id}: {message}' src 2>&1
}

complain cppcheck_all
