// SPDX-License-Identifier: Apache-2.0
/* weir version: one line. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commit.h"
#include "cmd/options.h"

int cmd_version(int argc, char **argv)
{
	struct options options;
	struct settings settings;
	const int r = options_parse(&options, &settings, 0, argc, argv);

	if (r >= 0)
		return r;
	printf("weir %s, commit %s, built by %s %s\n", WEIR_VERSION, WEIR_COMMIT,
#ifdef __clang__
	       "clang",
#else
	       "gcc",
#endif
	       __VERSION__);
	return EXIT_OK;
}
