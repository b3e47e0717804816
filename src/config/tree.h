/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONFIG_TREE_H
#define WEIR_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct config_errors;

/* A configuration file as a tree, the same whether it is YAML, JSON or TOML.
 * Scalars are text: what they mean is decided by the schema, so that a "no", an
 * "012" or a "1e3" never surprises. */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	bool quoted;           /* a scalar in quotes: never null */
	unsigned line, column; /* from 1; of a member of a map: of its key */
	char *key;             /* owned: its name, in a map; else NULL */
	char *text;            /* owned: of a scalar, without NUL inside; else NULL */
	struct node *first, *last, *next; /* children, owned; sibling */
};

/* The bounds of a file: what goes beyond is refused, not read on. */
#define TREE_BYTES_MAX (10U << 20)
#define TREE_NODES_MAX 10000U
#define TREE_DEPTH_MAX 32U

/* NULL: no memory. */
struct node *node_new(enum node_kind kind, unsigned line, unsigned column);
void node_free(struct node *node); /* with all below it; NULL is a no-op */
/* Gives the child away; key (copied) for a map, else NULL. False: no memory, and
 * the child is freed. */
bool node_append(struct node *parent, struct node *child, const char *key, size_t n);
const struct node *node_find(const struct node *map, const char *key);
/* Appends the node as JSON; scalars as strings, unless they are plain numbers,
 * true, false or null. */
void node_json(const struct node *node, struct buf *buf);
/* True of a scalar that says nothing: `key:` or `key: null`. */
bool node_is_null(const struct node *node);

/* Reads n bytes of text; the extension of path decides how: .toml, .json, else
 * YAML. An empty file is an empty map. NULL: errors has why. */
struct node *tree_read(const char *path, const char *text, size_t n,
		       struct config_errors *errors);

/* The readers of tree_read. */
struct node *tree_read_yaml(const char *text, size_t n, bool json, struct config_errors *errors);

#endif
