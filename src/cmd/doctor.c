// SPDX-License-Identifier: Apache-2.0
/*
 * weir doctor: what this kernel and these privileges allow. It needs neither a
 * daemon nor root: it climbs the ladder itself and looks at conntrack.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/why.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "engine/engine.h"

int cmd_doctor(int argc, char **argv)
{
	struct options options;
	struct settings settings;
	struct buf out = { 0 };
	struct why why = { "" };
	int r;

	r = options_parse(&options, &settings, 0, argc, argv);
	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	if (engine_doctor(&settings, options.output && !strcmp(options.output, "json"), &out,
			  &why) < 0) {
		fprintf(stderr, "weir: %s\n", why.text);
		return EXIT_USAGE;
	}
	r = output_exit_code(output_write(out.data, out.len));
	buf_fini(&out);
	return r;
}
