# SPDX-License-Identifier: Apache-2.0
"""NetTracer's lines, read apart by the widths of their columns.

oldformats.py FILE at_least|exactly N CONDITION   lines r for which the condition holds
oldformats.py FILE unique CONDITION               no connection's end twice among them
oldformats.py FILE sums FIELD CONDITION           of one connection: live and closed lines
oldformats.py FILE headers PLAIN BYTES            FILE's bytes are PLAIN's and BYTES a packet
oldformats.py enter WEIR ARGUMENT...              Enter in a terminal brings the next round
oldformats.py background WEIR ARGUMENT...         ends by itself while others type there
"""
import ipaddress
import os
import pty
import select
import sys
import time
from types import SimpleNamespace

WIDTHS = [("pid", 12), ("netns", 12), ("state", 5), ("sent", 22), ("received", 22),
          ("packets_sent", 22), ("packets_received", 22), ("retransmitted", 22), ("rtt", 12),
          ("rtt_var", 12), ("start", 16), ("duration", 9)]


def address(family, text):
    raw = bytes.fromhex(text)
    return str(ipaddress.ip_address(raw if family == "1" else raw[::-1]))


def line_of(text):
    words = text.split(None, 7)
    head = " ".join(words[1:7])
    at = text.index(head) + len(head) + 1
    r = SimpleNamespace(now=int(words[0]), local=address(words[1], words[2]),
                        local_port=int(words[3], 16), remote=address(words[4], words[5]),
                        remote_port=int(words[6], 16), start=0, duration=0)
    for name, width in WIDTHS:
        piece = text[at:at + width].strip()
        at += width
        if name == "state":
            r.established, r.accepted, r.closed = (int(c) for c in piece)
        elif piece:
            setattr(r, name, int(piece))
    assert at >= len(text.rstrip("\n")), text
    return r


def lines_of(path):
    with open(path) as file:
        return [line_of(line) for line in file if line.endswith("\n") and line.strip()]


def end_of(r):
    return (r.local, r.local_port, r.remote, r.remote_port, r.netns, r.start)


def enter(arguments):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(arguments[0], arguments)
    texts = []
    for _ in range(3):
        until, seen = time.monotonic() + 30, b""
        # a round ends when nothing follows it
        while time.monotonic() < until:
            if select.select([fd], [], [], 0.5 if b"\n" in seen else 30)[0]:
                seen += os.read(fd, 65536)
            elif b"\n" in seen:
                break
        texts.append(seen)
        os.write(fd, b"\n")
    os.kill(pid, 15)
    while True:
        try:
            if not os.read(fd, 65536):
                break
        except OSError:
            break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status or any(b"\n" not in text for text in texts):
        sys.exit("ended with %d, rounds %r" % (status, texts))


def background(arguments):
    pid, fd = pty.fork()
    if pid == 0:  # the shell
        command = os.fork()
        if command == 0:
            os.setpgid(0, 0)
            os.execv(arguments[0], arguments)
        status = os.waitpid(command, os.WUNTRACED)[1]
        if os.WIFSTOPPED(status):
            os.kill(command, 9)
            os._exit(3)
        os._exit(os.waitstatus_to_exitcode(status))
    os.read(fd, 65536)
    try:
        while True:
            os.write(fd, b"typed\n")
            os.read(fd, 65536)
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit("stopped" if status == 3 else "ended with %d" % status)


def main():
    if sys.argv[1] in ("enter", "background"):
        return {"enter": enter, "background": background}[sys.argv[1]](sys.argv[2:])
    lines, what = lines_of(sys.argv[1]), sys.argv[2]
    if what == "headers":
        plain = {end_of(r)[:5]: r for r in lines_of(sys.argv[3])}
        for r in lines:
            was = plain[end_of(r)[:5]]
            want = was.sent + int(sys.argv[4]) * r.packets_sent
            if r.sent != want or not r.packets_sent:
                sys.exit("%r instead of %d" % (r, want))
        return None if lines else sys.exit("no line")
    condition = sys.argv[-1] if what != "sums" else sys.argv[4]
    chosen = [r for r in lines if eval("(" + condition + ")", {"r": r})]
    if what == "unique":
        ends = [end_of(r) for r in chosen]
        if len(set(ends)) != len(ends):
            sys.exit("one end twice")
    elif what == "sums":
        total, wanted = sum(getattr(r, sys.argv[3]) for r in chosen), int(sys.argv[5])
        if total != wanted:
            sys.exit("%d instead of %d: %r" % (total, wanted, chosen))
    else:
        n = int(sys.argv[3])
        if (len(chosen) < n) if what == "at_least" else (len(chosen) != n):
            sys.exit("%d of %d lines: %r" % (len(chosen), len(lines), lines[-4:]))
    return None


main()
