/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_CONFIG_H
#define WEIR_CONFIG_CONFIG_H

#include <stdbool.h>

#include "config/errors.h"
#include "config/settings.h"

struct why;

#define CONFIG_PATH_SIZE 512

/* The configuration: the file, wherever it is, then the environment. */
struct config_conf {
	const char *path; /* of -c; NULL: searched for */
	char *const *environment;
	/* Is that a filter? Else -EINVAL with the sentence and its column. What a filter
	 * is, is known further down the house. */
	int (*check_filter)(const char *text, unsigned *column, struct why *why);
};

/* Where the settings came from. */
struct config_origin {
	char path[CONFIG_PATH_SIZE]; /* empty: no file, the built-in defaults */
	bool is_old;                 /* it is a configuration of the old tool */
	char notice[256];            /* what a person should know about it; or empty */
};

/* Settings are those of the file and the environment, or, on failure, undefined.
 * Called again, it reads again. 0, or -EBADMSG: errors has all that is wrong. */
int config_load(struct settings *settings, struct config_origin *origin,
		const struct config_conf *conf, struct config_errors *errors);

/* Where the file is: conf->path, $WEIR_CONFIG, the user's, the system's, the old
 * tool's; empty: there is none. 0, or -EBADMSG (two in one place; named and not
 * there) with the sentence. */
int config_find(char ret[CONFIG_PATH_SIZE], const char *path, char *const *environment,
		struct why *why);

/* The effective settings as YAML that gives the same settings when it is read,
 * secrets masked. */
void config_show(const struct settings *settings, struct buf *buf);
/* Every setting with its default and what it does, as YAML. */
void config_example(struct buf *buf);

#endif
