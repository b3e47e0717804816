# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Protocols that conntrack knows and few machines have: SCTP associations, and the
# packets of a GRE tunnel. As with any flow, what conntrack lists is shown, and what it
# had at the end is told.

# An association for each source port, answered and held until a line comes.
SCTP='import socket, sys
role, own, ports, to = sys.argv[1], sys.argv[2], range(2001, 2004), ("10.0.0.2", 5001)
def sctp(*address):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    s.bind(address)
    return s
def read(s, n):
    while n:
        n -= len(s.recv(n)) or sys.exit("too little was sent")
try:
    s = sctp(own, 5001 if role == "server" else 0)
except OSError as error:
    sys.exit(print("none", error, flush=True))
if role == "server":
    s.listen()
    print("ready", flush=True)
    held = [s.accept()[0] for _ in ports]
else:
    held = [sctp(own, port) for port in ports]
    for s in held:
        s.connect(to)
for s in held:
    if role == "client":
        s.sendall(bytes(3000))
    read(s, 3000 if role == "server" else 5000)
    if role == "server":
        s.sendall(bytes(5000))
print("open", flush=True)
sys.stdin.readline() if role == "client" else [s.recv(1) for s in held]'

# sctp_side NS ROLE ADDRESS
sctp_side() {
	inside "$1" "$PYTHON" -S -E -c "$SCTP" "$2" "$3" >"$T/sctp.$2" 2>"$T/$2.log"
}

sctp_open() {
	sctp_side b server 10.0.0.2 &
	sctp_server_pid=$!
	wait_for grep -q . "$T/sctp.server"
	grep -q ready "$T/sctp.server" || skip "no SCTP here: $(cat "$T/sctp.server")"
	mkfifo "$T/hold"
	sctp_side a client 10.0.0.1 <"$T/hold" &
	sctp_client_pid=$!
	exec {hold}>"$T/hold"
	wait_for grep -q open "$T/sctp.client"
}

sctp_close() {
	echo >&"$hold"
	wait "$sctp_client_pid" "$sctp_server_pid"
}

# is_listed PROTO
is_listed() {
	entries a
	weir list -a -o json "$1" >"$T/list"
	grep " $1 " "$T/entries.a" >"$T/entries"
	check -f "$T/list" same "$T/entries" 'True'
}

# was_destroyed PROTO N: N entries of it, which are those that ended
was_destroyed() {
	grep " $1 " "$T/destroy.a" >"$T/destroyed"
	has_lines "$2" "$T/destroyed"
	check same "$T/destroyed" "r.event == 'end' and r.proto == '$1'"
}

# ends_as_conntrack PROTO N
ends_as_conntrack() {
	flush a
	wait_for was_destroyed "$@"
	check count "$2" "r.event == 'end' and r.proto == '$1'"
	check count 0 'r.exact == False'
	check lives ended
}

test_sctp_associations_have_the_counters_of_conntrack() {
	pair
	listen_at a
	weir_start
	sctp_open
	wait_for is_listed sctp
	check -f "$T/list" count 3 'r.dst_ip == "10.0.0.2" and r.dst_port == 5001 and
		r.src_port in (2001, 2002, 2003) and r.bytes_orig > 3000 and r.bytes_reply > 5000'
	sctp_close
	ends_as_conntrack sctp 3
}

test_a_gre_tunnel_has_the_counters_of_conntrack() {
	pair
	for side in a:1:2 b:2:1; do
		IFS=: read -r name own other <<<"$side"
		ip -n "$name" link add g type gre local "10.0.0.$own" remote "10.0.0.$other" \
			2>"$T/gre" || skip "no GRE tunnels here: $(head -n 1 "$T/gre")"
		at "$name" sysctl -qw net.ipv6.conf.g.disable_ipv6=1
		ip -n "$name" address add "10.9.0.$own/24" dev g
		ip -n "$name" link set g up
	done
	listen_at a
	weir_start
	inside a ping -q -c 5 -i 0.2 -s 100 10.9.0.2 >"$T/ping"
	wait_for is_listed gre
	# IP and GRE around IP and ICMP
	check -f "$T/list" count 1 'r.src_ip == "10.0.0.1" and r.dst_ip == "10.0.0.2" and
		(r.packets_orig, r.packets_reply) == (5, 5) and
		r.bytes_orig == r.bytes_reply == 5 * (20 + 4 + 20 + 8 + 100)'
	ends_as_conntrack gre 1
}
