// SPDX-License-Identifier: Apache-2.0
/* Settings for a command, and what is wrong with them told to a person. */
#include "cmd/load.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "flow/filter.h"

int load_check_filter(const char *text, unsigned *column, struct why *why)
{
	struct filter *filter = NULL;
	const int r = filter_new(&filter, text, column, why);

	filter_free(filter);
	return r;
}

int load_settings(struct settings *settings, struct config_origin *origin, const char *path)
{
	const struct config_conf conf = { .path = path,
					  .environment = environ,
					  .check_filter = load_check_filter };
	struct config_errors errors = { 0 };
	int r;

	r = config_load(settings, origin, &conf, &errors);
	if (r < 0)
		fwrite(errors.text.data, 1, errors.text.len, stderr);
	if (errors.count > CONFIG_ERRORS_SHOWN)
		fprintf(stderr, "and %u more\n", errors.count - CONFIG_ERRORS_SHOWN);
	if (r == 0 && origin->notice[0])
		fprintf(stderr, "weir: %s\n", origin->notice);
	config_errors_fini(&errors);
	return r;
}
