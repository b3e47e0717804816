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
	int r;

	r = options_parse(&options, &settings, 0, argc, argv);
	if (r >= 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	if (options.output && !strcmp(options.output, "json"))
		engine_doctor_json(NULL, &out);
	else
		engine_doctor_text(&out);
	r = output_exit_code(output_write(out.data, out.len));
	buf_fini(&out);
	return r;
}
