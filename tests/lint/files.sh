# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Sourced by every check: goes to the root of the tree, $1 or this one, and
# lists the sources there, also those that git does not know yet. A check prints
# what offends as FILE:LINE: what, and exits 1 then.

# bytes, whatever the language of the user
export LC_ALL=C

cd "${1:-$(dirname -- "$0")/../..}" || exit 2

all_files() {
	find . \( -name .git -o -name 'build*' -o -name 'obj-*' -o -name corpus \
		-o -path './debian/?*/*' -o -name __pycache__ \) -prune -o -type f -print |
		sed 's,^\./,,' | sort
}

c_files() {
	all_files | grep '\.[ch]$'
}

# by its name or by its first line
sh_files() {
	all_files | while IFS= read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.*) ;;
		*) head -n 1 "$file" | grep -aqE '^#!.*/(env )?(ba|da)?sh' && echo "$file" ;;
		esac
	done
}

# complain COMMAND...: fails when the command, which prints offences, prints any
complain() {
	offences=$("$@")
	[ -n "$offences" ] || return 0
	printf '%s\n' "$offences"
	return 1
}
