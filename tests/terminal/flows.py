#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a recording of N flows, the same each time, for "weir top --replay": a host with
clients, servers, containers, NAT, IPv6, UDP and ICMP. Usage: flows.py N [SEED]."""
import random
import sys

OWN4, OWN6, NETNS = "192.0.2.10", "2001:db8::10", 4026531840
BOOT = 7200 * 10**9  # of the last look
WALL = 1764000000 * 10**9 - BOOT
SAMPLE_S = 2

CLIENTS = [  # comm, pid, protocol, port, uid cgroup, weight
    ("firefox", 2101, 6, 443, "/user.slice/app-firefox.scope"),
    ("curl", 4711, 6, 443, "/user.slice/session-3.scope"),
    ("postgres", 1203, 6, 5432, "/system.slice/postgresql.service"),
    ("systemd-resolve", 611, 17, 53, "/system.slice/systemd-resolved.service"),
    ("ssh", 3120, 6, 22, "/user.slice/session-3.scope"),
    ("node", 5150, 6, 6379,
     "/system.slice/docker-" + "3f2a" * 16 + ".scope"),
]
SERVERS = [
    ("nginx", 900, 6, 443, "/system.slice/nginx.service"),
    ("sshd", 702, 6, 22, "/system.slice/ssh.service"),
    ("dnsmasq", 655, 17, 53, "/system.slice/dnsmasq.service"),
]


class Recording:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.cookie = 0

    def remote(self, v6):
        r = self.rng
        if v6:
            return "2001:db8:%x::%x" % (r.randrange(1, 65536), r.randrange(1, 65536))
        return "%d.%d.%d.%d" % (r.choice((93, 104, 151, 185, 198)), r.randrange(1, 255),
                                r.randrange(256), r.randrange(1, 255))

    def conntrack(self, flow, at, share):
        counts = [int(n * share) for n in flow["bytes"]]
        packets = [max(1, n // 900) for n in counts]
        return ("sample conntrack at=%d orig=%s,%d,%s,%d,%d,0,0 netns=%d reply=%s,%d,%s,%d,%d,0,0 "
                "has=247 status=14 timeout=431999 bytes0=%d bytes1=%d packets0=%d packets1=%d "
                "start=%d%s" % (
                    at, *flow["orig"], NETNS, *flow["reply"], *counts, *packets,
                    WALL + BOOT - flow["age"],
                    " state=%d" % flow["state"] if flow["state"] else ""))

    def flow(self, i):
        r = self.rng
        inbound = i % 3 == 2
        comm, pid, proto, port, cgroup = r.choice(SERVERS if inbound else CLIENTS)
        v6 = i % 5 == 4
        own, remote = OWN6 if v6 else OWN4, self.remote(v6)
        near = r.randrange(32768, 61000)
        orig = (remote, near, own, port, proto) if inbound else (own, near, remote, port, proto)
        source, target = (orig[0], orig[1]), (orig[2], orig[3])
        if inbound and comm == "nginx" and not v6:  # a published port
            target = ("172.17.0.2", 8443)
        size = int(r.paretovariate(0.7) * 2000)
        sizes = [size // 9 + 400, size + 400]
        state = 0
        if proto == 6:
            state = r.choice((3, 3, 3, 3, 3, 3, 5, 1))
        return {"orig": orig, "reply": (*target, *source, proto), "bytes": sizes,
                "age": r.randrange(3, 7100) * 10**9, "state": state, "comm": comm, "pid": pid,
                "cgroup": cgroup, "inbound": inbound, "proto": proto, "own": own,
                "rtt": r.randrange(200, 90000),
                "retransmits": 1 + sizes[i % 3 != 2] // 900 // r.choice((9, 40, 300)) if i % 7 == 0 else 0,
                "share": r.choice((1, 1, 1, 1, 0.99, 0.9, 0.6)) if i % 2 else 1}

    def socket(self, flow, at):
        self.cookie += 1
        orig = flow["orig"]
        local = (*orig[2:4], *orig[0:2]) if flow["inbound"] else orig[0:4]
        if flow["inbound"]:
            reply = flow["reply"]
            local = (reply[0], reply[1], reply[2], reply[3])
        sent, received = flow["bytes"][::-1] if flow["inbound"] else flow["bytes"]
        tcp = ""
        if flow["proto"] == 6:
            tcp = (" state=1 role=%d has=7 sent=%d received=%d segs_out=%d segs_in=%d retrans=%d "
                   "srtt=%d rttvar=%d min_rtt=%d" % (
                       2 if flow["inbound"] else 1, sent, received, sent // 900 + 9,
                       received // 900 + 9, flow["retransmits"], flow["rtt"], flow["rtt"] // 4,
                       flow["rtt"] // 2))
        return ("sample socket at=%d local=%s,%d,%s,%d,%d,0,0 netns=%d cookie=%d inode=%d%s\n"
                "owner socket at=%d cookie=%d pid=%d comm=%s exe=/usr/bin/%s cgroup=%s" % (
                    at, *local, flow["proto"], NETNS, self.cookie, 1000 + self.cookie,
                    tcp or " has=1", at, self.cookie, flow["pid"], flow["comm"], flow["comm"],
                    flow["cgroup"] + (" container=" + "3f2a" * 16 if flow["comm"] == "node"
                                      else "")))


def main():
    recording = Recording(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    flows = [recording.flow(i) for i in range(int(sys.argv[1]))]
    before, last = BOOT - SAMPLE_S * 10**9, BOOT
    print("clock wall_minus_boot=%d started=%d" % (WALL, WALL + 10**9))
    for own in (OWN4, OWN6, "172.17.0.2"):
        print("address address at=%d addr=%s netns=%d" % (before, own, NETNS))
    print("sweep address at=%d netns=%d began=%d" % (before, NETNS, before))
    for flow in flows:
        print(recording.conntrack(flow, before, flow["share"]))
    for flow in flows:
        if flow["state"] in (0, 3):
            print(recording.socket(flow, before))
    for flow in flows:
        print(recording.conntrack(flow, last, 1))


if __name__ == "__main__":
    main()
