# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A database that is away for a minute under 2,000 records a second, and a weir that
# is stopped and started meanwhile: what is missing afterwards is nothing.

# shellcheck source=tests/engines/servers.sh
. "${BASH_SOURCE[0]%/*}/servers.sh"

PER_S=1000 FLOWS=30000

# flows PORT: each a datagram there and one back, and over a second later
flows() {
	traffic udp --client-netns a --server-netns b --source 10.0.0.1 --source-port 20000 \
		--to 10.0.0.2 --port "$1" --count "$FLOWS" --rate "$PER_S" --send 100 --reply 200
}

ended() {
	check stats "s['table']['ended'] >= $1 and s['table']['live'] == 0"
}

none_waits() {
	check stats '' 's["sinks"][0]["spooled"] == 0' 's["sinks"][0]["queued"] == 0'
}

test_a_minute_without_the_database_loses_no_record() {
	local name
	start_influxdb
	settings "  one: {type: influxdb, url: '$INFLUX', database: w, per_flow: all," \
		"        filter: 'udp and (port 80 or port 81)', spool_path: $T/spool}"
	pair
	room_for 100000
	for name in a b; do
		inside "$name" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
			net.netfilter.nf_conntrack_udp_timeout_stream=1
	done
	daemon
	flows 80 &
	flows_pid=$!
	wait_for check stats 's["sinks"][0]["delivered"] > 2000'
	stop_influxdb
	wait "$flows_pid"
	wait_for ended "$FLOWS"
	check stats '' "s['sinks'][0]['taken'] >= 2 * $FLOWS" 's["sinks"][0]["spooled"] > 0'
	weir_stop
	daemon
	grep -q 'are in the spool and come first' "$T/weir.log"
	flows 81
	wait_for ended "$FLOWS"
	start_influxdb
	wait_for none_waits
	check stats '' \
		's["sinks"][0]["dropped"] == {"full": 0, "rejected": 0, "closed": 0, "expired": 0,
			"spool": 0}'
	weir_stop
	for port in 80 81; do
		is "$(influx w "SELECT COUNT(seq) FROM weir_flow WHERE service = '$port' AND
			event = 'end'")" = "$FLOWS"
		is "$(influx w "SELECT SUM(delta_bytes_orig), SUM(delta_bytes_reply)
			FROM weir_flow WHERE service = '$port'")" = \
			"$((FLOWS * 128)),$((FLOWS * 228))"
		is "$(influx w "SELECT SUM(bytes_orig), SUM(bytes_reply) FROM weir_traffic
			WHERE service = '$port'")" = "$((FLOWS * 128)),$((FLOWS * 228))"
	done
}
