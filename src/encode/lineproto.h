/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ENCODE_LINEPROTO_H
#define WEIR_ENCODE_LINEPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/record.h"

/* InfluxDB's line protocol: MEASUREMENT,TAG=…,… FIELD=…,… NANOSECONDS. Tags are
 * sorted, none is empty, integers are clamped to what fits (2^63 - 1). Pure: the
 * time is the record's, and who feeds it sees to it that no two are equal. */

struct lineproto_conf {
	const char *host; /* borrowed; the tag host, may be NULL */
	bool string_fields;
	bool tag_netns, tag_container;
	bool source_ports; /* of the old tool's lines: the tag src_port */
};

/* weir_flow: a point for a flow. Its bytes_* and packets_* are totals, which may
 * not be summed over the points of one flow; its delta_* may. */
void lineproto_flow(struct buf *buf, const struct lineproto_conf *conf,
		    const struct record *record);
/* ct_acct, byte for byte what conntracct wrote, but for flow_id: weir's own, in
 * decimal. */
void lineproto_conntracct(struct buf *buf, const struct lineproto_conf *conf,
			  const struct record *record);

/* The parts of a line. Texts are escaped; what is no text becomes '?'. */
void lineproto_tag(struct buf *buf, const char *key, const char *value);
void lineproto_integer(struct buf *buf, const char *key, uint64_t value, bool is_first);
void lineproto_string(struct buf *buf, const char *key, const char *value, bool is_first);

/* "443" of a well-known port, else "other"; ret has room for 8. */
const char *lineproto_service(char ret[8], const struct record *record);

/* What conntracct called a protocol; "unknown" where it had no name. */
const char *lineproto_old_proto_name(uint8_t proto);

#endif
