// SPDX-License-Identifier: Apache-2.0
/*
 * YAML and JSON by libfyaml. Aliases and merge keys are followed here, with a
 * budget of nodes: the library, asked to resolve a document, takes hours over a
 * kilobyte of aliases of aliases.
 */
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "config/errors.h"
#include "config/tree.h"

struct yaml {
	struct config_errors *errors;
	unsigned nodes;
	bool stopped; /* one sentence about bounds or memory is enough */
};

static struct node *stop(struct yaml *yaml, unsigned line, unsigned column, const char *sentence)
{
	if (!yaml->stopped)
		config_error_at(yaml->errors, line, column, "%s", sentence);
	yaml->stopped = true;
	return NULL;
}

/* Where a node begins; of a map or list, where what encloses it says. */
static void place(struct fy_node *from, unsigned *line, unsigned *column)
{
	struct fy_token *token = fy_node_get_scalar_token(from);
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

	if (!mark)
		return;
	*line = (unsigned)mark->line + 1;
	*column = (unsigned)mark->column + 1;
}

static struct node *convert(struct yaml *yaml, struct fy_node *from, unsigned depth,
			    unsigned line, unsigned column);

static struct node *convert_scalar(struct yaml *yaml, struct fy_node *from, unsigned line,
				   unsigned column)
{
	struct node *node = node_new(NODE_SCALAR, line, column);
	const enum fy_node_style style = fy_node_get_style(from);
	const char *text;
	size_t n = 0;

	if (!node)
		return stop(yaml, line, column, "no memory");
	text = fy_node_get_scalar(from, &n);
	node->quoted = style != FYNS_PLAIN && style != FYNS_ANY;
	node->text = strndup(text ? text : "", n);
	if (node->text && strlen(node->text) == n)
		return node;
	node_free(node);
	return stop(yaml, line, column, "a NUL is in it");
}

static struct node *convert_list(struct yaml *yaml, struct fy_node *from, unsigned depth,
				 unsigned line, unsigned column)
{
	struct node *list = node_new(NODE_LIST, line, column), *child;
	struct fy_node *item;
	void *at = NULL;

	if (!list)
		return stop(yaml, line, column, "no memory");
	while ((item = fy_node_sequence_iterate(from, &at))) {
		child = convert(yaml, item, depth + 1, line, column);
		if (!child || !node_append(list, child, NULL, 0)) {
			node_free(list);
			return stop(yaml, line, column, "no memory");
		}
	}
	return list;
}

/* What a merge key brings and the map does not have itself. */
static bool merge(struct yaml *yaml, struct node *map, struct node *from)
{
	struct node *child;

	if (from->kind == NODE_LIST) {
		for (child = from->first; child; child = child->next) {
			if (!merge(yaml, map, child))
				return false;
		}
		return true;
	}
	if (from->kind != NODE_MAP) {
		stop(yaml, from->line, from->column, "<< is followed by a map or a list of maps");
		return false;
	}
	while ((child = from->first)) {
		from->first = child->next;
		child->next = NULL;
		if (node_find(map, child->key))
			node_free(child);
		else
			node_append(map, child, NULL, 0);
	}
	from->last = NULL;
	return true;
}

static bool convert_pair(struct yaml *yaml, struct node *map, struct fy_node_pair *pair,
			 unsigned depth, struct node *merged)
{
	struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
	unsigned line = map->line, column = map->column;
	struct node *child;
	const char *name;
	size_t n = 0;

	if (key)
		place(key, &line, &column);
	name = key ? fy_node_get_scalar(key, &n) : NULL;
	if (!name || memchr(name, '\0', n)) {
		stop(yaml, line, column, "a name is wanted here");
		return false;
	}
	if (value) {
		child = convert(yaml, value, depth + 1, line, column);
	} else {
		child = node_new(NODE_SCALAR, line, column);
		if (child)
			child->text = calloc(1, 1);
	}
	if (!child)
		return false;
	child->line = line;
	child->column = column;
	if (n == 2 && !memcmp(name, "<<", 2))
		return node_append(merged, child, NULL, 0);
	return node_append(map, child, name, n);
}

static struct node *convert_map(struct yaml *yaml, struct fy_node *from, unsigned depth,
				unsigned line, unsigned column)
{
	struct node *map = node_new(NODE_MAP, line, column);
	struct node *merged = node_new(NODE_LIST, line, column);
	struct fy_node_pair *pair;
	bool is_good = map && merged;
	void *at = NULL;

	while (is_good && (pair = fy_node_mapping_iterate(from, &at)))
		is_good = convert_pair(yaml, map, pair, depth, merged);
	is_good = is_good && merge(yaml, map, merged);
	node_free(merged);
	if (is_good)
		return map;
	node_free(map);
	return stop(yaml, line, column, "no memory");
}

static struct node *convert(struct yaml *yaml, struct fy_node *from, unsigned depth,
			    unsigned line, unsigned column)
{
	place(from, &line, &column);
	if (++yaml->nodes > TREE_NODES_MAX)
		return stop(yaml, line, column, "more than 10000 values, aliases followed");
	if (depth > TREE_DEPTH_MAX)
		return stop(yaml, line, column, "more than 32 levels");
	if (fy_node_is_alias(from)) {
		from = fy_node_resolve_alias(from);
		if (!from)
			return stop(yaml, line, column, "this alias leads nowhere");
	}
	switch (fy_node_get_type(from)) {
	case FYNT_SCALAR:
		return convert_scalar(yaml, from, line, column);
	case FYNT_SEQUENCE:
		return convert_list(yaml, from, depth, line, column);
	case FYNT_MAPPING:
		return convert_map(yaml, from, depth, line, column);
	}
	return stop(yaml, line, column, "not understood");
}

static void tell(struct config_errors *errors, struct fy_diag *diag)
{
	struct fy_diag_error *error;
	void *at = NULL;

	/* what follows a first syntax error is its echo */
	error = fy_diag_errors_iterate(diag, &at);
	if (error)
		config_error_at(errors, error->line > 0 ? (unsigned)error->line : 1,
				error->column > 0 ? (unsigned)error->column : 1, "%s", error->msg);
	else
		config_error_at(errors, 1, 1, "this is no YAML");
}

static struct node *empty_map(struct config_errors *errors)
{
	struct node *map = node_new(NODE_MAP, 1, 1);

	if (!map)
		config_error_at(errors, 1, 1, "no memory");
	return map;
}

/* Nothing but white space and comments: an empty file is the defaults. */
static bool is_blank(const char *text, size_t n)
{
	bool in_comment = false;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			in_comment = false;
		else if (text[i] == '#')
			in_comment = true;
		else if (!in_comment && !strchr(" \t\r", text[i]))
			return false;
	}
	return true;
}

/* The line of the first directive ("%YAML 1.2"), 0: none. The library, given one that is
 * cut off, reads for ever (0.7.12, found by fuzzing); a configuration needs none. */
static unsigned directive(const char *text, size_t n)
{
	unsigned line = 1;

	for (size_t i = 0; i < n; i++) {
		/* YAML knows more ends of lines than one, and a mark of byte order */
		if (text[i] == '%' && (i == 0 || (unsigned char)text[i - 1] < ' ' ||
				       (unsigned char)text[i - 1] > '~'))
			return line;
		line += text[i] == '\n';
	}
	return 0;
}

struct node *tree_read_yaml(const char *text, size_t n, bool json, struct config_errors *errors)
{
	struct fy_diag_cfg diag_conf;
	struct fy_parse_cfg conf = {
		.flags = FYPCF_QUIET | (json ? FYPCF_JSON_FORCE : FYPCF_JSON_NONE),
	};
	struct yaml yaml = { .errors = errors };
	struct fy_document *document;
	struct node *root = NULL;

	if (is_blank(text, n))
		return empty_map(errors);
	if (directive(text, n)) {
		config_error_at(errors, directive(text, n), 1, "directives are not read here");
		return NULL;
	}
	fy_diag_cfg_default(&diag_conf);
	conf.diag = fy_diag_create(&diag_conf);
	if (!conf.diag) {
		config_error_at(errors, 1, 1, "no memory");
		return NULL;
	}
	fy_diag_set_collect_errors(conf.diag, true);
	document = fy_document_build_from_string(&conf, text, n);
	if (!document)
		tell(errors, conf.diag);
	else if (fy_document_root(document))
		root = convert(&yaml, fy_document_root(document), 0, 1, 1);
	else
		root = empty_map(errors);
	fy_document_destroy(document);
	fy_diag_destroy(conf.diag);
	if (root && root->kind == NODE_SCALAR && node_is_null(root)) {
		node_free(root);
		root = empty_map(errors);
	}
	return root;
}
