#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# inside.sh FILE TEST: one test, inside the sandbox that tests/netns/run made.
# Ends with 0, with 77 and the reason when it skips, else with what went wrong. What
# weir saw and said, and all logs, are kept in $KEEP/SUBJECT.TEST, if it is set.
set -eEu -o pipefail

# a /run that nobody else sees, with copies that every user may run
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/weir /run/t
cp -- "$WEIR" /run/weir.bin
cp -- "$TRAFFIC" /run/traffic.bin
WEIR=/run/weir.bin
TRAFFIC=/run/traffic.bin
export T=/run/t
[ -z "${KEEP:-}" ] || KEEP=$KEEP/$(basename "$1" .sh).$2

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=tests/netns/lib.sh
. "$folder/lib.sh"
# shellcheck disable=SC1090
. "$1"
trap 'failed_at "$LINENO" "$BASH_COMMAND"' ERR
ip link set lo up
"test_$2"
check_logs
keep
