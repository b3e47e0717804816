# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# /metrics, as Prometheus and VictoriaMetrics read it: what they answer to a query is
# what the kernel counted. And the door it is behind.

# shellcheck source=tests/engines/servers.sh
. "${BASH_SOURCE[0]%/*}/servers.sh"

ROOT=${BASH_SOURCE[0]%/*}/../.. SOCKET=/run/weir/weir.sock
OPEN='application/openmetrics-text;version=1.0.0'

# settings LINE...: beside what every test here has
settings() {
	printf '%s\n' 'refresh: 200ms' 'report: [{age: 0s, every: 500ms}]' "$@" >"$T/weir.yml"
	"$WEIR" config check "$T/weir.yml"
}

# status_of URL [ARGUMENT...]: what curl was answered; the body is in $T/body
status_of() {
	curl -sS -m 5 -o "$T/body" -w '%{http_code}' "${@:2}" "$1"
}

# status_with AUTHORIZATION PATH
status_with() {
	status_of "$METRICS$2" -H "Authorization: $1"
}

# sample NAME [LABEL=VALUE...]: the sum of the samples of that name that have these; by
# the socket, since over TCP whoever asks would be counted
sample() {
	curl -fsS -m 5 --unix-socket "$SOCKET" http://weir/metrics >"$T/metrics"
	"$PYTHON" -S -E - "$T/metrics" "$@" <<-'END'
		import re, sys
		wanted = [tuple(pair.split("=")) for pair in sys.argv[3:]]
		total = 0
		for line in open(sys.argv[1]):
		    match = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
		    if not match or match[1] != sys.argv[2]:
		        continue
		    labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
		    if all(labels.get(key) == value for key, value in wanted):
		        total += float(match[3])
		print(int(total))
	END
}

test_a_transfer_is_in_prometheus_and_victoriametrics_to_the_byte() {
	local side metric
	needs prometheus
	start_victoria
	settings 'listen: {http: "127.0.0.1:9477"}' 'metrics: {services: [80, 443]}'
	pair
	live_long
	daemon
	start_prometheus
	transfer
	for side in orig reply; do
		metric="sum(weir_service_bytes_total{port=\"80\",side=\"$side\"})"
		wait_for equals "$(sums bytes_$side)" prometheus_says "$metric"
		wait_for equals "$(sums bytes_$side)" victoria "$metric"
	done
	is "$(sample weir_flow_bytes_total transport=tcp family=ipv4 flow_direction=outbound)" = \
		$(($(sums bytes_orig) + $(sums bytes_reply)))
	is "$(prometheus_says 'sum(weir_flow_packets_total{flow_direction="outbound"})')" = \
		$(($(sums packets_orig) + $(sums packets_reply)))
	# it asked for OpenMetrics, whose types it has understood
	curl -fsS -m 5 -G "$PROMETHEUS/api/v1/metadata" --data-urlencode 'limit=1000' \
		>"$T/metadata"
	"$PYTHON" -S -E - "$T/metadata" <<-'END'
		import json, sys
		data = json.load(open(sys.argv[1]))["data"]
		types = {name: rows[0]["type"] for name, rows in data.items()}
		assert types["weir_flow_bytes"] == "counter", types
		assert types["weir_build"] == "info", types
		assert types["weir_tcp_rtt_seconds"] == "histogram", types
		assert data["weir_flow_bytes"][0]["unit"] == "bytes", data["weir_flow_bytes"]
	END
	weir_stop
}

test_all_databases_at_once_have_the_same_transfer() {
	local side
	start_influxdb
	start_victoria
	start_prometheus
	elastic 9200
	settings 'listen: {http: "127.0.0.1:9477"}' 'metrics: {services: [80]}' 'sinks:' \
		'  search: {type: elasticsearch, url: "http://127.0.0.1:9200",' \
		'           filter: tcp port 80}' \
		"  influx: {type: influxdb, url: '$INFLUX', database: w, filter: tcp port 80}" \
		"  victoria: {type: influxdb, api: v2, url: '$VICTORIA', org: o, bucket: b," \
		'             string_fields: false, filter: tcp port 80}' \
		"  lines: {type: file, path: '$T/lines', filter: tcp port 80}" \
		"  old: {type: file, path: '$T/old', format: conntracct, filter: tcp port 80}" \
		'  nobody: {type: dummy}'
	pair
	live_long
	daemon
	transfer
	for side in orig reply; do
		wait_for equals "$(sums bytes_$side)" influx w \
			"SELECT SUM(bytes_$side) FROM weir_traffic"
		wait_for equals "$(sums bytes_$side)" victoria \
			"sum(sum_over_time(weir_traffic_bytes_${side}[1h]))"
		wait_for equals "$(sums bytes_$side)" prometheus_says \
			"sum(weir_service_bytes_total{port=\"80\",side=\"$side\"})"
	done
	wait_for check -f "$T/lines" distinct 20 'True' 'r.flow_id'
	wait_for equals 20 told_lines 'Update: '
	weir_stop
	check -f "$T/lines" total "$(sums bytes_reply)" 'True' 'r.delta_bytes_reply'
	is "$(told_lines 'Destroy: ')" = 20
	is "$(find "$T" -name faults -size +0)" = ''
	curl -fsS -m 10 http://127.0.0.1:9200/-/documents >"$T/documents"
	is "$(delta bytes_reply)" = "$(sums bytes_reply)"
}

# delta FIELD: what the documents add up to
delta() {
	"$PYTHON" -S -E -c 'import json, sys
delta = [json.loads(line)["weir"].get("delta", {}) for line in open(sys.argv[1])]
print(sum(each.get(sys.argv[2], 0) for each in delta))' "$T/documents" "$1"
}

# told_lines WORD: how many flows have a line that begins so
told_lines() {
	grep "^$1" "$T/old" | grep -o 'FlowID:[0-9]*' | sort -u | wc -l
}

# names_in FILE: its samples, without their values
names_in() {
	grep -v '^#' "$1" | sed 's/ [^ ]*$//'
}

test_what_both_forms_say_is_well_formed() {
	needs promtool
	settings 'listen: {http: "127.0.0.1:9477"}' 'metrics: {services: [80], processes: on}' \
		'sinks: {"one": {type: dummy}, "two": {type: dummy}}'
	pair
	daemon
	transfer
	wait_for equals 20 sample weir_flows_started_total transport=tcp
	curl -fsS -m 5 "$METRICS/metrics" >"$T/text"
	promtool check metrics <"$T/text"
	curl -fsS -m 5 -D "$T/head" -H "Accept: $OPEN" "$METRICS/metrics" >"$T/open"
	grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$T/head"
	is "$(tail -n 1 "$T/open")" = '# EOF'
	is "$(grep -cv . "$T/open" || true)" = 0
	# the same samples but for what changes meanwhile
	diff <(names_in "$T/text") <(names_in "$T/open")
	curl -fsS -m 5 -H 'Accept: application/openmetrics-text;q=0, */*' "$METRICS/metrics" |
		grep -q '^# TYPE weir_build_info gauge'
	curl -fsS -m 5 -H 'Accept-Encoding: gzip' -D "$T/head" -o "$T/zipped" "$METRICS/metrics"
	grep -qi '^content-encoding: gzip' "$T/head"
	gzip -dc "$T/zipped" | promtool check metrics
	weir_stop
}

test_alerts_fire_when_they_should_and_not_before() {
	needs promtool
	cp "$ROOT/share/alerts.yml" "$ROOT/tests/engines/alerts_test.yml" "$T"
	promtool check rules "$T/alerts.yml"
	promtool test rules "$T/alerts_test.yml"
	# of what weir has
	settings 'listen: {http: "127.0.0.1:9477"}' 'sinks: {one: {type: dummy}}'
	daemon
	curl -fsS -m 5 "$METRICS/metrics" >"$T/metrics"
	grep -o 'weir_[a-z_]*' "$T/alerts.yml" | sort -u >"$T/names"
	is "$(wc -l <"$T/names")" -ge 8
	while read -r name; do
		grep -q "^# TYPE $name " "$T/metrics" || {
			echo "no metric $name"
			return 1
		}
	done <"$T/names"
	weir_stop
}

test_connects_that_fail_and_reloads_are_counted() {
	settings 'listen: {http: "127.0.0.1:9477"}'
	pair
	daemon
	is "$(sample weir_config_last_reload_successful)" = 1
	inside a curl -s -m 5 http://10.0.0.2:81/ || true
	wait_for equals 1 sample weir_tcp_connect_failures_total reason=refused
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count 3 --send 1 \
		--reply 1
	wait_for equals 3 sample weir_tcp_connections_opened_total role=server
	echo 'nonsense: 1' >>"$T/weir.yml"
	kill -HUP "$weir_pid"
	wait_for equals 0 sample weir_config_last_reload_successful
	settings 'listen: {http: "127.0.0.1:9477"}'
	kill -HUP "$weir_pid"
	wait_for equals 1 sample weir_config_last_reload_successful
	weir_stop
}

# listens NS PORT
listens() {
	inside "$1" ss -Hltn "sport = $2" | grep -q "$2"
}

as_many() {
	is "$(sample "$1")" = "$(sample "$2")"
}

series_of() {
	curl -fsS -m 5 "$METRICS/metrics" | grep "^$1{" | grep -c 'side="orig"'
}

test_processes_beyond_the_budget_are_summed() {
	# room for fifty
	settings 'listen: {http: "127.0.0.1:9477"}' 'metrics: {processes: on, max_series: 1200}'
	pair
	daemon
	inside b socat -u TCP-LISTEN:82,fork,reuseaddr - >"$T/socat" &
	wait_for listens b 82
	"$PYTHON" -S -E - >"$T/named.sh" <<-'END'
		for i in range(70):
		    print(f"(printf p{i} >/proc/self/comm; exec 3<>/dev/tcp/10.0.0.2/82; echo >&3)")
	END
	inside a bash "$T/named.sh"
	wait_for equals 51 series_of weir_process_bytes_total
	wait_for at_least 20 sample weir_series_limited_total
	wait_for as_many weir_process_bytes_total weir_flow_bytes_total
	weir_stop
}

test_the_old_statistics_are_served() {
	settings 'listen: {http: "127.0.0.1:9477"}' 'sinks: {one: {type: dummy}}'
	pair
	daemon
	transfer
	wait_for old_counts
	weir_stop
}

old_counts() {
	curl -fsS -m 5 "$METRICS/stats" >"$T/old"
	"$PYTHON" -S -E - "$T/old" <<-'END'
		import json, sys
		old = json.load(open(sys.argv[1]))
		assert set(old) == {"pipeline", "probe", "sinks"}, old
		pipeline = old["pipeline"]
		events = pipeline["events_update"] + pipeline["events_destroy"]
		assert pipeline["events_total"] == events, pipeline
		assert pipeline["events_update"] >= 40, pipeline
		for name in "update_source", "destroy_source":
		    assert set(pipeline[name]) == {"events_received", "events_lost",
		                                   "event_queue_length"}
		assert set(old["probe"]) == {
		    "perf_events_total", "perf_bytes_total", "perf_events_update",
		    "perf_events_update_lost", "perf_events_destroy", "perf_events_destroy_lost"}
		assert old["probe"]["perf_bytes_total"] == 104 * old["probe"]["perf_events_total"]
		sink = old["sinks"]["one"]
		assert set(sink) == {
		    "update_events_pushed", "destroy_events_pushed", "update_events_dropped",
		    "destroy_events_dropped", "batch_length", "batches_queued",
		    "batch_queue_length", "batches_sent", "batches_dropped",
		    "batch_events_failed"}
		assert sink["update_events_pushed"] == pipeline["events_update"], old
	END
}

test_the_network_gets_metrics_and_with_the_token_all() {
	local token=ten-and-six-more-letters
	echo "$token" >"$T/token"
	settings "listen: {http: 'localhost:9477', token_file: '$T/token', hosts: 'weir.example'}"
	daemon
	is "$(status_of "$METRICS/api/v1/flows")" = 401
	for given in 'Bearer' 'Bearer ' "Basic $token" "$token" "Bearer ${token%?}" \
		"Bearer $token!"; do
		is "$(status_with "$given" /api/v1/flows)" = 401
	done
	is "$(status_with "bearer $token" /api/v1/flows)" = 200
	is "$(status_with "Bearer $token" /api/v1/stats)" = 200
	for path in /metrics /stats /-/healthy /-/ready; do
		is "$(status_of "$METRICS$path")" = 200
	done
	is "$(status_of "$METRICS/nothing")" = 404
	is "$(status_of "$METRICS/metrics" -X POST -d x)" = 405
	# a page that lets its name lead here
	for host in evil.example weir.example.evil evil '' 'localhost.evil:9477' '[::1' '[evil]'; do
		is "$(status_of "$METRICS/metrics" -H "Host: $host")" != 200 || [ -z "$host" ]
	done
	for host in weir.example WEIR.example:1 localhost:9477 10.1.2.3 '[::1]:9477' 127.0.0.1; do
		is "$(status_of "$METRICS/metrics" -H "Host: $host")" = 200
	done
	weir_stop
	settings 'listen: {http: "127.0.0.1:9477"}'
	daemon
	is "$(status_with 'Bearer ' /api/v1/flows)" = 403
	is "$(status_of "$METRICS/api/v1/flows" --unix-socket "$SOCKET")" = 200
	weir_stop
}

test_a_bad_address_or_token_is_told_at_start() {
	printf 'listen: {http: nonsense}\n' >"$T/bad.yml"
	status_is 2 "$WEIR" config check "$T/bad.yml" 2>"$T/refused"
	grep -q 'bad.yml:1:10: listen.http: "nonsense" has no port' "$T/refused"
	printf 'short' >"$T/token"
	settings "listen: {http: '127.0.0.1:9477', token_file: '$T/token'}"
	status_is 2 "$WEIR" run -c "$T/weir.yml" 2>"$T/refused"
	grep -q 'a token has 16 to' "$T/refused"
}

test_a_port_that_is_taken_is_tried_again() {
	socat TCP-LISTEN:9477,bind=127.0.0.1,reuseaddr /dev/null &
	socat_pid=$!
	wait_for listens_here 9477
	settings 'listen: {http: "127.0.0.1:9477"}'
	daemon
	grep -q 'listen.http 127.0.0.1:9477: Address already in use: tried again every 5 s' \
		"$T/weir.log"
	kill "$socat_pid"
	wait "$socat_pid" || true
	wait_for answers "$METRICS/metrics"
	is "$(grep -c 'already in use' "$T/weir.log")" = 1
	weir_stop
}

# Whoever holds every connection that the network may have holds none of the socket's.
test_a_crowd_on_the_network_keeps_nobody_off_the_socket() {
	settings 'listen: {http: "127.0.0.1:9477"}'
	daemon
	"$PYTHON" -S -E - <<-'END' &
		import select, socket
		held = []
		while len(held) < 40:
		    peer = socket.create_connection(("127.0.0.1", 9477))
		    peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
		    held.append(peer)
		while True:  # a letter at a time, for ever
		    select.select([], [], [], 0.2)
		    for peer in held:
		        try:
		            peer.sendall(b"x")
		        except OSError:
		            pass
	END
	crowd_pid=$!
	wait_for equals 503 status_of "$METRICS/metrics"
	for _ in 1 2 3; do
		is "$(status_of http://weir/metrics --unix-socket "$SOCKET")" = 200
	done
	kill "$crowd_pid"
	wait "$crowd_pid" || true
	wait_for equals 200 status_of "$METRICS/metrics"
	weir_stop
}
