// SPDX-License-Identifier: Apache-2.0
/*
 * The filter grammar (docs/interface.md section 1): terms joined by and, or, or
 * nothing (which means and), of equal rank and from left to right, as pcap
 * filters are read; brackets say otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/num.h"
#include "flow/filter_impl.h"

struct parser {
	struct filter *filter;
	struct lexer lexer;
	struct token token; /* the one looked at */
	unsigned depth;
	unsigned *column;
	struct why *why;
};

static const char *const primitives[] = {
	"src", "dst", "nat", "host", "net", "port", "portrange", "ip", "ip6", "ipv4", "ipv6", NULL,
};
static const char *const protocols[] = {
	"tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "gre", "udplite", NULL,
};

static bool is_word(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->n == strlen(word) &&
	       !memcmp(token->text, word, token->n);
}

static int advance(struct parser *p)
{
	return lexer_next(&p->lexer, &p->token, p->column, p->why);
}

static int fail(struct parser *p, const struct token *at, const char *what)
{
	*p->column = at->column;
	return why_set(p->why, -EINVAL, "filter:%u: %s", at->column, what);
}

/* "FOUND where WANTED should be" */
static int unexpected(struct parser *p, const char *wanted)
{
	const struct token *token = &p->token;

	*p->column = token->column;
	if (token->kind == TOKEN_END)
		return why_set(p->why, -EINVAL, "filter:%u: it ends where %s should follow",
			       token->column, wanted);
	return why_set(p->why, -EINVAL, "filter:%u: \"%.*s\" stands where %s should",
		       token->column, (int)token->n, token->text, wanted);
}

static int node_add(struct parser *p, const struct node *node)
{
	struct filter *filter = p->filter;

	if (filter->count == FILTER_NODES_MAX)
		return fail(p, &p->token, "the filter has too many terms");
	filter->node[filter->count] = *node;
	return filter->count++;
}

static bool is_value(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_TEXT;
}

static bool is_comparison(enum token_kind kind)
{
	return kind >= TOKEN_EQ && kind <= TOKEN_MATCH;
}

static int parse_expr(struct parser *p);
static int parse_list(struct parser *p, const struct operand *operand, int primitive,
		      unsigned ends);

/* host, net: one address or prefix */
static int parse_net(struct parser *p, unsigned ends, bool host)
{
	struct node node = { .kind = NODE_NET, .ends = (uint8_t)ends, .column = p->token.column };

	if (!is_value(&p->token))
		return unexpected(p, host ? "an address" : "ADDRESS/BITS");
	if (addr_net_parse(&node.net, p->token.text, p->token.n) < 0 ||
	    (host && memchr(p->token.text, '/', p->token.n)))
		return unexpected(p, host ? "an address" : "ADDRESS/BITS");
	if (advance(p) < 0)
		return -EINVAL;
	return node_add(p, &node);
}

static int parse_port(struct parser *p, unsigned ends, bool span)
{
	struct node node = { .kind = NODE_PORT, .ends = (uint8_t)ends, .column = p->token.column };
	const char *dash;
	size_t first;

	if (!is_value(&p->token))
		return unexpected(p, span ? "a span like 80-90" : "a port number");
	dash = span ? memchr(p->token.text, '-', p->token.n) : NULL;
	first = dash ? (size_t)(dash - p->token.text) : p->token.n;
	if ((span && !dash) || num_parse_u64(&node.low, p->token.text, first) < 0)
		return unexpected(p, span ? "a span like 80-90" : "a port number");
	node.high = node.low;
	if (dash && num_parse_u64(&node.high, dash + 1, p->token.n - first - 1) < 0)
		return unexpected(p, "a span like 80-90");
	if (node.high > 65535 || node.low > node.high)
		return fail(p, &p->token, "ports are 0 to 65535, the lower first");
	if (advance(p) < 0)
		return -EINVAL;
	return node_add(p, &node);
}

static int unknown_word(struct parser *p, const struct token *word)
{
	struct nearest nearest = { .word = word->text, .n = word->n };

	for (int i = 0; primitives[i]; i++)
		nearest_offer(&nearest, primitives[i]);
	for (int i = 0; protocols[i]; i++)
		nearest_offer(&nearest, protocols[i]);
	operand_offer(&nearest);
	*p->column = word->column;
	return why_set(p->why, -EINVAL, "filter:%u: unknown word \"%.*s\"%s%s%s", word->column,
		       (int)word->n, word->text, nearest.best ? ", did you mean \"" : "",
		       nearest.best ? nearest.best : "",
		       nearest.best ? "\"?" : "; weir help filter explains");
}

/* [src|dst|nat] (host|net|port|portrange) VALUE; -ENOENT: none of these. */
static int parse_primitive(struct parser *p)
{
	unsigned ends = END_SRC | END_DST | END_NAT;
	bool qualified = true;

	if (is_word(&p->token, "src"))
		ends = END_SRC;
	else if (is_word(&p->token, "dst"))
		ends = END_DST;
	else if (is_word(&p->token, "nat"))
		ends = END_NAT;
	else
		qualified = false;
	if (qualified && advance(p) < 0)
		return -EINVAL;
	for (int i = 3; i < 7; i++) { /* host net port portrange */
		if (!is_word(&p->token, primitives[i]))
			continue;
		if (advance(p) < 0)
			return -EINVAL;
		/* "port = 80", "host:192.0.2.1" mean the same */
		if (p->token.kind == TOKEN_EQ && advance(p) < 0)
			return -EINVAL;
		if (is_word(&p->token, "in"))
			return parse_list(p, NULL, i, ends);
		return i < 5 ? parse_net(p, ends, i == 3) : parse_port(p, ends, i == 6);
	}
	if (!qualified)
		return -ENOENT;
	if (is_value(&p->token)) /* src 192.0.2.7 */
		return parse_net(p, ends, !memchr(p->token.text, '/', p->token.n));
	return unexpected(p, "host, net, port or portrange");
}

static int compile_regex(struct parser *p, struct node *node, const struct token *word)
{
	char pattern[FILTER_REGEX_MAX + 1];
	unsigned pluses = 0, i;
	int r;

	/* repetition counts make a compiled pattern grow without bound */
	if (word->n > FILTER_REGEX_MAX)
		return fail(p, word, "the pattern is longer than 256 characters");
	if (memchr(word->text, '{', word->n))
		return fail(p, word, "repetition counts {n} are not taken in patterns");
	/* x+ is compiled as xx*: within one another each doubles it */
	for (i = 0; i < word->n; i++)
		pluses += word->text[i] == '+';
	if (pluses > FILTER_REGEX_PLUS_MAX)
		return fail(p, word, "the pattern has more than 8 repetitions by +");
	memcpy(pattern, word->text, word->n);
	pattern[word->n] = '\0';
	node->text = strdup(pattern);
	if (!node->text)
		return -ENOMEM;
	node->regex = calloc(1, sizeof(*node->regex));
	if (!node->regex)
		return -ENOMEM;
	r = regcomp(node->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (r) {
		char text[128];

		regerror(r, node->regex, text, sizeof(text));
		free(node->regex);
		node->regex = NULL;
		*p->column = word->column;
		return why_set(p->why, -EINVAL, "filter:%u: bad pattern: %s", word->column, text);
	}
	node->kind = NODE_REGEX;
	return 0;
}

/* An unquoted pattern ends before a bracket or an operator; what follows would be
 * read as the next term, or fail as one. */
static int check_pattern(struct parser *p)
{
	const char *end = p->token.text + p->token.n;

	if (!is_value(&p->token))
		return unexpected(p, "a pattern, in quotes if it has brackets or signs,");
	if (p->token.kind == TOKEN_TEXT || !*end || strchr(" \t\r\n,)", *end))
		return 0;
	if (!strncmp(end, "&&", 2) || !strncmp(end, "||", 2))
		return 0;
	*p->column = p->token.column + (unsigned)p->token.n;
	return why_set(p->why, -EINVAL, "filter:%u: a pattern with %c in it wants quotes, as in "
		       "comm ~ \"^a[0-9]\"", *p->column, *end);
}

static void node_fini(struct node *node)
{
	free(node->text);
	if (node->regex) {
		regfree(node->regex);
		free(node->regex);
	}
}

/* One value for an operand, at the current token, as a node. */
static int parse_value(struct parser *p, const struct operand *operand, struct node node)
{
	const enum field_type type = field_table[operand->field[0]].type;
	int r;

	if (node.op == TOKEN_MATCH && check_pattern(p) < 0)
		return -EINVAL;
	if (!is_value(&p->token))
		return unexpected(p, "a value");
	node.column = p->token.column;
	*p->column = p->token.column;
	if (node.op == TOKEN_MATCH) {
		if (type != FIELD_TYPE_TEXT)
			return fail(p, &p->token, "only texts match patterns (~)");
		memcpy(node.field, operand->field, sizeof(node.field));
		r = compile_regex(p, &node, &p->token);
	} else {
		r = value_parse(&node, operand, &p->token, p->why);
	}
	if (r == 0 && node.kind != NODE_INT && node.kind != NODE_DOUBLE &&
	    node.op != TOKEN_EQ && node.op != TOKEN_NE && node.op != TOKEN_MATCH)
		r = fail(p, &p->token, "this field is only compared with = and !=");
	if (r == 0 && node.kind == NODE_INT && type == FIELD_TYPE_NAME &&
	    node.op != TOKEN_EQ && node.op != TOKEN_NE)
		r = fail(p, &p->token, "names are only compared with = and !=");
	if (r == 0)
		r = advance(p);
	if (r == 0)
		r = node_add(p, &node);
	if (r < 0)
		node_fini(&node);
	return r;
}

static int join(struct parser *p, enum node_kind kind, int left, int right)
{
	const struct node node = { .kind = (uint8_t)kind, .left = (uint16_t)left,
				   .right = (uint16_t)right, .column = p->token.column };

	return node_add(p, &node);
}

/* [ VALUE … ]: any of them, for the operand or else for that primitive. */
static int parse_list(struct parser *p, const struct operand *operand, int primitive,
		      unsigned ends)
{
	const struct node equal = { .op = TOKEN_EQ };
	int all = -1, one;

	if (advance(p) < 0)
		return -EINVAL;
	if (p->token.kind != TOKEN_LIST_OPEN)
		return unexpected(p, "[");
	if (advance(p) < 0)
		return -EINVAL;
	while (p->token.kind != TOKEN_LIST_CLOSE) {
		if (operand)
			one = parse_value(p, operand, equal);
		else if (primitive < 5)
			one = parse_net(p, ends, primitive == 3);
		else
			one = parse_port(p, ends, primitive == 6);
		if (one < 0)
			return one;
		all = all < 0 ? one : join(p, NODE_OR, all, one);
		if (all < 0)
			return all;
	}
	if (all < 0)
		return unexpected(p, "a value");
	return advance(p) < 0 ? -EINVAL : all;
}

/* FIELD & MASK [OP VALUE] */
static int parse_masked(struct parser *p, const struct operand *operand)
{
	struct node node = { .op = TOKEN_MASK, .masked = true };
	uint64_t mask;

	if (advance(p) < 0)
		return -EINVAL;
	if (!is_value(&p->token) || num_parse_u64(&mask, p->token.text, p->token.n) < 0)
		return unexpected(p, "a mask like 0xff");
	node.mask = mask;
	node.column = p->token.column;
	if (advance(p) < 0)
		return -EINVAL;
	if (is_comparison(p->token.kind)) {
		node.op = (uint8_t)p->token.kind;
		if (node.op == TOKEN_MASK || node.op == TOKEN_MATCH)
			return unexpected(p, "a comparison");
		if (advance(p) < 0)
			return -EINVAL;
		return parse_value(p, operand, node);
	}
	node.kind = NODE_INT;
	memcpy(node.field, operand->field, sizeof(node.field));
	node.combine = operand->combine;
	return node_add(p, &node);
}

static int parse_comparison(struct parser *p, const struct operand *operand)
{
	const enum field_type type = field_table[operand->field[0]].type;
	struct node node = { .op = TOKEN_EQ };

	if (is_word(&p->token, "in"))
		return parse_list(p, operand, 0, 0);
	if (p->token.kind == TOKEN_MASK) {
		if (type != FIELD_TYPE_U8 && type != FIELD_TYPE_U16 && type != FIELD_TYPE_U32 &&
		    type != FIELD_TYPE_U64 && type != FIELD_TYPE_STATUS)
			return fail(p, &p->token, "only integers have bits");
		return parse_masked(p, operand);
	}
	if (is_comparison(p->token.kind)) {
		node.op = (uint8_t)p->token.kind;
		if (advance(p) < 0)
			return -EINVAL;
	} else if (type == FIELD_TYPE_BOOL && !is_value(&p->token)) {
		node.kind = NODE_INT; /* the bare name of a yes-or-no field */
		memcpy(node.field, operand->field, sizeof(node.field));
		node.low = 1;
		return node_add(p, &node);
	}
	return parse_value(p, operand, node);
}

static int parse_word(struct parser *p)
{
	struct token word = p->token;
	const char *colon = memchr(word.text, ':', word.n);
	struct operand operand;
	struct node node = { .op = TOKEN_EQ, .column = word.column };
	uint8_t proto;
	int r;

	/* FIELD:VALUE is read as FIELD VALUE, where FIELD is one */
	if (colon && colon != word.text) {
		const size_t n = (size_t)(colon - word.text);

		r = operand_find(&operand, word.text, n);
		for (int i = 3; r < 0 && i < 7; i++) {
			if (strlen(primitives[i]) == n && !memcmp(primitives[i], word.text, n))
				r = 0;
		}
		if (r == 0) {
			p->lexer.at = colon + 1;
			p->token.n = n;
			word.n = n;
		}
	}
	r = parse_primitive(p);
	if (r != -ENOENT)
		return r;
	if (advance(p) < 0)
		return -EINVAL;
	if (is_comparison(p->token.kind) || is_word(&p->token, "in"))
		return operand_find(&operand, word.text, word.n) < 0 ?
			       unknown_word(p, &word) : parse_comparison(p, &operand);
	for (int i = 0; protocols[i]; i++) {
		if (is_word(&word, protocols[i])) {
			proto_parse(&proto, word.text, (unsigned)word.n);
			node.kind = NODE_PROTO;
			node.low = proto;
			return node_add(p, &node);
		}
	}
	node.kind = NODE_V4;
	node.low = is_word(&word, "ip") || is_word(&word, "ipv4");
	if (node.low || is_word(&word, "ip6") || is_word(&word, "ipv6"))
		return node_add(p, &node);
	if (operand_find(&operand, word.text, word.n) < 0)
		return unknown_word(p, &word);
	return parse_comparison(p, &operand);
}

static int parse_term(struct parser *p)
{
	int inner;

	if (p->token.kind == TOKEN_NOT) {
		if (++p->depth > FILTER_DEPTH_MAX)
			return fail(p, &p->token, "the filter is nested too deeply");
		if (advance(p) < 0)
			return -EINVAL;
		inner = parse_term(p);
		p->depth--;
		return inner < 0 ? inner : join(p, NODE_NOT, inner, 0);
	}
	if (p->token.kind == TOKEN_OPEN) {
		if (++p->depth > FILTER_DEPTH_MAX)
			return fail(p, &p->token, "the filter is nested too deeply");
		if (advance(p) < 0)
			return -EINVAL;
		inner = parse_expr(p);
		p->depth--;
		if (inner < 0)
			return inner;
		if (p->token.kind != TOKEN_CLOSE)
			return unexpected(p, ")");
		return advance(p) < 0 ? -EINVAL : inner;
	}
	if (p->token.kind != TOKEN_WORD)
		return unexpected(p, "a term");
	return parse_word(p);
}

static int parse_expr(struct parser *p)
{
	int left = parse_term(p), right;

	while (left >= 0 && p->token.kind != TOKEN_END && p->token.kind != TOKEN_CLOSE) {
		enum node_kind kind = NODE_AND;

		if (p->token.kind == TOKEN_AND || p->token.kind == TOKEN_OR) {
			kind = p->token.kind == TOKEN_OR ? NODE_OR : NODE_AND;
			if (advance(p) < 0)
				return -EINVAL;
		}
		right = parse_term(p);
		left = right < 0 ? right : join(p, kind, left, right);
	}
	return left;
}

int filter_parse(struct filter *filter, unsigned *column, struct why *why)
{
	struct parser p = {
		.filter = filter,
		.lexer = { filter->text, filter->text },
		.column = column,
		.why = why,
	};
	int root;

	if (advance(&p) < 0)
		return -EINVAL;
	if (p.token.kind == TOKEN_END) {
		filter->empty = true;
		return 0;
	}
	root = parse_expr(&p);
	if (root < 0)
		return root;
	if (p.token.kind != TOKEN_END)
		return unexpected(&p, "the end");
	filter->root = (uint16_t)root;
	return 0;
}
