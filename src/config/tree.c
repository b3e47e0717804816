// SPDX-License-Identifier: Apache-2.0
/* The tree of a configuration file: made by the readers, walked by config.c.
 * The bounds (bytes, nodes, depth) are kept here and in the readers. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/num.h"
#include "config/errors.h"
#include "config/toml.h"

struct node *node_new(enum node_kind kind, unsigned line, unsigned column)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->line = line;
	node->column = column;
	return node;
}

void node_free(struct node *node)
{
	struct node *child;

	if (!node)
		return;
	while ((child = node->first)) {
		node->first = child->next;
		node_free(child);
	}
	free(node->key);
	free(node->text);
	free(node);
}

bool node_append(struct node *parent, struct node *child, const char *key, size_t n)
{
	if (key) {
		free(child->key);
		child->key = strndup(key, n);
		if (!child->key) {
			node_free(child);
			return false;
		}
	}
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	return true;
}

const struct node *node_find(const struct node *map, const char *key)
{
	const struct node *child;

	for (child = map->first; child; child = child->next) {
		if (child->key && !strcmp(child->key, key))
			return child;
	}
	return NULL;
}

bool node_is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

static bool is_bare(const struct node *node)
{
	uint64_t number;

	if (node->quoted)
		return false;
	return !strcmp(node->text, "true") || !strcmp(node->text, "false") ||
	       (node->text[0] != '0' &&
		num_parse_u64(&number, node->text, strlen(node->text)) == 0) ||
	       !strcmp(node->text, "0");
}

void node_json(const struct node *node, struct buf *buf)
{
	const struct node *child;

	if (node->kind == NODE_SCALAR) {
		if (node_is_null(node))
			buf_puts(buf, "null");
		else if (is_bare(node))
			buf_puts(buf, node->text);
		else
			json_append_string(buf, node->text, strlen(node->text));
		return;
	}
	buf_putc(buf, node->kind == NODE_MAP ? '{' : '[');
	for (child = node->first; child; child = child->next) {
		if (child != node->first)
			buf_putc(buf, ',');
		if (node->kind == NODE_MAP) {
			json_append_string(buf, child->key, strlen(child->key));
			buf_putc(buf, ':');
		}
		node_json(child, buf);
	}
	buf_putc(buf, node->kind == NODE_MAP ? '}' : ']');
}

/* --- TOML ------------------------------------------------------------------- */

struct growing {
	struct node *open[TREE_DEPTH_MAX + 1];
	unsigned depth, nodes;
	struct config_errors *errors;
};

static int grow(void *context, char kind, const char *key, size_t key_n, const char *text,
		size_t text_n, unsigned line, unsigned column)
{
	struct growing *growing = context;
	struct node *parent = growing->open[growing->depth], *node;

	if (++growing->nodes > TREE_NODES_MAX) {
		config_error_at(growing->errors, line, column, "more than %u values",
				TREE_NODES_MAX);
		return -1;
	}
	if (memchr(text, '\0', text_n) || memchr(key ? key : "", '\0', key_n)) {
		config_error_at(growing->errors, line, column, "a NUL is in it");
		return -1;
	}
	node = node_new(kind == 'm' ? NODE_MAP : kind == 'l' ? NODE_LIST : NODE_SCALAR, line,
			column);
	if (node && node->kind == NODE_SCALAR) {
		node->quoted = kind == 's';
		node->text = strndup(text, text_n);
	}
	if (!node || (node->kind == NODE_SCALAR && !node->text) ||
	    !node_append(parent, node, parent->kind == NODE_MAP ? key : NULL, key_n)) {
		config_error_at(growing->errors, line, column, "no memory");
		return -1;
	}
	if (node->kind == NODE_SCALAR)
		return 0;
	if (growing->depth == TREE_DEPTH_MAX) {
		config_error_at(growing->errors, line, column, "more than %u levels",
				TREE_DEPTH_MAX);
		return -1;
	}
	growing->open[++growing->depth] = node;
	return 0;
}

static int grown(void *context)
{
	struct growing *growing = context;

	if (growing->depth)
		growing->depth--;
	return 0;
}

static void toml_error(void *context, unsigned line, unsigned column, const char *sentence)
{
	config_error_at(((struct growing *)context)->errors, line, column, "%s", sentence);
}

/* The end of the string that begins at text[i], or n. */
static size_t skip_string(const char *text, size_t i, size_t n)
{
	const char quote = text[i];
	const bool is_long = i + 2 < n && text[i + 1] == quote && text[i + 2] == quote;

	for (i += is_long ? 3 : 1; i < n; i++) {
		if (quote == '"' && text[i] == '\\')
			i++;
		else if (!is_long && (text[i] == quote || text[i] == '\n'))
			return i;
		else if (is_long && i + 2 < n && text[i] == quote && text[i + 1] == quote &&
			 text[i + 2] == quote)
			return i + 2;
	}
	return n;
}

/* The line of the first byte beyond ASCII outside of strings and comments, where no TOML
 * has one and the library's answer is undefined (3.3.0, found by fuzzing). 0: none. */
static unsigned stray_byte(const char *text, size_t n)
{
	unsigned line = 1;
	size_t i = 0, end;

	while (i < n) {
		end = i;
		if (text[i] == '#')
			while (end < n && text[end] != '\n')
				end++;
		else if (text[i] == '"' || text[i] == '\'')
			end = skip_string(text, i, n);
		else if (text[i] & 0x80)
			return line;
		for (; i <= end && i < n; i++)
			line += text[i] == '\n';
	}
	return 0;
}

static struct node *tree_read_toml(const char *text, size_t n, struct config_errors *errors)
{
	struct growing growing = { .open = { node_new(NODE_MAP, 1, 1) }, .errors = errors };
	const struct toml_outlet outlet = { grow, grown, toml_error, &growing };
	struct node *root = growing.open[0];
	const unsigned stray = stray_byte(text, n);

	if (stray)
		config_error_at(errors, stray, 1, "text that is not ASCII belongs into quotes");
	else if (root && toml_read(text, n, &outlet) == 0)
		return root;
	node_free(root);
	if (!errors->count)
		config_error_at(errors, 1, 1, "no memory");
	return NULL;
}

/* --- by extension ------------------------------------------------------------- */

static bool ends_in(const char *path, const char *extension)
{
	const size_t n = strlen(path), m = strlen(extension);

	return n > m && !strcasecmp(path + n - m, extension);
}

/* The line of the first NUL, behind which the libraries would see nothing; 0: none. */
static unsigned line_of_nul(const char *text, size_t n)
{
	const char *nul = n ? memchr(text, '\0', n) : NULL;
	unsigned line = 1;

	if (!nul)
		return 0;
	for (; text < nul; text++)
		line += *text == '\n';
	return line;
}

struct node *tree_read(const char *path, const char *text, size_t n,
		       struct config_errors *errors)
{
	const unsigned nul = line_of_nul(text, n);
	struct node *root;

	if (n > TREE_BYTES_MAX) {
		config_error_at(errors, 1, 1, "the file is larger than %u MiB",
				TREE_BYTES_MAX >> 20);
		return NULL;
	}
	if (nul) {
		config_error_at(errors, nul, 1, "a NUL byte is in it: this is no text");
		return NULL;
	}
	if (ends_in(path, ".toml"))
		root = tree_read_toml(text, n, errors);
	else
		root = tree_read_yaml(text, n, ends_in(path, ".json"), errors);
	if (root && root->kind != NODE_MAP) {
		config_error(errors, root, "wanted are settings (\"refresh: 1s\"), not a %s",
			     root->kind == NODE_LIST ? "list" : "single value");
		node_free(root);
		root = NULL;
	}
	return root;
}
