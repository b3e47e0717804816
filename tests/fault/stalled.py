#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of /api/v1/events that stops reading, and goes on when it is told.

stalled.py PORT: reads the answer's head, says "open", waits for a line on
standard input, then reads until the end of a flow to PORT. Prints
"records=N dropped=N", or what is wrong with the stream and exits 1.
"""
import json
import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.connect("/run/weir/weir.sock")
client.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += client.recv(1)
if b" 200 " not in head.split(b"\r\n")[0] or b"chunked" not in head:
    sys.exit("unexpected answer: %r" % head)
print("open", flush=True)
sys.stdin.readline()

stream = client.makefile("rb")
records = dropped = 0
rest = b""
found = False
while not found:
    size = int(stream.readline(), 16)
    if not size:
        sys.exit("the stream ended")
    *lines, rest = (rest + stream.read(size)).split(b"\n")
    stream.readline()
    for line in lines:
        record = json.loads(line)
        if record["event"] == "dropped":
            dropped += record["count"]
        else:
            records += 1
            if record["event"] == "end" and record["dst_port"] == int(sys.argv[1]):
                found = True
print("records=%d dropped=%d" % (records, dropped))
