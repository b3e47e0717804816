# SPDX-License-Identifier: Apache-2.0
"""Holds what weir told of sockets as they closed against what the kernel told the
applications.

health.py TRACE CLIENT_NETNS CLIENT_LOG SERVER_LOG: the logs are of payload.py.
"""
import json
import sys


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def main():
    trace, client_netns = lines(sys.argv[1]), int(sys.argv[2])
    wrong = compared = 0
    for path, is_client in ((sys.argv[3], True), (sys.argv[4], False)):
        for told in lines(path):
            of = [r for r in trace if r["event"] == "close" and
                  r["src_port"] == told["port"] and
                  (r["netns"] == client_netns) == is_client]
            if len(of) != 1:
                sys.exit("%d ends of port %d, not 1" % (len(of), told["port"]))
            sent, received = "tcp_segments_orig", "tcp_segments_reply"
            if not is_client:
                sent, received = received, sent
            have = {"rtt_us": of[0]["rtt_us"], "rttvar_us": of[0]["rttvar_us"],
                    "min_rtt_us": of[0]["min_rtt_us"], "cwnd": of[0]["cwnd"],
                    "rwnd_limited_us": of[0].get("rwnd_limited_us", 0),
                    "sndbuf_limited_us": of[0].get("sndbuf_limited_us", 0),
                    "retransmits": of[0]["retransmits"],
                    "segments_sent": of[0][sent], "segments_received": of[0][received]}
            want = {key: told["info"][key] for key in have}
            compared += 1
            if have != want:
                wrong += 1
                print("%s of port %d: weir %s, the kernel %s" % (
                    "client" if is_client else "server", told["port"], have, want))
    if wrong or compared < 2:
        sys.exit("%d of %d sockets differ" % (wrong, compared))


main()
