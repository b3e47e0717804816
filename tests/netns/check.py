#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Exact assertions about weir's records, against conntrack's own words.

check.py [-f FILE] COMMAND ARG...; FILE is JSON lines, $T/records by default.
A record is "r" in an expression: r.field is None where the field is absent,
ns("a") is the inode of a network namespace, ns("") of this one. Says what differs and exits 1.
"""
import collections
import json
import os
import socket
import sys

T = os.environ["T"]


class Record(dict):
    __getattr__ = dict.get


def fail(what, examples=()):
    print("check.py: " + what)
    for example in list(examples)[:8]:
        print("    " + (json.dumps(example) if isinstance(example, dict) else str(example)))
    sys.exit(1)


def ns(name):
    return os.stat("/run/netns/" + name if name else "/proc/self/ns/net").st_ino


def read(path):
    records = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # else it is being written just now
                records.append(Record(json.loads(line)))
    return records


def select(records, expression):
    code = compile("(" + expression + ")", "select", "eval")
    return [r for r in records if eval(code, {"ns": ns, "r": r})]


# --- the kernel's view ---------------------------------------------------------

def parse_conntrack(line):
    """A line of conntrack -L or -E with -o extended,id: (key, counters, attributes)."""
    words = line.split()
    start = next(i for i, word in enumerate(words) if word in ("ipv4", "ipv6"))
    sides, attributes = [], {"proto": words[start + 2]}
    for word in words[start + 4:]:
        name, equals, value = word.partition("=")
        if not equals:
            continue
        if name == "src":
            sides.append({})
        side = sides[-1] if sides else attributes
        # what a tuple does not have, or has already, belongs to the entry
        own = name in ("src", "dst", "sport", "dport", "type", "code", "id", "packets", "bytes")
        if own and name not in side and not (len(sides) == 2 and name == "id"
                                             and "type" not in side):
            side[name] = value
        else:
            attributes[name] = value
    orig, reply = sides
    for field in ("sport", "dport", "type", "code", "id"):
        orig.setdefault(field, None)
        reply.setdefault(field, None)
    key = (attributes["proto"], orig["src"], orig["sport"], orig["dst"], orig["dport"],
           orig["type"], orig["code"], orig["id"],
           reply["dst"], reply["dport"], reply["src"], reply["sport"],
           attributes.get("zone", attributes.get("zone-orig", "0")))
    counters = tuple(int(side.get(name, -1)) for side in sides for name in ("bytes", "packets"))
    return key, counters, attributes


def read_conntrack(path):
    """{entry id and key: counters}: an event can be told twice, an entry is one."""
    entries = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if "src=" in line and line.endswith("\n"):
                key, counters, attributes = parse_conntrack(line)
                entries[(attributes["id"], key)] = counters
    return collections.Counter((key, counters) for (_, key), counters in entries.items())


# --- weir's view ---------------------------------------------------------------

def key_of(r):
    def text(value):
        return None if value is None else str(value)

    return (r.proto, r.src_ip, text(r.src_port), r.dst_ip, text(r.dst_port),
            text(r.icmp_type), text(r.icmp_code), text(r.icmp_id),
            r.nat_src_ip or r.src_ip, text(r.nat_src_port or r.src_port),
            r.nat_dst_ip or r.dst_ip, text(r.nat_dst_port or r.dst_port), text(r.zone))


def counters_of(r):
    return (r.bytes_orig, r.packets_orig, r.bytes_reply, r.packets_reply)


# --- commands ------------------------------------------------------------------

def same(records, path, expression):
    """The selected records are the entries that conntrack printed into the file."""
    kernel = read_conntrack(path)
    weir = collections.Counter((key_of(r), counters_of(r)) for r in select(records, expression))
    if not kernel:
        fail("%s holds no entry" % path)
    if kernel != weir:
        fail("%d entries of the kernel, %d records; only in %s:" % (
            sum(kernel.values()), sum(weir.values()), path), (kernel - weir).items())


def same_then(records, path, expression):
    weir = collections.Counter((key_of(r), counters_of(r)) for r in select(records, expression))
    extra = weir - read_conntrack(path)
    if extra:
        fail("records that are no entry in %s:" % path, extra.items())


def count(records, number, expression):
    got = select(records, expression)
    if len(got) != int(number):
        fail("%d records, not %s, are: %s" % (len(got), number, expression), got)


def at_least(records, number, expression):
    got = select(records, expression)
    if len(got) < int(number):
        fail("only %d records of %s are: %s" % (len(got), number, expression))


def every(records, expression, condition):
    got = select(records, expression)
    bad = [r for r in got if r not in select([r], condition)]
    if not got:
        fail("no record is: " + expression)
    if bad:
        fail("%d of %d records are not: %s" % (len(bad), len(got), condition), bad)


def total(records, number, expression, value):
    code = compile(value, "value", "eval")
    got = sum(eval(code, {"r": r}) or 0 for r in select(records, expression))
    if got != int(number):
        fail("%s adds up to %d, not %s" % (value, got, number))


def distinct(records, number, expression, value):
    code = compile(value, "value", "eval")
    got = {eval(code, {"r": r}) for r in select(records, expression)}
    if len(got) != int(number):
        fail("%s has %d values, not %s" % (value, len(got), number), sorted(map(str, got)))


FIELDS = ("bytes_orig", "packets_orig", "bytes_reply", "packets_reply")


def check_life(flow):
    """One flow's records from the first to the last."""
    if [r.seq for r in flow] != list(range(len(flow))):
        fail("seq is not 0, 1, 2 …:", flow)
    if any(r.event == "end" for r in flow[:-1]) or flow[0].event == "update":
        fail("not start, update …, end:", flow)
    if any(r.event == "start" for r in flow[1:]):
        fail("begins twice:", flow)
    for field in FIELDS:
        values = [r.get(field) for r in flow if field in r]
        deltas = [r.get("delta_" + field, 0) for r in flow]
        if not values:
            continue
        if values != sorted(values) or min(deltas) < 0:
            fail(field + " goes back:", flow)
        zero = values[0] - deltas[[field in r for r in flow].index(True)] \
            if any(r.baseline for r in flow) else 0
        if sum(deltas) != values[-1] - zero:
            fail("deltas of %s add up to %d, not %d:" % (field, sum(deltas), values[-1] - zero),
                 flow)


def lives(records, ended):
    """Every flow's records are in order and its deltas add up; "ended": each has an end."""
    flows = collections.OrderedDict()
    for r in records:
        if r.event in ("start", "update", "end"):
            flows.setdefault(r.flow_id, []).append(r)
    if not flows:
        fail("there is no flow")
    for flow in flows.values():
        check_life(flow)
        if ended == "ended" and flow[-1].event != "end":
            fail("has no end:", flow)


def once(first, path, again):
    """Two runs of weir with a gap: nothing is counted twice, the gap by neither."""
    def sums(records):
        ret = collections.defaultdict(int)
        for r in records:
            for field in FIELDS:
                ret[(key_of(r), field)] += r.get("delta_" + field, 0)
        return ret

    def totals(records):
        return {(key_of(r), field): r[field] for r in records for field in FIELDS if field in r}

    before = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            key, counters, _ = parse_conntrack(line)
            before.update({(key, field): counters[i] for i, field in enumerate(FIELDS)})
    end = totals(again)
    seen, seen_again = sums(first), sums(again)
    for at, last in totals(first).items():
        if seen[at] != last:
            fail("first run: %s: %d of %d" % (at, seen[at], last))
        if seen_again[at] != end[at] - before[at]:
            fail("second run: %s: %d, but from %d to %d" % (at, seen_again[at], before[at],
                                                            end[at]))
    if {r.flow_id for r in first} != {r.flow_id for r in again}:
        fail("the flows have other ids after the restart")


def get(path):
    import http.client  # takes longer than most checks, which do without

    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(20)
    connection.sock.connect(os.environ.get("WEIR_LISTEN__SOCKET", "/run/weir/weir.sock"))
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def ready():
    try:
        status, body = get("/-/ready")
    except OSError as error:
        fail("the daemon does not answer: %s" % error)
    if status != 200:
        fail("%d: %s" % (status, body))


def stats(*conditions):
    status, body = get("/api/v1/stats")
    if status != 200:
        fail("%d: %s" % (status, body))
    s = json.loads(body)
    source = {entry["name"]: entry for entry in s["sources"]}
    for condition in conditions or ("",):
        if not eval(condition or 's["identity"]["holds"] and s["byte_identity"]["holds"]',
                    {"s": s, "source": source}):
            s["sources"] = {name: {k: v for k, v in entry.items() if v}
                            for name, entry in source.items()}
            fail("not so: %s\n%s" % (condition or "the identity holds", json.dumps(s)))


def same_both(records, path, expression):
    same_then(records, path, expression)
    same(records, path, expression)


COMMANDS = {"count": count, "at_least": at_least, "every": every, "total": total,
            "distinct": distinct, "same": same_both, "lives": lives}


def main():
    arguments = sys.argv[1:]
    path = T + "/records"
    if arguments[0] == "-f":
        path = arguments[1]
        del arguments[:2]
    command, *arguments = arguments
    if command == "ready":
        ready()
    elif command == "stats":
        stats(*arguments)
    elif command == "once":
        once(read(arguments[0]), arguments[1], read(arguments[2]))
    else:
        COMMANDS[command](read(path), *arguments)


main()
