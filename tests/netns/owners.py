# SPDX-License-Identifier: Apache-2.0
"""Connections whose sockets are of processes of every kind.

owners.py serve: 10.0.0.2, each way to have a server a port; a line on standard input
lets the slow one read. owners.py connect: prints for each connection its source port
and the processes of its client and server, as they say themselves.
"""
import os
import socket
import sys
import threading

ADDRESS = "10.0.0.2"
PREFORK, REUSEPORT, PASSED, SLOW, MPTCP = 5002, 5003, 5004, 5005, 5006
WORKERS, ORPHAN_BYTES, MPTCP_BYTES = 3, 200000, 70000
IPPROTO_MPTCP = 262


def listener(port, protocol=0, reuse=False):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuse))
    sock.bind((ADDRESS, port))
    sock.listen(64)
    return sock


def answer(sock):
    sock.sendall(str(os.getpid()).encode())
    while sock.recv(4096):
        pass
    sock.close()


def forked(work, *arguments):
    if os.fork() == 0:
        work(*arguments)
        os._exit(0)


def accept(sock):
    while True:
        answer(sock.accept()[0])


def reuse(ready):
    sock = listener(REUSEPORT, reuse=True)
    os.write(ready, b"1")
    accept(sock)


def take(passed):
    while True:
        _, fds, _, _ = socket.recv_fds(passed, 1, 1)
        answer(socket.socket(fileno=fds[0]))


def hand_on(sock, passed):
    while True:
        with sock.accept()[0] as accepted:
            socket.send_fds(passed, [b"1"], [accepted.fileno()])


def slow():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.bind((ADDRESS, SLOW))
    sock.listen(1)
    return sock


def read_slowly(sock):
    sock = sock.accept()[0]
    os.read(0, 1)
    while sock.recv(4096):
        pass
    sock.close()


def serve():
    sock, slow_one = listener(PREFORK), slow()
    for _ in range(WORKERS):
        forked(accept, sock)
    ready, tell = os.pipe()
    for _ in range(WORKERS):
        forked(reuse, tell)
        os.read(ready, 1)
    here, there = socket.socketpair()
    forked(take, there)
    forked(hand_on, listener(PASSED), here)
    forked(read_slowly, slow_one)
    try:
        forked(accept, listener(MPTCP, IPPROTO_MPTCP))
        print("mptcp", flush=True)
    except OSError:
        pass
    print("listens", flush=True)
    os.wait()


def told(port, server):
    print(port, os.getpid(), server, flush=True)


def connect_to(port, to, protocol=0):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    sock.bind(("10.0.0.1", port))
    sock.connect((ADDRESS, to))
    return sock


def finish(sock):
    server = sock.recv(100).decode()
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(100):
        pass
    sock.close()
    return server


def whole(port, to):
    told(port, finish(connect_to(port, to)))


def threads():
    some = [threading.Thread(target=whole, args=(2001 + i, PREFORK)) for i in range(3)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()


def orphan():
    """Ends while most of what it has sent is not on its way yet."""
    sock = connect_to(2041, SLOW)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * ORPHAN_BYTES)
    sock.sendall(b"o" * ORPHAN_BYTES)
    told(2041, 0)


def mptcp():
    sock = connect_to(2051, MPTCP, IPPROTO_MPTCP)
    sock.sendall(b"m" * MPTCP_BYTES)
    told(2051, finish(sock))


def connect():
    threads()
    for i in range(3 * WORKERS):
        whole(2011 + i, PREFORK)
    for i in range(3 * WORKERS):
        whole(2021 + i, REUSEPORT)
    for i in range(3):
        whole(2031 + i, PASSED)
    forked(orphan)
    os.wait()
    if "mptcp" in sys.argv:
        mptcp()


serve() if sys.argv[1] == "serve" else connect()
