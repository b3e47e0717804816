// SPDX-License-Identifier: Apache-2.0
/* weir config: is the file right, what is in force, what could be in it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "config/config.h"

extern char **environ;

static int usage(FILE *to)
{
	fputs("usage: weir config check|show [FILE]\n"
	      "       weir config example\n\n"
	      "  check     read the configuration as weir run would and list all that is wrong\n"
	      "  show      print the settings that are in force, secrets masked\n"
	      "  example   print every setting with its default and what it does\n\n"
	      "Without FILE: that of -c, $WEIR_CONFIG, the user's, or the system's\n", to);
	return to == stdout ? EXIT_OK : EXIT_USAGE;
}

static int check(const struct settings *settings, const struct config_origin *origin)
{
	printf("%s: ok, %zu sink%s\n", origin->path[0] ? origin->path : "built-in defaults",
	       settings->sink_count, settings->sink_count == 1 ? "" : "s");
	return EXIT_OK;
}

static int show(const struct settings *settings, const struct config_origin *origin)
{
	struct buf buf = { 0 };

	printf("# from %s and the environment\n", origin->path[0] ? origin->path :
								    "the built-in defaults");
	config_show(settings, &buf);
	fwrite(buf.data, 1, buf.len, stdout);
	buf_fini(&buf);
	return EXIT_OK;
}

static int example(void)
{
	struct buf buf = { 0 };

	config_example(&buf);
	fwrite(buf.data, 1, buf.len, stdout);
	buf_fini(&buf);
	return EXIT_OK;
}

static int unknown(const char *word)
{
	struct nearest nearest = { .word = word, .n = strlen(word) };

	nearest_offer(&nearest, "check");
	nearest_offer(&nearest, "show");
	nearest_offer(&nearest, "example");
	fprintf(stderr, "weir: config has no \"%.40s\"%s%s%s\n", word,
		nearest.best ? ", did you mean " : ": there are check, show and example",
		nearest.best ? nearest.best : "", nearest.best ? "?" : "");
	return EXIT_USAGE;
}

int cmd_config(int argc, char **argv)
{
	static struct settings settings; /* large for a stack */
	struct config_origin origin;
	const char *path = NULL, *word;

	if (argc >= 4 && !strcmp(argv[2], "-c")) {
		path = argv[3];
		argc -= 2;
	} else if (argc >= 3) {
		path = argv[2];
	}
	word = argc > 1 ? argv[1] : "";
	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		return usage(stdout);
	if (argc < 2 || argc > 3)
		return usage(stderr);
	if (!strcmp(word, "example") && argc == 2)
		return example();
	if (strcmp(word, "check") && strcmp(word, "show"))
		return unknown(word);
	if (load_settings(&settings, &origin, path) < 0)
		return EXIT_USAGE;
	return !strcmp(word, "check") ? check(&settings, &origin) : show(&settings, &origin);
}
