#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir top of 100,000 replayed flows in a pseudo terminal: processor time of the view and
of its collector, and how long keys wait for their answer. Usage: top.py WEIR"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

FLOWS, ROWS, COLUMNS = 100000, 40, 120
SECONDS = 20
HERE = os.path.dirname(os.path.abspath(__file__))


def figure(name, value, unit, target):
    print("%-34s %14s %-12s %s" % (name, value, unit, target), flush=True)


def cpu_ms(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def child_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
        return int(children.read().split()[0])


class View:
    def __init__(self, weir, recording, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(weir, [weir, "top", "--replay", recording, *arguments])
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def read_until(self, text, patience_s=60):
        """Reads what is drawn until the text is in it (None: for that long)."""
        until, seen = time.monotonic() + patience_s, b""
        while time.monotonic() < until:
            if select.select([self.fd], [], [], until - time.monotonic())[0]:
                seen += os.read(self.fd, 65536)
            if text is not None and text in seen:
                return seen
        if text is None:
            return seen
        sys.exit("top.py: waited in vain for %r" % text)

    def key_ms(self, key, text):
        began = time.monotonic()
        os.write(self.fd, key)
        self.read_until(text)
        return (time.monotonic() - began) * 1000

    def end(self):
        os.write(self.fd, b"q")
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)


def measure(weir, recording, interval, label):
    view = View(weir, recording, interval)
    view.read_until(b"1/100000")
    view.read_until(None, 1)
    collector = child_of(view.pid)
    before = cpu_ms(view.pid), cpu_ms(collector)
    view.read_until(None, SECONDS)
    after = cpu_ms(view.pid), cpu_ms(collector)
    figure("top_cpu_" + label, "%.2f" % ((after[0] - before[0]) / SECONDS / 10),
           "percent", "<= 5")
    figure("top_collector_cpu_" + label, "%.2f" % ((after[1] - before[1]) / SECONDS / 10),
           "percent", "")
    return view


def main():
    weir = os.path.abspath(sys.argv[1])
    with tempfile.NamedTemporaryFile(suffix=".obs") as recording:
        subprocess.run([sys.executable, HERE + "/../terminal/flows.py", str(FLOWS)],
                       stdout=recording, check=True)
        measure(weir, recording.name, "0.1", "at_10_hz").end()
        view = measure(weir, recording.name, "1", "at_1_hz")
        waits = []
        for _ in range(30):
            # what each must draw: the mark of the order, the guide, the place, the prompt
            waits.append(view.key_ms(b"?", b"arrows"))
            waits.append(view.key_ms(b"x", b"DESTINATION"))
            waits.append(view.key_ms(b"2", b"processes"))
            waits.append(view.key_ms(b"1", b"1/100000"))
            waits.append(view.key_ms(b"/", b"filter:"))
            waits.append(view.key_ms(b"\x1b", b"DESTINATION"))
        waits.sort()
        figure("top_key_median", "%.1f" % waits[len(waits) // 2], "ms", "<= 50")
        figure("top_key_slowest", "%.1f" % waits[-1], "ms", "<= 50")
        view.end()


if __name__ == "__main__":
    main()
