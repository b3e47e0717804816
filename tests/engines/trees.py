# SPDX-License-Identifier: Apache-2.0
"""trees.py WEIR FOLDER COUNT: settings of chance in YAML, JSON and TOML.

Each file is first read by Python's own reader, to which it has to say the tree that it
was made of; then weir config show has to say the same of all three, and the tree.
"""

import json
import os
import random
import subprocess
import sys
import tomllib

import yaml

WEIR, FOLDER, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(20)
WORDS = ["yes", "no", "null", "~", "1", "0x1", "1e3", "2s", "- a", "a: b", "# c", "{", "[x]",
         "'", '"', "\\", "\\n", "tab\tthere", " lead", "trail ", "é", "日本", "🌊", "\u00a0",
         "%d", "&x", "*x", "!!int 3", "|", ">", "a\nb", "true", "NaN", ".inf", "2001-01-01",
         "12:30", "=", "<<", "@", "`", "\x7f", "$x", "a$"]  # U+2028 ends lines in YAML 1.1 alone


def text():
    return "".join(chance.choice(WORDS) for _ in range(chance.randint(1, 3)))


def tree():
    ages = sorted(chance.sample(range(1, 3600, 2), 2))
    ret = {
        "refresh": chance.choice(["20ms", "1s", "90s", "2m"]),
        "table": {"max_flows": chance.randint(1, 16 << 20)},
        "conntrack": {"track": chance.choice([True, False]),
                      "netns": chance.choice(["all", "host"])},
        "report": [{"age": "0s", "every": "20s"}] +
                  [{"age": "%ds" % age, "every": "%ds" % chance.randint(1, 59)}
                   for age in ages],
        "metrics": {"services": chance.sample(range(1, 65536), chance.randint(0, 5))},
        "sinks": {},
    }
    for i in range(chance.randint(1, 3)):
        ret["sinks"]["s%d" % i] = {
            "type": "influxdb", "url": ["http://h:%d" % (1 + k) for k in range(2)],
            "database": text(), "username": text(), "batch_records": chance.randint(1, 9999),
            "events": chance.sample(["start", "update", "end", "failed"], 2),
            "gzip": False}
    return ret


def toml(value):
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s = %s" % (json.dumps(k), toml(v)) for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(map(toml, value))
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(path):
    run = subprocess.run([WEIR, "config", "show", "-c", path], capture_output=True, check=False)
    if run.returncode:
        sys.exit("%s: %s" % (path, run.stderr.decode()))
    return run.stdout.split(b"\n", 1)[1]  # the first line names the file


def has(shown_value, value, where):
    """All of the tree is in what is shown; lists of names have an order of their own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in shown_value:
                sys.exit("%s.%s is not shown" % (where, key))
            has(shown_value[key], inner, "%s.%s" % (where, key))
    elif where.endswith(".events"):
        if sorted(shown_value) != sorted(value):
            sys.exit("%s: %r is shown, not %r" % (where, shown_value, value))
    elif shown_value != value and not (value == "all" and shown_value == "all"):
        sys.exit("%s: %r is shown, not %r" % (where, shown_value, value))


for number in range(COUNT):
    wanted = tree()
    says = set()
    for ending, dumped, read in (
            ("yml", yaml.safe_dump(wanted, allow_unicode=True, sort_keys=False), yaml.safe_load),
            ("json", json.dumps(wanted), json.loads),
            ("toml", "\n".join("%s = %s" % (k, toml(v)) for k, v in wanted.items()),
             tomllib.loads)):
        path = "%s/weir.%s" % (FOLDER, ending)
        with open(path, "w", encoding="utf-8") as file:
            file.write(dumped)
        os.chmod(path, 0o600)
        if read(dumped) != wanted:
            sys.exit("the %s of tree %d is not what was meant" % (ending, number))
        says.add(shown(path))
    if len(says) != 1:
        sys.exit("tree %d is not the same in all formats:\n%s"
                 % (number, "\n---\n".join(text.decode() for text in says)))
    has(yaml.safe_load(says.pop()), wanted, "tree %d" % number)
