# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A server that means no good costs its own sink: what that holds is counted, and the
# one beside it is delivered to all the while.

# shellcheck source=tests/engines/servers.sh
. "${BASH_SOURCE[0]%/*}/servers.sh"

# hostile PORT [CERT KEY]
hostile() {
	"$PYTHON" -S -E "$SUITE_FOLDER/hostile.py" "$1" "$T/log.$1" "${@:2}" >"$T/hostile.$1" 2>&1 &
	wait_for listens_here "$1"
}

# settings HOW...: a sink for each
settings() {
	local how
	printf '%s\n' 'refresh: 200ms' 'report: [{age: 0s, every: 500ms}]' \
		'drain_timeout: 1s' 'sinks:' >"$T/weir.yml"
	for how; do
		echo "  s$how: {type: influxdb, api: v2, org: o, bucket: b, timeout: 2s," \
			"url: 'http://127.0.0.1:8999/m/$how', batch_age: 200ms," \
			'per_flow: all, aggregate: off, filter: tcp port 80}' >>"$T/weir.yml"
	done
	"$WEIR" config check "$T/weir.yml"
}

flows() {
	traffic tcp --client-netns a --server-netns b --to 10.0.0.2 --port 80 --count "$1" \
		--send 100 --reply 1000
}

# every NAMES CONDITION: of each of these sinks, as `k` in Python; all have records
every() {
	check stats "sum(k['taken'] >= 20 and ($2) for k in s['sinks']
		if k['name'][1:] in '$1'.split()) == len('$1'.split())"
}

test_every_status_has_its_fate() {
	local how
	hostile 8999
	settings 204 redirect 400 401 403 404 405 407 408 413 418 429 later 500 503 599
	pair
	daemon
	flows 20
	wait_for every '204' "k['delivered'] == k['taken'] and k['up']"
	# they will never take it
	wait_for every '400 418 413' "k['dropped']['rejected'] == k['taken']"
	# they will, once somebody has mended them
	wait_for every 'redirect 401 403 404 405 407' "k['queued'] == k['taken'] and
		k['requests'] == 1 and not k['up']"
	is "$(grep -c 'tried again once a minute' "$T/weir.log")" = 6
	# later
	wait_for every '408 429 500 503 599' "k['queued'] == k['taken'] and k['retries'] >= 2"
	wait_for every 'later' "k['queued'] == k['taken'] and k['requests'] == 1"
	# nobody is sent elsewhere, nor told by the server what to print
	grep -q '^redirect ' "$T/log.8999"
	is "$(grep -c -e redirected "$T/log.8999" || true)" = 0
	is "$(grep -c -e "$(printf '\033')" "$T/weir.log" || true)" = 0
	for how in 401 500; do
		grep -q "sink s$how: HTTP $how" "$T/weir.log"
	done
	weir_stop
}

test_no_manner_of_answering_harms_more_than_its_sink() {
	hostile 8999
	settings 204 loris silent half huge headers garbage close bomb
	pair
	daemon
	flows 20
	wait_for every '204 huge bomb' "k['delivered'] == k['taken']"
	for _ in 1 2 3; do
		flows 20
		wait_for every '204' "k['delivered'] == k['taken'] and k['up']"
	done
	wait_for every 'loris silent half headers garbage close' "k['delivered'] == 0 and
		k['queued'] == k['taken'] and k['retries'] >= 1 and not k['up']"
	check stats "s['self']['rss_bytes'] < 400 << 20"
	weir_stop
}

test_a_certificate_that_is_not_trusted_gets_nothing() {
	needs openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-keyout "$T/key" -out "$T/cert" -subj /CN=localhost \
		-addext 'subjectAltName=IP:127.0.0.1' 2>"$T/openssl"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-keyout "$T/other.key" -out "$T/other.cert" -subj /CN=elsewhere \
		-addext 'subjectAltName=DNS:elsewhere' 2>"$T/openssl"
	hostile 8999 "$T/cert" "$T/key"
	hostile 8998 "$T/other.cert" "$T/other.key"
	settings 204
	sed -i 's/http:/https:/' "$T/weir.yml"
	sed "s/s204:/strusted:/; s|type:|tls_ca: $T/cert, type:|; 1,4d" "$T/weir.yml" >"$T/trusted"
	sed "s/s204:/sany:/; s|type:|tls_verify: off, type:|; 1,4d" "$T/weir.yml" >"$T/any"
	sed "s/s204:/sname:/; s|type:|tls_ca: $T/other.cert, type:|; s/8999/8998/; 1,4d" \
		"$T/weir.yml" >"$T/name"
	cat "$T/trusted" "$T/any" "$T/name" >>"$T/weir.yml"
	pair
	daemon
	flows 20
	wait_for every 'trusted any' "k['delivered'] == k['taken']"
	wait_for every '204 name' "k['delivered'] == 0 and k['retries'] >= 1"
	grep -q 'sink s204: .*self.signed certificate' "$T/weir.log"
	grep -q 'sink sname: .*127.0.0.1' "$T/weir.log"
	is "$(find "$T" -name log.8998)" = ''
	weir_stop
}

# What fits no more on the disk waits in memory, and none of it is lost or told twice.
test_a_full_disk_under_the_spool_loses_nothing_that_fits_into_memory() {
	settings 204
	sed -i "s|batch_age:|spool_path: $T/disk/spool, batch_records: 50, batch_age:|" \
		"$T/weir.yml"
	mkdir "$T/disk"
	mount -t tmpfs -o size=128k none "$T/disk"
	pair
	daemon
	flows 1000
	wait_for every '204' "k['taken'] >= 1000 and k['spooled'] > 0 and k['queued'] > 0"
	wait_for grep 'No space left on device' "$T/weir.log"
	hostile 8999
	wait_for every '204' "k['delivered'] == k['taken'] and k['queued'] == k['spooled'] == 0"
	check stats "sum(s['sinks'][0]['dropped'].values()) == 0"
	is "$(awk '{ n += $3 } END { print n }' "$T/log.8999")" -ge 1000
	weir_stop
}
