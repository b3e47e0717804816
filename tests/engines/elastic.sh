# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Elasticsearch, as a stand-in that is stricter than it and answers what it is told
# to: what it has in the end is what the kernel counted.

here=${BASH_SOURCE[0]%/*}
# shellcheck source=tests/engines/servers.sh
. "$here/servers.sh"

FIRST=http://127.0.0.1:9200 SECOND=http://127.0.0.1:9201

# mode URL [MODE...]: from now on
mode() {
	answers --data-binary "${*:2}" "$1/-/mode"
}

# has URL EXPRESSION: true of its stats, s
has() {
	curl -fsS -m 10 -o "$T/has.json" "$1/-/stats"
	"$PYTHON" -S -E -c 'import collections, json, sys
s = collections.defaultdict(int, json.load(open(sys.argv[2])))
sys.exit(0 if eval(sys.argv[1]) else "not so: %s, of %s" % (sys.argv[1], dict(s)))' "$2" \
		"$T/has.json"
}

# settings LINE...: what is said of the one sink
settings() {
	printf '%s\n' 'refresh: 200ms' 'report: [{age: 0s, every: 500ms}]' 'sinks:' \
		'  search:' "$@" >"$T/weir.yml"
	"$WEIR" config check "$T/weir.yml"
}

# flows N [PORT]: connections from a to b, whose entries stay
flows() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port "${2:-80}" \
		--count "$1" --send 3000 --reply 10000
	entries a
}

# documents URL [URL]: of all of them, without faults, into $T/documents
documents() {
	local url
	: >"$T/documents"
	for url; do
		curl -fsS -m 10 "$url/-/documents" >>"$T/documents"
	done
	if [ -s "$T/faults" ]; then
		head -n 5 "$T/faults" && return 1
	fi
}

# sums_agree FIELD...: conntrack's entries and the deltas of the documents
sums_agree() {
	"$PYTHON" -S -E - "$T/entries.a" "$T/documents" <<-'END'
		import json, re, sys
		want, got = {}, {}
		for line in open(sys.argv[1]):
		    if " dport=80 " not in line:
		        continue
		    for word in ("bytes", "packets"):
		        orig, reply = map(int, re.findall(word + r"=(\d+)", line))
		        want[word + "_orig"] = want.get(word + "_orig", 0) + orig
		        want[word + "_reply"] = want.get(word + "_reply", 0) + reply
		for line in open(sys.argv[2]):
		    document = json.loads(line)
		    if document["destination"]["port"] != 80:
		        continue
		    for key, value in document["weir"].get("delta", {}).items():
		        got[key] = got.get(key, 0) + value
		if not want or want != got:
		    sys.exit("conntrack %s, documents %s" % (want, got))
	END
}

# agrees URL...: the documents of these servers together are what the kernel counted
agrees() {
	documents "$@"
	sums_agree
}

idle() {
	check stats 's["sinks"][0]["queued"] == 0' 's["sinks"][0]["spooled"] == 0' "$@"
}

# not its own connections: those that the network is made for
MINE='filter: "tcp and not port 9200 and not port 9201"'
SMALL="batch_records: 7, batch_age: 100ms, $MINE"

test_a_transfer_is_in_elasticsearch_to_the_byte() {
	elastic 9200
	settings "    {type: elasticsearch, url: '$FIRST', batch_age: 300ms, $MINE," \
		'     keep: 30d}'
	pair
	live_long
	daemon
	flows 40
	wait_for agrees "$FIRST"
	# also after the end: what was told once is not told again
	weir_stop
	agrees "$FIRST"
	has "$FIRST" 's["faults"] == 0 and s["zipped"] > 0 and s["repeats"] == 0 and s["put"] == 1'
	curl -fsS "$FIRST/-/bodies" >"$T/bodies"
	is "$(check_template "$T/bodies")" = 'logs-weir.flow-default logsdb 30d'
	"$PYTHON" -S -E -c 'import json, sys
ended = [d for d in map(json.loads, sys.stdin) if d["event"]["action"] == "flow-end"]
assert len({d["weir"]["flow_id"] for d in ended}) == 40, len(ended)
for d in ended:
    assert d["network"]["bytes"] == d["source"]["bytes"] + d["destination"]["bytes"], d
    assert d["source"]["ip"] == "10.0.0.1" and d["destination"]["ip"] == "10.0.0.2", d
    assert d["event"]["dataset"] == "weir.flow" and d["host"]["name"], d' <"$T/documents"
}

# its pattern, mode and retention
check_template() {
	"$PYTHON" -S -E -c 'import json, sys
(path, body), = json.load(open(sys.argv[1])).items()
assert path == "/_index_template/" + body["index_patterns"][0], path
assert body["data_stream"] == {} and body["priority"] > 100, body
template = body["template"]
assert template["mappings"]["dynamic"] is False
assert template["mappings"]["properties"]["source"]["properties"]["ip"] == {"type": "ip"}
print(body["index_patterns"][0], template["settings"].get("index.mode", "standard"),
      template.get("lifecycle", {}).get("data_retention", "ever"))' "$1"
}

test_a_server_that_knows_less_gets_a_plain_template() {
	elastic 9200 plain
	settings "    {type: opensearch, url: '$FIRST', $SMALL, keep: 30d}"
	pair
	live_long
	daemon
	flows 5
	wait_for agrees "$FIRST"
	weir_stop
	has "$FIRST" 's["put"] == 2'
	curl -fsS "$FIRST/-/bodies" >"$T/bodies"
	is "$(check_template "$T/bodies")" = 'logs-weir.flow-default standard ever'
}

test_items_that_find_it_busy_come_again_and_only_they() {
	elastic 9200 busy=3
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL}"
	pair
	live_long
	daemon
	flows 60
	wait_for agrees "$FIRST"
	wait_for idle
	has "$FIRST" 's["busied"] >= 15 and s["repeats"] == 0'
	check stats 's["sinks"][0]["dropped"]["rejected"] == 0'
	weir_stop
	agrees "$FIRST"
}

test_an_item_that_is_refused_is_counted_and_stops_no_other() {
	elastic 9200 refuse=81
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL}"
	pair
	live_long
	daemon
	flows 20 81
	flows 20
	wait_for agrees "$FIRST"
	wait_for idle 's["sinks"][0]["dropped"]["rejected"] >= 20'
	grep -q 'records refused for good, for example: HTTP 400 document_parsing_exception' \
		"$T/weir.log"
	weir_stop
	agrees "$FIRST"
	fails grep -q '"port": 81' "$T/documents"
}

test_a_body_that_is_too_large_goes_in_halves() {
	elastic 9200 most=4000
	settings "    {type: elasticsearch, url: '$FIRST', batch_records: 100, gzip: false," \
		"     batch_age: 1s, $MINE}"
	pair
	live_long
	daemon
	flows 60
	wait_for agrees "$FIRST"
	weir_stop
	agrees "$FIRST"
	has "$FIRST" 's["too_large"] > 0 and s["repeats"] == 0'
}

# A server whose answers cannot be trusted, then one whose answers can.
untrusted() {
	elastic 9200 "$1"
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL}"
	pair
	live_long
	daemon
	flows 20
	wait_for has "$FIRST" "s['requests'] > 1 and s['documents'] > 0"
	mode "$FIRST"
	wait_for agrees "$FIRST"
	wait_for idle
	check stats 's["sinks"][0]["dropped"]["rejected"] == 0'
	weir_stop
	agrees "$FIRST"
	# what it had not been told it has twice no more
	has "$FIRST" 's["repeats"] > 0'
}

test_half_an_answer_loses_and_doubles_nothing() {
	untrusted half
	grep -q 'its answer has not all that was sent' "$T/weir.log"
}

test_an_answer_that_is_none_loses_and_doubles_nothing() {
	untrusted garbage
	grep -q 'its answer is none of the bulk API' "$T/weir.log"
}

test_an_answer_that_does_not_come_loses_and_doubles_nothing() {
	untrusted hang-up
}

test_an_answer_without_end_loses_and_doubles_nothing() {
	untrusted endless
	has "$FIRST" 's["endless"] > 0'
}

test_a_wrong_password_parks_it_and_is_not_told() {
	elastic 9200 'auth=Basic dTpodW50ZXI='
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL, username: u," \
		'     password: hunter3}'
	pair
	live_long
	daemon
	flows 5
	wait_for grep -q 'HTTP 401.*: tried again once a minute' "$T/weir.log"
	check stats 's["sinks"][0]["up"] == False' 's["sinks"][0]["dropped"]["rejected"] == 0'
	fails grep -q hunter "$T/weir.log"
	# the right one
	sed -i 's/hunter3/hunter/' "$T/weir.yml"
	kill -HUP "$weir_pid"
	wait_for grep -q 'configuration read anew' "$T/weir.log"
	flows 1 82
	wait_for has "$FIRST" 's["documents"] > 0'
	weir_stop
	has "$FIRST" 's["authorization"] == "Basic dTpodW50ZXI=" and s["faults"] == 0'
}

test_an_api_key_and_a_right_that_is_missing() {
	elastic 9200 'auth=ApiKey bXk6a2V5'
	echo bXk6a2V5 >"$T/key"
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL, token_file: $T/key}"
	pair
	live_long
	daemon
	flows 5
	wait_for agrees "$FIRST"
	mode "$FIRST" forbid
	flows 5
	wait_for grep -q 'security_exception: no right to write: tried again' "$T/weir.log"
	weir_stop
	fails grep -q bXk6a2V5 "$T/weir.log"
}

test_the_next_address_is_asked_when_one_dies() {
	local first
	elastic 9201
	elastic 9200
	first=$elastic_pid
	settings "    {type: elasticsearch, url: ['$FIRST', '$SECOND'], $SMALL}"
	pair
	live_long
	daemon
	flows 20
	wait_for agrees "$FIRST"
	has "$SECOND" 's["documents"] == 0'
	curl -fsS "$FIRST/-/documents" >"$T/kept"
	kill -KILL "$first"
	flows 20
	wait_for both_agree
	weir_stop
	both_agree
	has "$SECOND" 's["faults"] == 0 and s["put"] == 1'
}

# What the first had when it died, and the second
both_agree() {
	documents "$SECOND"
	cat "$T/kept" >>"$T/documents"
	sums_agree
}

test_an_address_that_is_not_available_is_passed_over() {
	elastic 9201
	elastic 9200 down
	settings "    {type: elasticsearch, url: ['$FIRST', '$SECOND'], $SMALL}"
	pair
	live_long
	daemon
	flows 10
	wait_for agrees "$SECOND"
	weir_stop
	has "$FIRST" 's["down"] >= 1 and s["documents"] == 0'
	has "$SECOND" 's["put"] == 1'
}

test_an_outage_over_a_restart_loses_nothing() {
	elastic 9200
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL, spool_path: $T/spool}"
	pair
	live_long
	daemon
	flows 20
	wait_for agrees "$FIRST"
	mode "$FIRST" down
	flows 100
	wait_for check stats 's["sinks"][0]["spooled"] > 0'
	weir_stop
	mode "$FIRST" busy=4
	daemon
	wait_for idle
	flows 10
	wait_for agrees "$FIRST"
	weir_stop
	agrees "$FIRST"
}

test_an_index_that_is_dropped_gets_its_template_again() {
	elastic 9200
	settings "    {type: elasticsearch, url: '$FIRST', $SMALL}"
	pair
	live_long
	daemon
	flows 10
	wait_for agrees "$FIRST"
	mode "$FIRST" missing
	flows 10
	wait_for grep -q 'HTTP 404.*tried again' "$T/weir.log"
	weir_stop
	has "$FIRST" 's["put"] == 2 and s["faults"] == 0'
	agrees "$FIRST"
}

# old_flows WANTED: so many to port 80; beside them are the test's own, to the server
old_flows() {
	documents "$FIRST"
	is "$(grep -c '"dst_port": 80,' "$T/documents")" -eq "$1"
}

# old_documents WANTED: so many, each with the old keys and the kernel's counts
old_documents() {
	documents "$FIRST"
	"$PYTHON" -S -E - "$T/entries.a" "$T/documents" "$1" <<-'END'
		import json, re, sys
		keys = """flow_state hostname start timestamp flow_id connmark src_addr dst_addr
		    packets_orig bytes_orig packets_ret bytes_ret src_port dst_port netns proto
		    packets_total bytes_total proto_name""".split()
		want, got = {}, {}
		for line in open(sys.argv[1]):
		    port = int(re.search(r"sport=(\d+) dport=80 ", line)[1])
		    want[port] = tuple(map(int, re.findall(r"(?:packets|bytes)=(\d+)", line)))
		for line in open(sys.argv[2]):
		    d = json.loads(line)
		    if list(d) != keys:
		        sys.exit("keys of %s" % d)
		    if d["dst_port"] != 80:
		        continue
		    got[d["src_port"]] = tuple(d[k] for k in keys[8:12])
		    if d["flow_state"] != "finished" or d["proto_name"] != "tcp":
		        sys.exit("%s" % d)
		if got != want or len(got) != int(sys.argv[3]):
		    differ = set(want.items()) ^ set(got.items())
		    sys.exit("%d and %d flows: %s" % (len(want), len(got), sorted(differ)))
	END
}

test_the_documents_of_conntracct_are_as_they_were() {
	elastic 9200 busy=3
	# a file of its own keys alone, but for what the environment says
	printf '%s\n' 'probe: {rate_curve: {0: {rate: 500ms}}}' 'sinks:' \
		"  a: {type: elastic, address: '$FIRST', database: ct, shards: 2, username: u," \
		'      password: p, batchSize: 9}' >"$T/weir.yml"
	pair
	live_long
	WEIR_REFRESH=200ms daemon
	flows 30
	wait_for old_flows 30
	# its flows end with weir, and no update that comes late opens one again
	weir_stop
	old_documents 30
	has "$FIRST" 's["busied"] > 0 and s["authorization"] == "Basic dTpw"'
	curl -fsS "$FIRST/-/bodies" >"$T/bodies"
	is "$("$PYTHON" -S -E -c 'import json, sys
for path, body in sorted(json.load(sys.stdin).items()):
    print(path, *body["index_patterns"], len(body.get("mappings", {}).get("properties", "")),
          body.get("settings", {}).get("number_of_shards", 0))' <"$T/bodies")" = \
		"/_template/conntracct_mappings.ct ct ct-* 15 0
/_template/conntracct_settings.ct ct ct-* 0 2"
}
