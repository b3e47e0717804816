#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A floor includes only floors below it (docs/architecture.md, section 2). Every
# include in quotes names its floor, so a path without one is an offence too.
. "$(dirname -- "$0")/files.sh"

floors() {
	c_files | grep '^src/' | xargs -r awk '
	BEGIN {
		may["base"] = " base "
		may["config"] = " base config "
		may["flow"] = " base flow "
		may["encode"] = " base flow encode "
		may["source"] = " base config flow source abi bpf "
		may["sink"] = " base config flow encode sink "
		may["engine"] = " base config flow source sink engine "
		may["serve"] = " base config flow encode engine serve "
		may["client"] = " base flow client "
		may["ui"] = " base flow client ui "
		may["cmd"] = " base config flow encode source sink engine serve client ui cmd "
		may["main.c"] = may["cmd"]
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split(FILENAME, at, "/")
		split($0, quoted, "\"")
		n = split(quoted[2], to, "/")
		if (!(at[2] in may))
			print FILENAME ":" FNR ": the floor " at[2] " is in no plan"
		else if (n < 2 || to[1] == "..")
			print FILENAME ":" FNR ": \"" quoted[2] "\" does not name its floor"
		else if (!index(may[at[2]], " " to[1] " "))
			print FILENAME ":" FNR ": " at[2] " may not include " quoted[2]
	}'
}

complain floors
