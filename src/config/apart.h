/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_APART_H
#define WEIR_CONFIG_APART_H

#include <stddef.h>

#include "config/tree.h"

/* tree_read in a process of its own: the libraries that read YAML and TOML have bytes
 * over which they crash or go on for ever, and a daemon that is told to read its file
 * again must survive that. Ten seconds at most. As tree_read. */
struct node *apart_read(const char *path, const char *text, size_t n,
			struct config_errors *errors);

#endif
