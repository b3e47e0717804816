// SPDX-License-Identifier: Apache-2.0
/* Every encoder of this build, by name. */
#include <stddef.h>
#include <string.h>

#include "encode/encode.h"

const struct encoder *const encoder_list[] = {
	&encoder_json, &encoder_csv, &encoder_table, &encoder_trace, &encoder_conntracct,
	&encoder_nettracer, &encoder_nettracer_hex,
	NULL,
};

const struct encoder *encoder_find(const char *name)
{
	for (size_t i = 0; encoder_list[i]; i++) {
		if (!strcmp(encoder_list[i]->name, name))
			return encoder_list[i];
	}
	return NULL;
}
