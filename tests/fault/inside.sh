#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# inside.sh SUBJECT TEST: one test, inside the sandbox that tests/fault/run made,
# with the tools of tests/netns. Ends with 0, with 77 and the reason when it
# skips, else with what went wrong.
set -eEu -o pipefail

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/weir /run/t
export T=/run/t

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=tests/netns/lib.sh
. "$folder/../netns/lib.sh"
# shellcheck disable=SC1090
. "${SUITE_FOLDER:-$folder}/$1.sh"
trap 'failed_at "$LINENO" "$BASH_COMMAND"' ERR
ip link set lo up
"test_$2"
check_logs
