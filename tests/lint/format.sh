#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The form of the sources: tabs, 100 columns, no trailing blanks, an SPDX line,
# the kernel's braces; and within a line, and for its indentation, what
# .clang-format says. Where lines are broken is the author's affair, because
# clang-format would take every list of enumerators and every table apart.
. "$(dirname -- "$0")/files.sh"

plain() {
	{ c_files && sh_files; } | xargs -r awk '
	# columns, with tabs of 8; a byte that continues a UTF-8 character is none
	function width(line,    n, i, c) {
		for (i = 1; i <= length(line); i++) {
			c = substr(line, i, 1)
			if (c == "\t")
				n += 8 - n % 8
			else if (c < "\200" || c > "\277")
				n++
		}
		return n
	}
	function offence(what) { print FILENAME ":" FNR ": " what }
	FNR == 1 { before = ""; spdx = 0 }
	FNR <= 2 && /SPDX-License-Identifier: / { spdx = 1 }
	FNR == 2 && !spdx { offence("no SPDX line") }
	/[ \t]$/ { offence("blanks at the end of the line") }
	length($0) > 60 && width($0) > 100 { offence("more than 100 columns") }
	FILENAME ~ /\.[ch]$/ {
		if (/^\t*        /)
			offence("eight blanks where a tab belongs")
		if (/^[A-Za-z_].*\) \{$/)
			offence("the brace of a function has its own line")
		if (/^\t+if \(.*\) (return|goto|continue|break)/)
			offence("a statement on the line of its if")
		if (/^\t+\{$/ && before ~ /^\t+(if|for|while|switch|else|do)( [^;{]*)?$/)
			offence("the brace belongs on the line before")
		if (/^\t+else/ && before ~ /^\t+\}$/)
			offence("else belongs behind the brace")
	}
	{ before = $0 }'
}

# Same words, other indentation: a statement that comes back deeper or less deep.
# How continued lines and the rows of tables are aligned is the author's affair.
indentation() {
	diff -U0 "$1" "$2" | awk -v file="$1" '
	function flush(    i) {
		for (i = 1; i <= n; i++)
			if (text[i] in added && added[text[i]] != old[i])
				print file ":" line + i - 1 ": not the indentation of the house"
		n = 0
		split("", added)
	}
	/^@@/ { flush(); split($2, at, ","); line = -at[1]; next }
	/^(---|\+\+\+) / { next }
	/^[-+]\t*[^ \t].*[;{]$/ {
		blanks = rest = substr($0, 2)
		sub(/^\t*/, "", rest)
		blanks = length(blanks) - length(rest)
		if (/^-/) {
			text[++n] = rest
			old[n] = blanks
		} else {
			added[rest] = blanks
		}
		next
	}
	/^-/ { text[++n] = "" }
	END { flush() }'
}

# One word per line, so that breaks and alignment do not show, nor breaks behind
# an opening parenthesis; and two oddities of clang-format 14.
words() {
	sed -e 's/) ~/)~/g' -e 's/} \* /} */' "$1" | tr -s '[:space:]' '\n' |
		awk '{ printf "%s%s", $0, /[(]$/ ? "" : "\n" }'
}

clang_formatted() {
	work=$(mktemp -d) || exit 2
	c_files | xargs -r cp --parents -t "$work" .clang-format
	(cd "$work" && find . -name '*.[ch]' -exec clang-format -i {} +) ||
		echo 'clang-format fails'
	c_files | while IFS= read -r file; do
		cmp -s "$file" "$work/$file" && continue
		indentation "$file" "$work/$file"
		words "$file" >"$work/is"
		words "$work/$file" >"$work/should"
		diff "$work/is" "$work/should" | sed -n "s|^[<]|$file: not the house style: |p"
	done
	rm -rf "$work"
}

failed=0
complain plain || failed=1
complain clang_formatted || failed=1
exit "$failed"
