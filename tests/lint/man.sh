#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every manual page is mdoc without a warning, and weir.8 knows every setting and
# every long option, and no other.
. "$(dirname -- "$0")/files.sh"

man_pages() {
	all_files | grep '^man/.*\.[1-8]$' | xargs -r mandoc -Tlint -Wwarning
}

# known FILE: names on standard input, from that file, that weir.8 does not have
known() {
	while IFS= read -r name; do
		grep -qsE -e "^\.(It|Op|Fl)( .*)? (Cm|Fl) $name( |\$)" man/weir.8 ||
			echo "$1: man/weir.8 has nothing about $name"
	done
}

in_manual() {
	for rows in src/config/schema_rows.c src/config/schema_sink.c; do
		[ ! -f "$rows" ] || sed -n 's/.*\.key = "\(.*\)".*/\1/p' "$rows" | known "$rows"
	done
	[ ! -f src/cmd/flags.c ] ||
		sed -n "s/^\t{ \"\([a-z0-9-]*\)\", ['O].*/-\1/p" src/cmd/flags.c |
		known src/cmd/flags.c
	[ ! -f src/cmd/flags.c ] || [ ! -f man/weir.8 ] ||
		sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/\1/p' man/weir.8 |
		while IFS= read -r name; do
			grep -qF "{ \"$name\"," src/cmd/flags.c ||
				echo "man/weir.8: there is no option --$name"
		done
}

failed=0
complain man_pages || failed=1
complain in_manual || failed=1
exit "$failed"
