# SPDX-License-Identifier: Apache-2.0
"""resolver.py [ADDRESS=NAME ...]: a name server on 127.0.0.1:53 that knows those names and
of other addresses that they have none; of ADDRESS= it never says anything. Prints "ready",
then the name in each question."""
import ipaddress
import socket
import struct
import sys

NXDOMAIN = 3


def labels(name):
    return b"".join(bytes([len(part)]) + part for part in name.encode().split(b".")) + b"\0"


def question(message):
    at, parts = 12, []
    while message[at]:
        parts.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(parts), at + 5


known = {}
for argument in sys.argv[1:]:
    address, _, name = argument.partition("=")
    known[ipaddress.ip_address(address).reverse_pointer] = name

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    message, asker = server.recvfrom(512)
    asked, end = question(message)
    print(asked, flush=True)
    name = known.get(asked)
    if name == "":
        continue
    code, answer = NXDOMAIN, b""
    if name:
        data = labels(name)
        code, answer = 0, struct.pack("!HHHIH", 0xC00C, 12, 1, 60, len(data)) + data
    server.sendto(message[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, bool(name), 0, 0) +
                  message[12:end] + answer, asker)
