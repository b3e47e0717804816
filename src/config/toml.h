/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_TOML_H
#define WEIR_CONFIG_TOML_H

/* What toml.cc, the one file of C++, is asked for; C on both sides of it. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a tree is built, level by level. Texts are valid during the call and not
 * terminated. Each returns 0, or less to stop. */
struct toml_outlet {
	/* a map ('m') or list ('l') opens, or a scalar ('s' a string, 'p' plain) stands */
	int (*value)(void *context, char kind, const char *key, size_t key_n, const char *text,
		     size_t text_n, unsigned line, unsigned column);
	int (*close)(void *context);
	void (*error)(void *context, unsigned line, unsigned column, const char *sentence);
	void *context;
};

/* 0, or -1 after outlet->error or a refusal of value. */
int toml_read(const char *text, size_t n, const struct toml_outlet *outlet);

#ifdef __cplusplus
}
#endif

#endif
