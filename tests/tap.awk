# SPDX-License-Identifier: Apache-2.0
#
# Adds up the files that tests/tap_keep left: every skip with its reason, every failure
# with what the test said about it, and one last line of three numbers.
# Believes no test that did not finish: without a plan, with fewer or more tests
# than planned, without an exit status, or with a bad one that no test explains,
# a file is one failure more. Exits 1 when anything failed or nothing ran.

function fail(what) {
	failed++
	failures_here++
	failure[failed] = name ": " what
	about[failed] = ""
}

function skip(what) {
	skipped++
	skips[skipped] = name ": " what
}

# The text of a test line after its number, without the directive.
function title(line) {
	sub(/^(not )?ok[ \t]*[0-9]*[ \t]*(- )?/, "", line)
	sub(/[ \t]*# *[Ss][Kk][Ii][Pp].*/, "", line)
	return line
}

function reason(line) {
	sub(/.*# *[Ss][Kk][Ii][Pp][A-Za-z]*[ \t:]*/, "", line)
	return line == "" ? "no reason given" : line
}

function take(line) {
	if (line ~ /^1\.\.[0-9]+/) {
		has_plan = 1
		planned += substr(line, 4) + 0
		if (line ~ /^1\.\.0/)
			skip(line ~ /# *[Ss][Kk][Ii][Pp]/ ? reason(line) : "nothing to run")
	} else if (line ~ /^(not )?ok([ \t]|$)/) {
		seen++
		open_failure = 0
		if (line ~ /# *[Ss][Kk][Ii][Pp]/) {
			skip(title(line) == "" ? reason(line) : title(line) ": " reason(line))
		} else if (line ~ /^ok/) {
			passed++
		} else {
			fail(title(line))
			open_failure = failed
		}
	} else if (line ~ /^Bail out!/) {
		fail(line)
	} else if (line ~ /^# test: / && !has_name) {
		name = substr(line, 9)
		has_name = 1
	} else if (line ~ /^# exit: /) {
		status = substr(line, 9)
	} else if (open_failure) {
		about[open_failure] = about[open_failure] "      " line "\n"
	}
}

function add_stderr(file,    line, n, kept) {
	sub(/\.tap$/, ".err", file)
	while ((getline line < file) > 0)
		kept[n++ % 40] = line
	close(file)
	for (i = n > 40 ? n - 40 : 0; i < n; i++)
		about[failed] = about[failed] "      stderr: " kept[i % 40] "\n"
}

function take_file(file,    line) {
	name = file
	status = ""
	has_name = has_plan = planned = seen = failures_here = open_failure = 0
	while ((getline line < file) > 0)
		take(line)
	close(file)
	if (status == "")
		fail("was killed before its end")
	else if (!has_plan)
		fail("ended without a plan, exit status " status)
	else if (seen != planned)
		fail("planned " planned " tests, ran " seen)
	else if (status != 0 && !failures_here)
		fail("every test passed, yet the exit status is " status)
	if (failures_here)
		add_stderr(file)
}

BEGIN {
	passed = failed = skipped = 0
	for (arg = 1; arg < ARGC; arg++)
		take_file(ARGV[arg])
	for (i = 1; i <= skipped; i++)
		printf "SKIPPED %s\n", skips[i]
	for (i = 1; i <= failed; i++)
		printf "FAILED  %s\n%s", failure[i], about[i]
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || passed + failed == 0
}
