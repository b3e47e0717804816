/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_LEGACY_H
#define WEIR_CONFIG_LEGACY_H

#include <stdbool.h>

#include "config/settings.h"
#include "config/tree.h"

struct config_errors;
struct why;

/* The keys of conntracct, the tool that weir follows. */

/* True of a file that uses its keys and sink types only, and uses some. */
bool legacy_is_file(const struct node *root);
/* A top-level key of it: taken over; false: it is none of them. */
bool legacy_set(struct settings *settings, const struct node *node, struct config_errors *errors);
/* What a sink's type is called here; what goes with the old word is set once the
 * sink is there. -1: it is none of its types. */
int legacy_sink_type(const char *word);
void legacy_sink_init(struct settings_sink *sink, const char *word, bool is_old);
/* The key that a sink's old key has here; NULL: it is none of them. */
const char *legacy_sink_key(const char *key);
/* What a file of the old tool implies without saying it, after all is set. */
void legacy_finish(struct settings *settings);
/* api_enabled and api_endpoint become listen.http, unless that is set. */
void legacy_settle_api(struct settings *settings, bool is_old);
/* CT_API_ENABLED and its like. */
void legacy_apply_environment(struct settings *settings, char *const *environment,
			      struct config_errors *errors);

#endif
