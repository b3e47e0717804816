#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Elasticsearch that is stricter than it: what it would let pass, this
one answers 400 to, and notes as a fault. It keeps what it is sent.

elastic.py PORT FILE [MODE...]: FILE gets the faults, a line each. Modes:
  auth=VALUE     the Authorization that it wants, else 401
  most=BYTES     a larger body is 413
  version=TEXT   what GET / says
POST /-/mode     a MODE a line, from now on, in place of those before:
  busy=N         of each request every Nth item that it has not refused before is 429
  refuse=PORT    an item whose destination.port is that is 400
  forbid         every item is 403
  missing        the index is gone, and its template: 404 until there is one again
  half           an answer with half of the items
  garbage        an answer that is none
  hang-up        the documents are kept, the answer is not sent
  endless        an answer that never ends
  down           503, Retry-After: 1
  plain          a template with more than the plainest server knows is 400
GET /-/stats     requests, stored, repeats, refused, busied and so on, as JSON
GET /-/documents the documents, a line each
GET /-/bodies    the paths and bodies of what was PUT, as JSON
"""
import collections
import gzip
import http.server
import json
import re
import sys
import threading

lock = threading.Lock()
counts = collections.Counter()
documents = {}  # (index, id): document
versions = {}
templates = {}
refused_once = set()
seen = {"authorization": "", "content": []}
modes = {}
fault_file = open(sys.argv[2], "a", encoding="utf-8")
PORT = int(sys.argv[1])


def fault(text):
    counts["faults"] += 1
    print(text, file=fault_file, flush=True)


def set_modes(words):
    global modes
    modes = dict(word.partition("=")[::2] for word in words)


def has_template(index):
    def fits(pattern):
        return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), index)
    return [body for body in templates.values() if any(map(fits, body["index_patterns"]))]


def is_stream(index):
    return any("data_stream" in body for body in has_template(index))


def flat(document, before=""):
    for key, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, before + key + ".")
        else:
            yield before + key


def mapped(properties, before=""):
    for key, value in properties.items():
        if "properties" in value:
            yield from mapped(value["properties"], before + key + ".")
        else:
            yield before + key


def check_document(index, document):
    """What a server would guess at, or not find."""
    types = set()
    for body in has_template(index):
        body = body.get("template", body)
        types.update(mapped(body.get("mappings", {}).get("properties", {})))
    if not is_stream(index):
        return
    if "@timestamp" not in document:
        fault("a document of a data stream without @timestamp")
    for name in flat(document):
        if name not in types:
            fault("%s has no type" % name)


def error(status, kind, reason):
    return {"status": status, "error": {"type": kind, "reason": reason}}


def store(index, action, meta, document):
    """The answer for one item."""
    key = (index, meta["_id"]) if "_id" in meta else (index, len(documents))
    if action == "create":
        if key in documents:
            counts["repeats"] += 1
            return error(409, "version_conflict_engine_exception", "document already exists")
    elif meta["version"] < versions.get(key, -1):
        counts["late"] += 1
        return error(409, "version_conflict_engine_exception", "higher than the one provided")
    versions[key] = meta.get("version", 1)
    documents[key] = document
    counts["stored"] += 1
    return {"status": 201}


def item(number, index, action, meta, document):
    if "forbid" in modes:
        counts["forbidden"] += 1
        return error(403, "security_exception", "no right to write")
    if "missing" in modes:
        return error(404, "index_not_found_exception", "no such index")
    port = document.get("destination", {}).get("port")
    if "refuse" in modes and port == int(modes["refuse"]):
        counts["refused"] += 1
        return error(400, "document_parsing_exception", "no port of ours")
    key = (index, meta.get("_id"))
    if "busy" in modes and number % int(modes["busy"]) == 0 and key not in refused_once:
        refused_once.add(key)
        counts["busied"] += 1
        return error(429, "es_rejected_execution_exception", "queue is full")
    return store(index, action, meta, document)


def bulk(index, body):
    """(status, answer)"""
    if not body.endswith(b"\n"):
        fault("the body does not end in a newline")
        return 400, {"error": "must be terminated by a newline"}
    if not has_template(index):
        if "missing" in modes:
            return 404, {"error": "no such index"}
        fault("documents before their template")
    lines = body.decode().split("\n")[:-1]
    items, at = [], 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        (action, meta), = json.loads(lines[at]).items()
        document = json.loads(lines[at + 1])
        at += 2
        if action != ("create" if is_stream(index) else "index"):
            fault("%s into %s" % (action, index))
        check_document(index, document)
        items.append({action: item(len(items) + 1, index, action, meta, document)})
    if not items:
        fault("a request without items")
    errors = any(i[a]["status"] >= 300 for i in items for a in i)
    return 200, {"errors": errors, "items": items}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        counts["largest"] = max(counts["largest"], len(data))
        if self.headers.get("Content-Encoding") == "gzip":
            counts["zipped"] += 1
            data = gzip.decompress(data)
        return data

    def is_refused(self):
        seen["authorization"] = self.headers.get("Authorization", "")
        if "auth" in modes and seen["authorization"] != modes["auth"]:
            counts["unauthorized"] += 1
            self.answer(401, {"error": "security_exception"})
            return True
        if "down" in modes:
            counts["down"] += 1
            self.answer(503, {"error": "unavailable"}, Retry_After="1")
            return True
        return False

    def do_GET(self):
        with lock:
            if self.path == "/-/stats":
                self.answer(200, dict(counts, documents=len(documents), **seen))
            elif self.path == "/-/documents":
                lines = [json.dumps(one) + "\n" for one in documents.values()]
                self.answer(200, "".join(lines).encode())
            elif self.path == "/-/bodies":
                self.answer(200, templates)
            elif not self.is_refused():
                self.answer(200, {"version": {"number": modes.get("version", "8.17.0")}})

    def do_PUT(self):
        with lock:
            data = self.body()
            if self.is_refused():
                return
            counts["put"] += 1
            body = json.loads(data)
            if self.headers["Content-Type"] != "application/json":
                fault("a template of type %s" % self.headers["Content-Type"])
            if "plain" in modes and ("lifecycle" in body.get("template", {}) or
                                     "index.mode" in str(body)):
                self.answer(400, {"error": "unknown setting"})
                return
            templates[self.path] = body
            if "missing" in modes:
                del modes["missing"]
            self.answer(200, {"acknowledged": True})

    def do_POST(self):
        with lock:
            data = self.body()
            if self.path == "/-/mode":
                set_modes(data.decode().split())
                if "missing" in modes:
                    templates.clear()
                self.answer(200, {})
                return
            if self.is_refused():
                return
            self.post_bulk(data)

    def post_bulk(self, data):
        counts["requests"] += 1
        match = re.fullmatch(r"/([a-z0-9._%-]+)/_bulk\?filter_path=errors,items\.\*\.status,"
                             r"items\.\*\.error\.type,items\.\*\.error\.reason", self.path)
        if not match:
            fault("a path of %s" % self.path)
            self.answer(405, {"error": "no handler"})
            return
        if self.headers["Content-Type"] not in ("application/x-ndjson", "application/json"):
            fault("a type of %s" % self.headers["Content-Type"])
            self.answer(406, {"error": "content type"})
            return
        if "most" in modes and len(data) > int(modes["most"]):
            counts["too_large"] += 1
            self.answer(413, {"error": "too large"})
            return
        status, body = bulk(match[1], data)
        if "half" in modes:
            body["items"] = body["items"][:len(body["items"]) // 2]
        if "garbage" in modes:
            body = b'{"items":[{"create":{"status":201}},'
        if "hang-up" in modes:
            self.close_connection = True
            return
        if "endless" in modes:
            self.endless()
            return
        self.answer(status, body)

    def endless(self):
        counts["endless"] += 1
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b'{"items":[' + b" " * 65536)
        except OSError:
            pass


set_modes(sys.argv[3:])
http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
