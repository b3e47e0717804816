#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every manual page is mdoc without a warning.
. "$(dirname -- "$0")/files.sh"

man_pages() {
	all_files | grep '^man/.*\.[1-8]$' | xargs -r mandoc -Tlint -Wwarning
}

complain man_pages
