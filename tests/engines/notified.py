#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A service manager: prints what a service tells it, a line each; when that is READY=1,
also what the API says about it at that moment.

notified.py SOCKET API: SOCKET is a path, or @name of an abstract one.
"""
import http.client
import socket
import sys


def api(path):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(20)
    connection.sock.connect(path)
    connection.request("GET", "/-/ready")
    return connection.getresponse().status


name, api_path = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    for line in listener.recv(4096).decode().splitlines():
        print(line, flush=True)
        if line == "READY=1":
            print("api %d" % api(api_path), flush=True)
