/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CMD_LOAD_H
#define WEIR_CMD_LOAD_H

#include "config/config.h"

/* The settings of the file (path: of -c, or NULL) and the environment. What is
 * wrong is printed to stderr, a line each. 0, or -EBADMSG. */
int load_settings(struct settings *settings, struct config_origin *origin, const char *path);
/* Is that a filter? For config_conf. */
int load_check_filter(const char *text, unsigned *column, struct why *why);

#endif
