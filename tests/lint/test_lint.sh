#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The checks are checked: a small clean tree passes all of them; then one
# offence after the other is put in, and the check that it concerns must name
# the file. Prints TAP.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(mktemp -d) || exit 2
trap 'rm -rf "$root"' EXIT
number=0 failed=0

result() { # STATUS SENTENCE
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		failed=1
	fi
}

clean_tree() {
	rm -rf "$root/src" "$root/tests" "$root/man"
	mkdir -p "$root/src/base" "$root/src/attic" "$root/src/flow" "$root/src/sink" \
		"$root/src/config" "$root/src/cmd" \
		"$root/tests/unit" "$root/tests/fuzz" "$root/man"
	cp "$here/../../.clang-format" "$here/../../.shellcheckrc" "$root/"
	cat >"$root/src/base/thing.c" <<'C' # not <<-: its tabs count
// SPDX-License-Identifier: Apache-2.0
/* A thing. */
#include "base/thing.h"

int thing_sum(int x, int y)
{
	if (x == 0)
		return y;
	return x + y;
}
C
	cat >"$root/src/base/thing.h" <<-'C'
	/* SPDX-License-Identifier: Apache-2.0 */
	#ifndef WEIR_BASE_THING_H
	#define WEIR_BASE_THING_H

	int thing_sum(int x, int y);

	#endif
	C
	echo "base_sources = files('thing.c')" >"$root/src/base/meson.build"
	echo "unit_tests = { 'thing': base_dep }" >"$root/tests/unit/meson.build"
	touch "$root/tests/fuzz/meson.build"
	cat >"$root/tests/unit/wait.sh" <<-'SH'
	#!/bin/sh
	# SPDX-License-Identifier: Apache-2.0
	echo "$1"
	SH
	echo '// SPDX-License-Identifier: Apache-2.0' >"$root/src/cmd/flags.c"
	echo "cmd_sources = files('flags.c')" >"$root/src/cmd/meson.build"
	cat >"$root/man/thing.8" <<-'MAN'
	.Dd November 1, 2026
	.Dt THING 8
	.Os
	.Sh NAME
	.Nm thing
	.Nd is a thing
	MAN
}

# offends CHECK FILE SENTENCE TEXT: with the text (echo's escapes) at its end the
# check must fail and name the file.
offends() {
	clean_tree
	printf '%b\n' "$4" >>"$root/$2"
	said=$("$here/$1.sh" "$root" 2>&1)
	status=$?
	case $said in
	*"${2##*/}"*) [ "$status" -ne 0 ] ;;
	*) false ;;
	esac
	result "$?" "$3"
}

# A function named f of $1 lines, each of them $2.
function_of() {
	printf '\nint f(int x);\nint f(int x)\n{\n'
	i=0
	while [ "$i" -lt "$1" ]; do
		printf '\t%s\n' "$2"
		i=$((i + 1))
	done
	printf '}\n'
}

echo 1..38

clean_tree
for check in floors built sizes format words shell cppcheck man; do
	"$here/$check.sh" "$root" >/dev/null 2>&1
	result "$?" "${check}_passes_a_clean_tree"
done

c=src/base/thing.c sh=tests/unit/wait.sh

offends floors $c base_may_not_include_flow '#include "flow/key.h"'
offends floors src/sink/x.c sink_may_not_include_source '#include "source/source.h"'
offends floors $c an_include_names_its_floor '#include "thing.h"'
offends floors src/flow/x.h an_include_does_not_climb '#include "../cmd/cmd.h"'
offends floors src/attic/x.c a_floor_is_in_the_plan '#include "base/thing.h"'

offends built src/base/orphan.c a_source_is_built 'int x;'
offends built tests/unit/test_orphan.c a_test_is_registered 'int x;'
offends built tests/fuzz/fuzz_orphan.c a_fuzz_target_is_registered 'int x;'

offends sizes $c a_file_has_500_lines "$(yes '/* */' | head -n 492)"
offends sizes $c a_function_has_60_lines "$(function_of 61 'x++;')"

offends format $c a_star_belongs_to_its_name '\nint* pointer;'
offends format $c a_function_brace_has_its_own_line '\nint brace(void) {\n\treturn 1;\n}'
offends format $c indentation_is_by_tabs '\nint blanks(void)\n{\n        return 1;\n}'
offends format $c indentation_has_its_depth '\nint deep(void)\n{\n\t\treturn 1;\n}'
offends format $c no_blanks_end_a_line '\nint trailing; '
offends format $c a_line_has_100_columns "$(printf '\n/* %0100d */' 0)"
offends format src/base/x.c a_file_has_an_spdx_line 'int x;\nint y;'

offends words $c unfinished_work_is_found '\n/* TODO: later */'
offends words $c a_path_of_one_machine_is_found '\nconst char *path = "/tmp/x";'
offends words $c a_second_clock_is_found '\nlong now = time(0);'
offends words $c a_static_result_is_found '\n\tstatic char text[64];'
offends words $c an_unbounded_print_is_found '\n\tsprintf(text, "x");'
offends words $c a_low_floor_that_logs_is_found '\n\tlog_warn("x");'
offends words $sh waiting_by_the_clock_is_found 'sleep 1'

# shellcheck disable=SC2016 # not to be expanded here
offends shell $sh an_unquoted_variable_is_found 'rm $1'
offends cppcheck $c a_null_dereference_is_found \
	'\nint *null(void)\n{\n\tint *p = 0;\n\n\t*p = 1;\n\treturn p;\n}'
offends man man/thing.8 a_bad_macro_is_found '.Sh'
offends man src/config/schema_rows.c a_setting_without_manual_is_found '\t\t.key = "a.b",'
offends man src/cmd/flags.c an_option_without_manual_is_found \
	'\t{ "pid", OPTION_PID, "PID", TAKES_FILTER, "of a process" },'
offends man man/weir.8 an_option_that_does_not_exist_is_found '.It Fl -nonsense'
exit "$failed"
