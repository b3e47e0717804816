# SPDX-License-Identifier: Apache-2.0
"""TCP connections that begin and end in every way there is.

events.py serve | connect: the server is 10.0.0.2; each case is one source port of
10.0.0.1, and a line of standard output names it with what the kernel answered.
"""
import ctypes
import errno
import os
import socket
import struct
import sys

SERVER, RESETTER, NOBODY = ("10.0.0.2", 5001), ("10.0.0.2", 5002), ("10.0.0.2", 9)
SIX = ("fd00::2", 5001)
MSG_FASTOPEN, TCP_FASTOPEN = 0x20000000, 23
LIBC = ctypes.CDLL(None, use_errno=True)


def linger_0(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve_one(sock):
    size = len(sock.recv(100))
    sock.sendall(b"a" * size)
    try:
        while sock.recv(100):
            pass
        # the client has closed its half: the other one still works
        sock.sendall(b"b" * 1000)
    except ConnectionResetError:
        pass
    sock.close()


def serve():
    listeners = [socket.create_server(at, backlog=64) for at in (SERVER, RESETTER)]
    six_server = socket.create_server(SIX, family=socket.AF_INET6)
    if os.fork() == 0:
        while True:
            serve_one(six_server.accept()[0])
    listeners[0].setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    if os.fork() == 0:
        while True:
            sock = listeners[1].accept()[0]
            sock.recv(100)
            linger_0(sock)
            sock.close()
    print("listens", flush=True)
    while True:
        serve_one(listeners[0].accept()[0])


def of(port, family=socket.AF_INET, reuse=False):
    sock = socket.socket(family)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("::ffff:10.0.0.1" if family == socket.AF_INET6 else "10.0.0.1", port))
    return sock


def finish(sock):
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass


def exchange(sock, size):
    sock.sendall(b"q" * size)
    left = size
    while left:
        left -= len(sock.recv(left))


def plain(port):
    sock = of(port)
    sock.connect(SERVER)
    exchange(sock, 10)
    finish(sock)
    sock.close()


def refused(port):
    of(port).connect(NOBODY)


def wiped(port):
    sock = of(port)
    sock.connect(SERVER)
    exchange(sock, 7)
    linger_0(sock)
    sock.close()


def reset(port):
    sock = of(port)
    sock.connect(RESETTER)
    sock.sendall(b"12345")
    sock.recv(1)


def used_again(port):
    sock = of(port)
    for size in (3, 4):
        sock.connect(SERVER)
        exchange(sock, size)
        if LIBC.connect(sock.fileno(), b"\0" * 16, 16) < 0:
            raise OSError(ctypes.get_errno(), "AF_UNSPEC")
    sock.close()


def mapped(port):
    sock = of(port, socket.AF_INET6)
    sock.connect(("::ffff:10.0.0.2", 5001))
    exchange(sock, 6)
    finish(sock)
    sock.close()


def fast(port):
    for _ in range(2):  # the first is given the cookie
        sock = of(port, reuse=True)
        sock.sendto(b"q" * 8, MSG_FASTOPEN, SERVER)
        sock.recv(100)
        # so that the address can be used again
        linger_0(sock)
        sock.close()


def unreachable(port):
    of(port).connect(("10.0.0.77", 5001))


def unroutable(port):
    of(port).connect(("192.0.2.1", 5001))


def in_use(port):
    first, second = of(port, reuse=True), of(port, reuse=True)
    first.connect(SERVER)
    try:
        second.connect(SERVER)
    finally:
        exchange(first, 2)
        finish(first)
        first.close()


def six(port):
    sock = socket.socket(socket.AF_INET6)
    sock.bind(("fd00::1", port))
    sock.connect(SIX)
    exchange(sock, 11)
    finish(sock)
    sock.close()


CASES = [plain, refused, wiped, reset, used_again, mapped, fast, unreachable, unroutable,
         in_use, six]


def connect():
    for i, case in enumerate(CASES):
        try:
            case(2001 + i)
            print(case.__name__, "ok", flush=True)
        except OSError as error:
            print(case.__name__, errno.errorcode[error.errno], flush=True)


serve() if sys.argv[1] == "serve" else connect()
