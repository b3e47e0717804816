#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every conntrack DESTROY event of this network namespace, as conntrack -L
prints entries. A witness of its own: conntrack -E cannot be given the buffer that
a burst needs (its -b does not reach the socket that hears events). Says "ready"
on standard error once it hears, "lost" when the kernel had to drop events."""
import ctypes
import errno
import signal
import socket
import struct
import sys

NETLINK_NETFILTER = 12
DESTROY_GROUP = 1 << 2          # NFNLGRP_CONNTRACK_DESTROY, as a bit
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 256 << 20
DESTROY_TYPE = 1 << 8 | 2       # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
GRE = 47                        # whose ports are keys
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", GRE: "gre", 58: "icmpv6", 132: "sctp"}


def attributes(data):
    ret, at = {}, 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4:
            break
        ret[kind & 0x3fff] = data[at + 4:at + size]
        at += size + 3 & ~3
    return ret


def number(data):
    return int.from_bytes(data, "big")


def print_tuple(data):
    parts = attributes(data)
    ip, proto = attributes(parts[1]), attributes(parts[2])
    four = 1 in ip
    family = socket.AF_INET if four else socket.AF_INET6
    text = "src=%s dst=%s" % tuple(socket.inet_ntop(family, ip[kind])
                                   for kind in ((1, 2) if four else (3, 4)))
    for kind, name in ((2, "sport"), (3, "dport"), (5, "type"), (6, "code"), (4, "id"),
                       (8, "type"), (9, "code"), (7, "id")):
        if kind in proto and proto[1][0] != GRE:
            text += " %s=%d" % (name, number(proto[kind]))
    return four, proto[1][0], text


def print_event(message):
    entry = attributes(message[20:])
    four, proto, orig = print_tuple(entry[1])
    line = "ipv4 2" if four else "ipv6 10"
    line += " %s %d 0 %s" % (PROTOCOLS.get(proto, "unknown"), proto, orig)
    for side, more in ((9, " " + print_tuple(entry[2])[2]), (10, "")):
        counters = attributes(entry[side]) if side in entry else {}
        for kind, name in ((1, "packets"), (2, "bytes")):
            if kind in counters:
                line += " %s=%d" % (name, number(counters[kind]))
        line += more
    if 18 in entry:
        line += " zone=%d" % number(entry[18])
    return line + " mark=%d id=%d\n" % (number(entry.get(8, b"")), number(entry[12]))


def main():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    events.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    events.bind((0, DESTROY_GROUP))
    print("ready", file=sys.stderr, flush=True)
    while True:
        try:
            data = events.recv(65536)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            print("lost", file=sys.stderr, flush=True)
            continue
        size, kind = struct.unpack_from("=IH", data)
        if kind == DESTROY_TYPE:
            sys.stdout.write(print_event(data[:size]))
            sys.stdout.flush()


main()
