// SPDX-License-Identifier: Apache-2.0
/* The defaults of a sink. */
#include "config/settings_sink.h"

#include <string.h>

#include "base/num.h"

void settings_sink_init(struct settings_sink *sink, const char *name, enum sink_type type)
{
	memset(sink, 0, sizeof(*sink));
	strncpy(sink->name, name, sizeof(sink->name) - 1);
	sink->type = type;
	sink->events = 1U << 0 | 1U << 1 | 1U << 2;
	sink->batch_records = 5000;
	sink->batch_bytes = 1U << 20;
	sink->batch_age_ns = NUM_NS_PER_S;
	sink->queue_bytes = 32U << 20;
	sink->give_up_ns = 300 * NUM_NS_PER_S;
	sink->spool_bytes = 1U << 30;
	sink->spool_age_ns = 7 * 86400 * NUM_NS_PER_S;
	memcpy(sink->path, "-", 2);
	memcpy(sink->format, "json", 5);
	sink->timeout_ns = 10 * NUM_NS_PER_S;
	sink->connect_timeout_ns = 5 * NUM_NS_PER_S;
	sink->gzip = true;
	sink->tls_verify = true;
	sink->per_flow = SINK_PER_FLOW_ENDED;
	sink->aggregate = true;
	sink->string_fields = true;
	sink->udp_payload_bytes = 512;
	sink->manage_template = true;
	sink->dedup = true;
	sink->shards = 3;
}
