#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# walk.sh [FLOWS ...]: what reading conntrack's table costs, by the walk and by a
# ctnetlink dump of the same entries in the same run. The entries are made of packets,
# in a network namespace of its own; conntrack's limit is raised for it and put back.
set -u
bin=${WEIR_TEST_BENCH_DIR:?folder of the bench programs}
limit=/proc/sys/net/netfilter/nf_conntrack_max
before=$(cat "$limit") || { echo '# SKIP walk: conntrack is not loaded' && exit 0; }
trap 'echo "$before" >"$limit"' EXIT

for flows in "${@:-200000}"; do
	[ "$before" -gt $((flows + 50000)) ] || echo $((flows + 100000)) >"$limit"
	unshare --net "$bin/bench_walk" "$flows" || exit 1
done
