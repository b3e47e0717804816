// SPDX-License-Identifier: Apache-2.0
/* JSON of the collector into what columns show. A newer collector may say more. */
#include "ui/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/why.h"

static uint64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	if (json_is_real(value) && json_real_value(value) >= 0)
		return (uint64_t)json_real_value(value);
	return SNAPSHOT_ABSENT;
}

uint64_t snapshot_count(const json_t *object, const char *name)
{
	const uint64_t value = number(object, name);

	return value == SNAPSHOT_ABSENT ? 0 : value;
}

const char *snapshot_text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static void read_end(struct snapshot_row *row, int side, const json_t *object,
		     const char *ip, const char *port)
{
	const char *address = snapshot_text(object, ip);
	const json_t *value = json_object_get(object, port);

	if (addr_parse(&row->addr[side], address, strlen(address)) < 0)
		memset(&row->addr[side], 0, sizeof(row->addr[side]));
	row->port[side] = (uint16_t)json_integer_value(value);
	row->has_ports = value != NULL;
}

static void put_process(char ret[SNAPSHOT_TEXT_SIZE], const json_t *object)
{
	const char *const client = snapshot_text(object, "client_comm");
	const char *const server = snapshot_text(object, "server_comm");
	char pid[2][24] = { "", "" };
	const char *const names[2] = { "client_pid", "server_pid" };

	for (int i = 0; i < 2; i++) {
		const uint64_t n = number(object, names[i]);

		if (n != SNAPSHOT_ABSENT)
			snprintf(pid[i], sizeof(pid[i]), "/%llu", (unsigned long long)n);
	}
	snprintf(ret, SNAPSHOT_TEXT_SIZE, "%s%s%s%s%s", client, *client ? pid[0] : "",
		 *server ? *client ? " > " : "> " : "", server, *server ? pid[1] : "");
}

bool snapshot_is_servers(const json_t *object)
{
	/* of two sockets those of the client, whoever its owner is */
	return !json_object_get(object, "server_retransmits") &&
	       !json_object_get(object, "server_rtt_us") &&
	       !json_object_get(object, "client_pid") &&
	       (json_object_get(object, "server_pid") ||
		!strcmp(snapshot_text(object, "direction"), "inbound"));
}

static void read_flow(struct snapshot_row *row, const json_t *object)
{
	const char *state = snapshot_text(object, "ct_state");

	row->id = strtoull(snapshot_text(object, "flow_id"), NULL, 16);
	snprintf(row->proto, sizeof(row->proto), "%s", snapshot_text(object, "proto"));
	snprintf(row->state, sizeof(row->state), "%s",
		 *state ? state : snapshot_text(object, "tcp_state"));
	snprintf(row->direction, sizeof(row->direction), "%s", snapshot_text(object, "direction"));
	put_process(row->process, object);
	read_end(row, 0, object, "src_ip", "src_port");
	read_end(row, 1, object, "dst_ip", "dst_port");
	row->rate_bps[0] = number(object, "rate_orig_bps");
	row->rate_bps[1] = number(object, "rate_reply_bps");
	row->bytes[0] = number(object, "bytes_orig");
	row->bytes[1] = number(object, "bytes_reply");
	row->rtt_us = number(object, "rtt_us");
	row->retransmits = number(object, "retransmits");
	/* the retransmits are of the local socket, the client's of two */
	row->segments = number(object, snapshot_is_servers(object) ? "tcp_segments_reply" :
								     "tcp_segments_orig");
	row->age_ms = number(object, "duration_ms");
}

static void read_group(struct snapshot_row *row, uint64_t seed, const json_t *object)
{
	const uint64_t pid = number(object, "pid");

	snprintf(row->key, sizeof(row->key), "%s", snapshot_text(object, "key"));
	row->id = hash_bytes(row->key, strlen(row->key), seed);
	row->flows = number(object, "flows");
	row->rate_bps[0] = number(object, "rate_out_bps");
	row->rate_bps[1] = number(object, "rate_in_bps");
	row->bytes[0] = number(object, "bytes_out");
	row->bytes[1] = number(object, "bytes_in");
	row->rtt_us = number(object, "rtt_us");
	row->retransmits = number(object, "retransmits");
	row->segments = number(object, "segments");
	row->age_ms = number(object, "age_ms");
	if (pid != SNAPSHOT_ABSENT)
		snprintf(row->process, sizeof(row->process), "%llu", (unsigned long long)pid);
}

static void read_sums(struct snapshot_sums *sums, const json_t *document)
{
	sums->at_ms = snapshot_count(document, "at_ms");
	sums->live = snapshot_count(document, "live");
	sums->flows = snapshot_count(document, "flows");
	sums->rows = snapshot_count(document, "rows");
	sums->rate_bps[0] = snapshot_count(document, "rate_out_bps");
	sums->rate_bps[1] = snapshot_count(document, "rate_in_bps");
	sums->connects = snapshot_count(document, "connects");
	sums->accepts = snapshot_count(document, "accepts");
	sums->failures = snapshot_count(document, "failures");
	sums->segments = snapshot_count(document, "segments");
	sums->retransmits = snapshot_count(document, "retransmits");
	sums->lost = snapshot_count(document, "lost");
	sums->cpu_seconds = json_number_value(json_object_get(document, "cpu_seconds"));
	snprintf(sums->notice, sizeof(sums->notice), "%s", snapshot_text(document, "notice"));
}

int snapshot_read(struct snapshot *ret, uint64_t seed, const char *bytes, size_t n,
		  struct why *why)
{
	struct snapshot read = { .document = json_loadb(bytes, n, 0, NULL) };
	json_t *rows = json_object_get(read.document, "top"), *object;
	size_t i;

	if (!json_is_array(rows)) {
		json_decref(read.document);
		return why_set(why, -EBADMSG, "the collector's answer makes no sense");
	}
	read.row = calloc(json_array_size(rows) + 1, sizeof(*read.row));
	if (!read.row) {
		json_decref(read.document);
		return why_set(why, -ENOMEM, "no memory for the view");
	}
	read.is_grouped = strcmp(snapshot_text(read.document, "by"), "flow") != 0;
	json_array_foreach(rows, i, object) {
		if (read.is_grouped)
			read_group(&read.row[read.count++], seed, object);
		else
			read_flow(&read.row[read.count++], object);
	}
	read_sums(&read.sums, read.document);
	snapshot_fini(ret);
	*ret = read;
	return 0;
}

void snapshot_fini(struct snapshot *snapshot)
{
	json_decref(snapshot->document);
	free(snapshot->row);
	*snapshot = (struct snapshot){ 0 };
}

json_t *snapshot_object(const struct snapshot *snapshot, size_t i)
{
	return json_array_get(json_object_get(snapshot->document, "top"), i);
}

double snapshot_retransmit_percent(const struct snapshot_row *row)
{
	if (row->retransmits == SNAPSHOT_ABSENT || row->segments == SNAPSHOT_ABSENT ||
	    !row->segments)
		return -1;
	return 100.0 * (double)row->retransmits / (double)row->segments;
}
