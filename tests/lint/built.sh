#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every C file is named in the meson.build of its folder (src/main.c and its
# like), every unit test and fuzz target by what follows its prefix: a file that
# nobody builds looks like a test that passes.
. "$(dirname -- "$0")/files.sh"

built() {
	c_files | grep '\.c$' | while IFS= read -r file; do
		folder=${file%/*} name=${file##*/}
		case $file in
		tests/unit/test_* | tests/fuzz/fuzz_*)
			name=${name#*_} name=${name%.c}
			;;
		bpf/*.bpf.c) name=${name%.bpf.c} ;;
		esac
		grep -qsF "'$name'" "$folder/meson.build" ||
			echo "$file: not named in $folder/meson.build"
	done
}

complain built
