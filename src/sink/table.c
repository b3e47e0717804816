// SPDX-License-Identifier: Apache-2.0
/* Every sink, by its type. */
#include <stddef.h>

#include "base/array.h"
#include "sink/sink.h"

static const struct sink_ops *const sink_table[] = {
	[SINK_FILE] = &sink_file,
	[SINK_INFLUXDB] = &sink_influxdb,
	[SINK_ELASTICSEARCH] = &sink_elasticsearch,
	[SINK_DUMMY] = &sink_dummy,
};

const struct sink_ops *sink_ops_of(enum sink_type type)
{
	return (size_t)type < ARRAY_LEN(sink_table) ? sink_table[type] : NULL;
}
