#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who got which records. A record is known by its flow_id and seq.

records.py same ALL FILE...   the files together have what ALL has, each once
records.py within ALL FILE... the files have records of ALL, each once
records.py covers ALL FILE... the same, but a record may come again (the files may break off)
records.py lines ALL FILE     FILE has as many lines as ALL has records
Files are JSON lines, all of them whole.
"""
import collections
import json
import sys


def fail(what):
    print("records.py: " + what)
    sys.exit(1)


def read(paths):
    got = collections.Counter()
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith("\n"):
                    fail("%s:%d: half a line" % (path, number))
                record = json.loads(line)
                got[(record["flow_id"], record["seq"])] += 1
    doubled = [key for key, times in got.items() if times > 1]
    if doubled:
        fail("%d records are there twice in %s: %s" % (len(doubled), paths, doubled[:4]))
    if not got:
        fail("nothing is in %s" % paths)
    return set(got)


def covers(everything, paths):
    got = set()
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("}\n"):
                    record = json.loads(line)
                    got.add((record["flow_id"], record["seq"]))
    if got != everything:
        fail("%d records are missing in %s, %d are more" % (
            len(everything - got), paths, len(got - everything)))


def main():
    command, path, *paths = sys.argv[1:]
    everything = read([path])
    if command == "lines":
        with open(paths[0], encoding="utf-8") as lines:
            count = len(list(lines))
        if count != len(everything):
            fail("%d lines in %s, %d records" % (count, paths[0], len(everything)))
        return
    if command == "covers":
        covers(everything, paths)
        return
    got = read(paths)
    if got - everything:
        fail("%d records are in %s alone" % (len(got - everything), paths))
    if command == "same" and everything - got:
        fail("%d of %d records are not in %s: %s" % (
            len(everything - got), len(everything), paths, list(everything - got)[:4]))
    if command == "within" and got == everything:
        fail("%s has them all" % paths)


main()
