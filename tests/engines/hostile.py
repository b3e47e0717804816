# SPDX-License-Identifier: Apache-2.0
"""hostile.py PORT LOG [CERT KEY]: a server for a sink that means no good.

How it answers a request is the second part of its path, /m/HOW/...: a status, or a
manner. What came is in LOG, a line a request: HOW, bytes of the body, lines in it.
"""

import gzip
import os
import select
import socketserver
import ssl
import sys

PIECE = b"x" * (1 << 20)


class Handler(socketserver.StreamRequestHandler):
    def answer(self, status, headers=b"", body=b""):
        self.wfile.write(b"HTTP/1.1 %d So\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s"
                         % (status, len(body), headers, body))

    def drip(self, pieces):
        """Until the client has had enough."""
        for piece in pieces:
            self.wfile.write(piece)
            select.select([self.connection], [], [], 0.2)

    def loris(self):
        self.drip(bytes([c]) for c in b"HTTP/1.1 204 No Content\r\nX: " + b"y" * 10000)

    def silent(self):
        self.connection.recv(1)

    def half(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")

    def huge(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            self.wfile.write(PIECE)

    def headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1024):
            self.wfile.write(b"X: " + PIECE + b"\r\n")

    def garbage(self):
        self.wfile.write(os.urandom(1000))

    def close(self):
        pass

    def redirect(self):
        self.answer(302, b"Location: /m/redirected/\r\n")

    def later(self):
        self.answer(429, b"Retry-After: 1000000\r\n")

    def bomb(self):
        body = gzip.compress(b"\0" * (64 << 20))
        self.answer(200, b"Content-Encoding: gzip\r\n", body)

    def handle(self):
        how = self.rfile.readline(65536).split(b" ")[1].split(b"/")[2].decode()
        length = 0
        zipped = False
        while True:
            line = self.rfile.readline(65536).strip().lower()
            if not line:
                break
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            zipped |= line.startswith(b"content-encoding: gzip")
        body = self.rfile.read(length)
        lines = (gzip.decompress(body) if zipped else body).count(b"\n")
        with open(sys.argv[2], "a", encoding="ascii") as log:
            log.write("%s %d %d\n" % (how, length, lines))
        try:
            if how.isdigit():
                self.answer(int(how), b"", b"\x1b[31mno\xff\n" if how != "204" else b"")
            else:
                getattr(self, how)()
        except OSError:
            pass  # the client has gone


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def get_request(self):
        connection, address = super().get_request()
        if len(sys.argv) > 3:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[3], sys.argv[4])
            connection = context.wrap_socket(connection, server_side=True)
        return connection, address


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
