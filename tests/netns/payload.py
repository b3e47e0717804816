# SPDX-License-Identifier: Apache-2.0
"""Payload over TCP, sent and read in every way that applications do.

payload.py serve ADDRESS PORT | connect ADDRESS PORT

One connection for each way of WAYS: the client sends REQUEST bytes, the server reads
them in that way and answers with ANSWER bytes. All stay open until a line is read from
standard input; then they are closed, the client's first. Prints a line of JSON for each
connection: how many bytes were sent and read, and what the kernel says of the socket
(tcp_info) once it is closed on both sides; "open" when all was sent and read.
"""
import errno
import json
import os
import select
import socket
import struct
import sys

REQUEST, ANSWER = 8 << 20, 300001
PEEK, WAITALL, ZEROCOPY = socket.MSG_PEEK, socket.MSG_WAITALL, 0x4000000
SO_ZEROCOPY, TCP_CLOSE = 60, 7


def read_plain(sock, left):
    return len(sock.recv(min(left, 65536)))


def read_small(sock, left):
    return len(sock.recv(min(left, 777)))


def read_peek(sock, left):
    sock.recv(min(left, 65536), PEEK)
    return len(sock.recv(min(left, 65536)))


def read_waitall(sock, left):
    return len(sock.recv(min(left, 1 << 20), WAITALL))


def read_splice(sock, left):
    if not hasattr(read_splice, "pipe"):
        read_splice.pipe = os.pipe()
        read_splice.null = os.open("/dev/null", os.O_WRONLY)
    n = os.splice(sock.fileno(), read_splice.pipe[1], min(left, 65536))
    moved = 0
    while moved < n:
        moved += os.splice(read_splice.pipe[0], read_splice.null, n - moved)
    return n


def read_eagain(sock, left):
    sock.setblocking(False)
    try:
        return len(sock.recv(min(left, 65536)))
    except BlockingIOError:
        select.select([sock], [], [], 0.01)
        return -1
    finally:
        sock.setblocking(True)


def send_plain(sock, data):
    sock.sendall(data)


def send_file(sock, data):
    with open(os.memfd_create("payload"), "wb+", 0) as file:
        file.write(data)
        file.seek(0)
        sock.sendfile(file)


def send_zerocopy(sock, data):
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    except OSError:
        return send_plain(sock, data)
    sent = 0
    while sent < len(data):
        try:
            sent += sock.send(data[sent:sent + (1 << 17)], ZEROCOPY)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            sock.recv(1, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    return None


def send_eagain(sock, data):
    sock.setblocking(False)
    sent = 0
    while sent < len(data):
        try:
            sent += sock.send(data[sent:])
        except BlockingIOError:
            select.select([], [sock], [], 0.01)
    sock.setblocking(True)


WAYS = [(read_plain, send_plain), (read_small, send_plain), (read_peek, send_plain),
        (read_waitall, send_plain), (read_splice, send_plain), (read_plain, send_file),
        (read_plain, send_zerocopy), (read_eagain, send_eagain)]


def read_all(sock, read, size):
    left = size
    while left:
        n = read(sock, left)
        if n == 0:
            break
        left -= max(n, 0)
    return size - left


def tcp_info(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    word = lambda at: struct.unpack_from("=I", info, at)[0]
    long = lambda at: struct.unpack_from("=Q", info, at)[0]
    return {"state": info[0], "rtt_us": word(68), "rttvar_us": word(72),
            "retransmits": word(100), "segments_sent": word(136),
            "segments_received": word(140), "min_rtt_us": word(148), "cwnd": word(80),
            "rwnd_limited_us": long(176), "sndbuf_limited_us": long(184)}


def close(sock, result):
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass
    # both FINs are acknowledged: nothing more will be counted
    while tcp_info(sock)["state"] != TCP_CLOSE:
        select.select([], [], [], 0.001)
    result["info"] = tcp_info(sock)
    print(json.dumps(result), flush=True)
    sock.close()


def main():
    role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    kept = []
    if role == "serve":
        listener = socket.create_server((address, port))
        print("listens", flush=True)
    for i, (read, send) in enumerate(WAYS):
        if role == "serve":
            sock = listener.accept()[0]
            received = read_all(sock, read, REQUEST)
            send(sock, bytes(ANSWER))
            sent, source = ANSWER, sock.getpeername()[1]
        else:
            sock = socket.socket()
            sock.bind(("", 2001 + i))
            sock.connect((address, port))
            send(sock, bytes(REQUEST))
            received = read_all(sock, read, ANSWER)
            sent, source = REQUEST, 2001 + i
        kept.append((sock, {"port": source, "way": read.__name__ + " " + send.__name__,
                            "sent": sent, "received": received}))
    print("open", flush=True)
    sys.stdin.readline()
    for sock, result in kept:
        close(sock, result)


main()
