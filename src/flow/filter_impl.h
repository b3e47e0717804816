/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_FILTER_IMPL_H
#define WEIR_FLOW_FILTER_IMPL_H

/* The inside of the filter, shared by its own files only:
 *   filter.c        construction, explanation
 *   filter_lex.c    text → tokens
 *   filter_parse.c  tokens → nodes: the grammar
 *   filter_value.c  words → typed values of a field
 *   filter_eval.c   nodes and a record → yes or no */

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/why.h"
#include "flow/field.h"
#include "flow/filter.h"

#define FILTER_DEPTH_MAX 64
#define FILTER_NODES_MAX 1024
#define FILTER_TEXT_MAX 16384
#define FILTER_REGEX_MAX 256
#define FILTER_REGEX_PLUS_MAX 8

enum token_kind {
	TOKEN_END, TOKEN_WORD, TOKEN_TEXT /* quoted */, TOKEN_OPEN, TOKEN_CLOSE,
	TOKEN_LIST_OPEN, TOKEN_LIST_CLOSE, TOKEN_NOT, TOKEN_AND, TOKEN_OR,
	TOKEN_EQ, TOKEN_NE, TOKEN_LT, TOKEN_LE, TOKEN_GT, TOKEN_GE, TOKEN_MASK, TOKEN_MATCH,
};

struct token {
	enum token_kind kind;
	const char *text; /* into the filter's text; quoted: without the quotes */
	size_t n;
	unsigned column; /* from 1 */
};

struct lexer {
	const char *start, *at;
};

/* The next token, or -EINVAL (a stray character, an open quote). */
int lexer_next(struct lexer *lexer, struct token *ret, unsigned *column, struct why *why);

enum node_kind {
	NODE_AND, NODE_OR, NODE_NOT,
	NODE_NET,    /* host, net: address in a prefix */
	NODE_PORT,   /* port, portrange */
	NODE_PROTO, NODE_V4,
	NODE_INT,    /* integers of one or two fields against a set */
	NODE_DOUBLE,
	NODE_STATE,  /* the name of either TCP state */
	NODE_TEXT, NODE_PREFIX, NODE_REGEX,
	NODE_ADDR,   /* an address field */
};

enum end_mask { END_SRC = 1, END_DST = 2, END_NAT = 4 };
enum combine { COMBINE_EITHER, COMBINE_SUM };

struct node {
	uint8_t kind;       /* enum node_kind */
	uint8_t op;         /* enum token_kind: EQ … GE; MASK: value & mask is not zero */
	uint8_t ends;       /* NET, PORT: enum end_mask */
	uint8_t combine;    /* INT: enum combine */
	uint8_t field[2];   /* the second is FIELD_COUNT when there is one only */
	uint16_t left, right; /* AND, OR, NOT: nodes */
	bool masked;        /* INT: compare value & mask */
	uint64_t mask;
	uint64_t low, high; /* INT: the value, or a span (EQ with low..high) */
	double real;
	struct addr_net net;
	char *text;         /* owned: TEXT, PREFIX; REGEX: the pattern */
	size_t text_length;
	regex_t *regex;     /* owned */
	unsigned column;    /* for explain */
	unsigned source_length;
};

struct filter {
	char *text;        /* owned copy of the expression */
	struct node *node; /* owned */
	uint16_t count, root;
	bool empty;
};

/* filter_parse.c */
int filter_parse(struct filter *filter, unsigned *column, struct why *why);

/* What the left side of a comparison means. */
struct operand {
	uint8_t field[2];
	uint8_t combine;
	bool prefix; /* texts match by their beginning (container ids) */
	bool state;
	bool user;   /* values may be user names */
	bool unit;   /* a duration whose unit its name does not tell */
};

/* filter_value.c */
/* The operand of that name: a field or a short name; -ENOENT. */
int operand_find(struct operand *ret, const char *name, size_t n);
/* Offers every name that operand_find knows. */
struct nearest;
void operand_offer(struct nearest *nearest);
/* Fills kind and value of the node for that operand and word. */
int value_parse(struct node *node, const struct operand *operand, const struct token *word,
		struct why *why);

/* filter_eval.c */
bool filter_eval(const struct filter *filter, uint16_t node, const struct record *record);

#endif
