// SPDX-License-Identifier: Apache-2.0
/*
 * The lines of conntracct's stdout sink, for what was written to read them:
 *
 *	Update: {Start:… Timestamp:… FlowID:… Connmark:… SrcAddr:… … Proto:6}
 *
 * Two things are better than they were. Both times are wall-clock nanoseconds
 * (Timestamp counted from boot), and connPtr, the address of a kernel object, is
 * not there. FlowID is weir's flow_id in decimal: the old one was cut from a hash
 * over that address, and nobody can know it. Socket events have no line.
 */
#include <arpa/inet.h>

#include "encode/encode.h"
#include "encode/value.h"

static void put(struct buf *buf, const char *label, uint64_t value)
{
	buf_puts(buf, label);
	buf_u64(buf, value);
}

static void put_either(struct buf *buf, const char *label, const struct record *record,
		       unsigned id)
{
	put(buf, label,
	    record_has(record, id) ? value_integer(&field_table[id], record) : 0);
}

static void conntracct_record(struct buf *buf, const struct encode_conf *conf,
			      const struct record *record)
{
	if (record->event > EVENT_END)
		return;
	buf_puts(buf, record->event == EVENT_END ? "Destroy: {" : "Update: {");
	put_either(buf, "Start:", record, FIELD_START);
	put_either(buf, " Timestamp:", record, FIELD_TIME);
	put_either(buf, " FlowID:", record, FIELD_FLOW_ID);
	put_either(buf, " Connmark:", record, FIELD_MARK);
	buf_puts(buf, " SrcAddr:");
	addr_append(buf, &record->orig.addr[INITIATOR]);
	buf_puts(buf, " DstAddr:");
	addr_append(buf, &record->orig.addr[RESPONDER]);
	put_either(buf, " PacketsOrig:", record, FIELD_PACKETS_ORIG);
	put_either(buf, " BytesOrig:", record, FIELD_BYTES_ORIG);
	put_either(buf, " PacketsRet:", record, FIELD_PACKETS_REPLY);
	put_either(buf, " BytesRet:", record, FIELD_BYTES_REPLY);
	put_either(buf, " SrcPort:", record, FIELD_SRC_PORT);
	put_either(buf, " DstPort:", record, FIELD_DST_PORT);
	put_either(buf, " NetNS:", record, FIELD_NETNS);
	put(buf, " Proto:", record->orig.proto);
	buf_puts(buf, "}\n");
}

const struct encoder encoder_conntracct = {
	.name = "conntracct",
	.help = "the lines of conntracct's stdout sink",
	.content_type = "text/plain; charset=utf-8",
	.record = conntracct_record,
};
