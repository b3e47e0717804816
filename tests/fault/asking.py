#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client that asks for the stats again and again, over one connection.

For each line on standard input, an expression over them as "s", prints what it
comes to.
"""
import http.client
import json
import socket
import sys


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect("/run/weir/weir.sock")


connection = Connection("localhost")
connection.auto_open = 0
connection.connect()
for line in sys.stdin:
    connection.request("GET", "/api/v1/stats")
    s = json.loads(connection.getresponse().read())
    print(eval(line), flush=True)
