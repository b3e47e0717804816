# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Real servers on the loopback of a sandbox, which is theirs alone: so their ports
# are fixed, and they end with it.

INFLUX=http://127.0.0.1:8086 VICTORIA=http://127.0.0.1:8428
# the last is weir's own
PROMETHEUS=http://127.0.0.1:9090 METRICS=http://127.0.0.1:9477

needs() {
	local program
	for program; do
		command -v "$program" >"$T/which" || skip "there is no $program"
	done
}

listens_here() {
	ss -Hltn "sport = $1" | grep -q "$1"
}

answers() {
	curl -fsS -m 5 -o "$T/answer" "$@"
}

# start_influxdb: version 1, with a UDP listener on 8089 into the database "udp"
start_influxdb() {
	needs influxd curl
	cat >"$T/influxdb.conf" <<-END
		reporting-disabled = true
		bind-address = "127.0.0.1:8088"
		[meta]
		  dir = "$T/influxdb/meta"
		[data]
		  dir = "$T/influxdb/data"
		  wal-dir = "$T/influxdb/wal"
		[monitor]
		  store-enabled = false
		[http]
		  bind-address = "127.0.0.1:8086"
		  log-enabled = false
		[[udp]]
		  enabled = true
		  bind-address = "127.0.0.1:8089"
		  database = "udp"
		  precision = "n"
		  batch-timeout = "100ms"
	END
	influxd -config "$T/influxdb.conf" >"$T/influxd.out" 2>&1 &
	influxd_pid=$!
	wait_for answers "$INFLUX/ping"
}

stop_influxdb() {
	kill -KILL "$influxd_pid"
	wait "$influxd_pid" || true
}

# influx DATABASE QUERY: the values of the one row, by commas
influx() {
	curl -fsS -m 10 -G "$INFLUX/query" --data-urlencode "db=$1" --data-urlencode "q=$2" \
		-H 'Accept: application/csv' >"$T/influx.csv"
	tail -n 1 "$T/influx.csv" | cut -d, -f4-
}

# What scrapes weir, and how often.
scraping() {
	cat >"$T/scrape.yml" <<-END
		scrape_configs:
		  - job_name: weir
		    scrape_interval: 1s
		    static_configs: [{targets: ["${METRICS#http://}"]}]
	END
}

# It takes writes, and scrapes weir.
start_victoria() {
	needs victoria-metrics curl
	scraping
	victoria-metrics -httpListenAddr="${VICTORIA#http://}" -storageDataPath="$T/victoria" \
		-promscrape.config="$T/scrape.yml" \
		-retentionPeriod=1 -search.latencyOffset=0s -memory.allowedBytes=128MB \
		-loggerLevel=ERROR >"$T/victoria.out" 2>&1 &
	wait_for answers "$VICTORIA/health"
}

# victoria QUERY: its value now
victoria() {
	answers "$VICTORIA/internal/force_flush"
	value_of "$VICTORIA/api/v1/query" "$1"
}

start_prometheus() {
	needs prometheus curl
	scraping
	prometheus --config.file="$T/scrape.yml" --storage.tsdb.path="$T/prometheus" \
		--web.listen-address="${PROMETHEUS#http://}" --log.level=error \
		>"$T/prometheus.out" 2>&1 &
	wait_for answers "$PROMETHEUS/-/ready"
}

# elastic PORT [MODE...]: what stands in for Elasticsearch; its process is elastic_pid
# shellcheck disable=SC2034
elastic() {
	needs curl
	"$PYTHON" -S -E "$SUITE_FOLDER/elastic.py" "$1" "$T/faults" "${@:2}" \
		>"$T/elastic.$1.log" 2>&1 &
	elastic_pid=$!
	wait_for answers "http://127.0.0.1:$1/-/stats"
}

# prometheus_says QUERY: its value now
prometheus_says() {
	value_of "$PROMETHEUS/api/v1/query" "$1"
}

# value_of URL QUERY: the one value of a PromQL query
value_of() {
	curl -fsS -m 10 -G "$1" --data-urlencode "query=$2" >"$T/value.json"
	"$PYTHON" -S -E -c 'import json, sys
rows = json.load(sys.stdin)["data"]["result"]
print(int(float(rows[0]["value"][1])) if rows else "nothing")' <"$T/value.json"
}

# equals VALUE COMMAND...: it prints that
equals() {
	local want=$1 got
	shift
	got=$("$@")
	is "$got" = "$want"
}

at_least() {
	local want=$1 got
	shift
	got=$("$@")
	is "$got" -ge "$want"
}

# --- weir, and what is to be found there -------------------------------------------

# settings LINE...: sinks, as lines of YAML below "sinks:"
settings() {
	printf '%s\n' 'refresh: 200ms' 'report: [{age: 0s, every: 500ms}]' 'sinks:' "$@" \
		>"$T/weir.yml"
	"$WEIR" config check "$T/weir.yml"
}

# daemon: in a network that is there, so that its entries are counted from the first
# shellcheck disable=SC2034
daemon() {
	"$WEIR" run -c "$T/weir.yml" >"$T/records" 2>"$T/weir.log" &
	weir_pid=$!
	wait_for is_ready
}

# sums FIELD: over the entries of namespace a, as the kernel has them
sums() {
	"$PYTHON" -S -E - "$T/entries.a" "$1" <<-'END'
		import re, sys
		word, _, side = sys.argv[2].partition("_")
		find = re.compile(word + r"=(\d+)").findall
		print(sum(int(find(line)[side == "reply"]) for line in open(sys.argv[1])))
	END
}

# transfer: traffic of known size from a to b, whose entries stay
transfer() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count 20 \
		--send 30000 --reply 100000
	entries a
}
