#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `./dev bench kernel` runs in its guest: the traffic of bench_kernel without a
# tool, with weir on each rung, beside a probe of every packet and one of every send and
# receive call, and without a tool once more. Conntrack is on in the namespace "a", and
# counts, whoever listens.
set -eu
log=/run/weir.log
export WEIR_REFRESH=1s

failed() {
	echo "failed: $*"
	cat "$log"
	exit 1
}
trap 'failed "line $LINENO"' ERR

# idle SECONDS: costs a guest of this kind nothing. Nothing comes out of the pipe.
exec {never}<> <(:)
idle() {
	read -r -t "$1" -u "$never" _ || true
}

wait_for() {
	for _ in {1..100}; do
		! "$@" >/dev/null 2>&1 || return 0
		idle 0.1
	done
	failed "waited for: $*"
}

setup() {
	ip netns add a
	ip netns add b
	ip link add va netns a type veth peer name vb netns b
	ip -n a address add 10.0.0.1/24 dev va
	ip -n b address add 10.0.0.2/24 dev vb
	ip -n a link set va up
	ip -n b link set vb up
	ip -n a link set lo up
	ip -n b link set lo up
	ip -n a route add local 10.1.0.0/16 dev lo
	ip -n b route add 10.1.0.0/16 dev vb
	ip netns exec a nft 'table inet t {
		chain i { type filter hook input priority 10; ct state invalid; }
		chain o { type filter hook output priority 10; ct state invalid; }
	}'
	ip netns exec a sysctl -qw net.netfilter.nf_conntrack_acct=1 \
		net.netfilter.nf_conntrack_timestamp=1
	: >"$log"
}

# Sockets that wait for their end and entries are of one round.
between_rounds() {
	idle 70
}

is_ready() {
	weir stats -o json
}

# beside NAME ARGUMENT...: weir, which keeps every flow and writes none
beside() {
	local name=$1
	shift
	weir run -q -o json "$@" 'proto 255' >/dev/null 2>"$log" &
	wait_for is_ready
	idle 5
	bench_kernel --collector "$!" "$name"
	bench_kernel --collector "$!" --count-runs "$name"
	kill -TERM "$!"
	wait "$!"
	between_rounds
}

setup
echo "kernel $(uname -r)"
# what is done first is not as what is done again
bench_kernel before >/dev/null
between_rounds
bench_kernel none
between_rounds
beside weir --source bpf_fentry,bpf_walk
beside bpf_kprobe --source bpf_kprobe,bpf_walk
beside ctnetlink --source ctnetlink,sock_diag
for probe in packet call; do
	bench_kernel "--$probe-probe" "${probe}_probe"
	bench_kernel "--$probe-probe" --count-runs "${probe}_probe"
	between_rounds
done
bench_kernel none_again
