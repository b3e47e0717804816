#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# No shell script gives shellcheck anything to say (.shellcheckrc: but for two
# things that it cannot know).
. "$(dirname -- "$0")/files.sh"

scripts=$(sh_files)
[ -z "$scripts" ] || echo "$scripts" | xargs shellcheck -x
