# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# InfluxDB and VictoriaMetrics: what they answer to a query is what the kernel
# counted.

# shellcheck source=tests/engines/servers.sh
. "${BASH_SOURCE[0]%/*}/servers.sh"

has_sums() {
	local field
	for field in bytes_orig packets_orig bytes_reply packets_reply; do
		is "$(influx "$1" "SELECT SUM($field) FROM weir_traffic WHERE \"proto\" = 'tcp'")" \
			= "$(sums "$field")"
	done
}

test_a_transfer_is_in_influxdb_to_the_byte() {
	start_influxdb
	settings "  one: {type: influxdb, url: '$INFLUX', database: we\"ir," \
		'        filter: tcp port 80}'
	pair
	live_long
	daemon
	transfer
	wait_for has_sums 'we"ir'
	# also after the end: what was told once is not told again
	weir_stop
	has_sums 'we"ir'
	is "$(influx 'we"ir' "SELECT COUNT(seq) FROM weir_flow WHERE service = '80'")" = 20
	is "$(influx 'we"ir' "SELECT SUM(bytes_reply) FROM weir_flow")" = "$(sums bytes_reply)"
}

test_the_lines_of_conntracct_are_in_influxdb_by_udp() {
	local last
	start_influxdb
	settings '  one: {type: influxdb-udp, address: "127.0.0.1:8089", filter: tcp port 80}' \
		'  two: {type: influxdb, api: udp, url: "127.0.0.1:8089", schema: conntracct,' \
		'        udp_payload_bytes: 1400, filter: tcp port 80}'
	pair
	live_long
	daemon
	transfer
	weir_stop
	# its points are totals: the last of each flow counts
	last='(SELECT LAST(bytes_ret) AS last FROM ct_acct GROUP BY flow_id)'
	wait_for equals 20 influx udp "SELECT COUNT(last) FROM $last"
	wait_for equals "$(sums bytes_reply)" influx udp "SELECT SUM(last) FROM $last"
	wait_for equals "$(sums bytes_orig)" influx udp \
		"SELECT SUM(bytes_orig) FROM weir_traffic WHERE \"proto\" = 'tcp'"
}

test_a_transfer_is_in_victoriametrics_to_the_byte() {
	local field
	start_victoria
	settings "  one: {type: influxdb, api: v2, url: '$VICTORIA', org: o, bucket: b," \
		'        string_fields: false, filter: tcp port 80}'
	pair
	live_long
	daemon
	transfer
	for field in bytes_reply packets_orig; do
		wait_for equals "$(sums $field)" victoria \
			"sum(sum_over_time(weir_traffic_${field}[1h]))"
	done
	weir_stop
	is "$(victoria 'sum(sum_over_time(weir_traffic_bytes_orig[1h]))')" = "$(sums bytes_orig)"
}

test_an_outage_over_a_restart_loses_nothing() {
	start_influxdb
	settings "  one: {type: influxdb, url: '$INFLUX', database: w, filter: tcp port 80," \
		"        spool_path: $T/spool}"
	pair
	live_long
	daemon
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count 50 \
		--send 1000 --reply 5000
	wait_for check stats '' 's["sinks"][0]["delivered"] >= 50'
	stop_influxdb
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count 200 \
		--send 1000 --reply 5000
	wait_for check stats '' 's["sinks"][0]["spooled"] > 0'
	weir_stop
	daemon
	grep -q 'are in the spool and come first' "$T/weir.log"
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count 50 \
		--send 1000 --reply 5000
	start_influxdb
	entries a
	wait_for check stats '' 's["sinks"][0]["spooled"] == 0' 's["sinks"][0]["queued"] == 0'
	weir_stop
	has_sums w
}
