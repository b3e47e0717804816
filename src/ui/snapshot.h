/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_UI_SNAPSHOT_H
#define WEIR_UI_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct why;

/* One answer of /api/v1/top, read: what a live view shows until the next. */

#define SNAPSHOT_TEXT_SIZE 96
#define SNAPSHOT_ABSENT UINT64_MAX

struct snapshot_row {
	uint64_t id;                    /* flow id, or a hash of the key */
	char key[SNAPSHOT_TEXT_SIZE];   /* of a group */
	char proto[16], state[24], direction[16];
	char process[SNAPSHOT_TEXT_SIZE];
	struct addr addr[2];            /* of a flow: initiator, responder */
	uint16_t port[2];
	bool has_ports;
	uint64_t flows;                 /* of a group */
	/* SNAPSHOT_ABSENT: not known. Of a flow from the initiator and from the responder,
	 * of a group out and in. */
	uint64_t rate_bps[2], bytes[2];
	uint64_t rtt_us, retransmits, segments, age_ms;
};

/* What is of the host and of all that match. */
struct snapshot_sums {
	uint64_t at_ms;   /* of the collector's clock */
	uint64_t live, flows, rows, rate_bps[2]; /* all; that match; rows there are; out, in */
	uint64_t connects, accepts, failures, segments, retransmits, lost; /* only grow */
	double cpu_seconds;
	char notice[320]; /* empty: none */
};

struct snapshot {
	json_t *document; /* owned: the answer as it came */
	bool is_grouped;
	struct snapshot_sums sums;
	struct snapshot_row *row; /* owned */
	size_t count;
};

/* Replaces *ret; on failure it is kept. The id of a group is a hash of its key that begins
 * with `seed`. 0, -EBADMSG with the sentence, -ENOMEM. */
int snapshot_read(struct snapshot *ret, uint64_t seed, const char *bytes, size_t n,
		  struct why *why);
void snapshot_fini(struct snapshot *snapshot);
/* A member of an object: what is absent or of another type is "" and 0. */
const char *snapshot_text(const json_t *object, const char *name);
uint64_t snapshot_count(const json_t *object, const char *name);
/* The i-th row's own object. */
json_t *snapshot_object(const struct snapshot *snapshot, size_t i);
/* What is known of one socket of that flow is of the responder's: no other is here. */
bool snapshot_is_servers(const json_t *object);
/* Retransmitted of sent segments in percent; below 0: not known. */
double snapshot_retransmit_percent(const struct snapshot_row *row);

#endif
