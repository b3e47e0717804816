# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Configuration as other readers read it, and as an attacker would write it.

test_three_formats_say_what_python_reads_in_them() {
	"$PYTHON" -E -c 'import tomllib, yaml' 2>"$T/python" ||
		skip 'this Python has no yaml or no tomllib'
	"$PYTHON" -E "$SUITE_FOLDER/trees.py" "$WEIR" "$T" 40
}

# refuses_soon FILE: with exit code 2, a sentence, and before it could do harm
refuses_soon() {
	status_is 2 timeout 60 "$WEIR" config check "$1" 2>"$T/refused"
	is "$(head -n 1 "$T/refused" | grep -c ": ")" = 1
}

test_files_that_mean_harm_are_refused_soon() {
	"$PYTHON" -S -E - "$T" <<-'END'
		import sys
		def write(name, text):
		    with open(sys.argv[1] + "/" + name, "w", encoding="latin-1") as file:
		        file.write(text)
		laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n"
		for last, name in zip("abcdefgh", "bcdefghi"):
		    laughs += "%s: &%s [%s]\n" % (name, name, ",".join(["*" + last] * 9))
		write("laughs.yml", laughs)
		write("deep.yml", "sinks: " + "[" * 100000 + "]" * 100000)
		write("deep.json", "[" * 1000000 + "]" * 1000000)
		write("deep.toml", "a = " + "[" * 100000 + "]" * 100000)
		write("dotted.toml", ".".join(["a"] * 100000) + " = 1")
		write("large.yml", "".join("key%d: value\n" % i for i in range(800000)))
		write("large.json", '{"a": "' + "x" * (10 << 20) + '"}')
		write("nul.yml", "refresh: 1s\0\n")
		write("binary.toml", "".join(map(chr, range(256))) * 100)
		write("loop.yml", "a: &a {b: *a}\n")
	END
	chmod 600 "$T"/*.yml "$T"/*.json "$T"/*.toml
	for file in "$T"/*.yml "$T"/*.json "$T"/*.toml; do
		refuses_soon "$file"
	done
}

# shown FILE: without the line that names it
shown() {
	"$WEIR" config show -c "$T/$1" | tail -n +2 >"$T/shown.$1"
}

test_an_empty_file_is_the_defaults() {
	local ending
	for ending in yml toml; do
		printf '' >"$T/weir.$ending"
		chmod 600 "$T/weir.$ending"
	done
	shown weir.yml
	shown weir.toml
	cmp "$T/shown.weir.yml" "$T/shown.weir.toml"
	"$WEIR" config example >"$T/example.yml"
	chmod 600 "$T/example.yml"
	shown example.yml
	cmp "$T/shown.weir.yml" "$T/shown.example.yml"
}
