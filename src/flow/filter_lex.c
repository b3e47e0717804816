// SPDX-License-Identifier: Apache-2.0
/* Filter text into tokens. A word runs to the next blank, bracket or operator;
 * what needs those characters goes into quotes. */
#include <errno.h>
#include <string.h>

#include "flow/filter_impl.h"

static bool ends_word(char c)
{
	return !c || strchr(" \t\r\n()[]=!<>&|~,\"'", c);
}

static int fail(const struct lexer *lexer, const char *at, unsigned *column, struct why *why,
		const char *what)
{
	*column = (unsigned)(at - lexer->start) + 1;
	return why_set(why, -EINVAL, "filter:%u: %s", *column, what);
}

static int quoted(struct lexer *lexer, struct token *ret, unsigned *column, struct why *why)
{
	const char quote = *lexer->at;
	const char *end = strchr(lexer->at + 1, quote);

	if (!end)
		return fail(lexer, lexer->at, column, why, "this quote is not closed");
	ret->kind = TOKEN_TEXT;
	ret->text = lexer->at + 1;
	ret->n = (size_t)(end - ret->text);
	lexer->at = end + 1;
	return 0;
}

struct symbol {
	const char *text;
	enum token_kind kind;
};

/* Longer ones first. */
static const struct symbol symbols[] = {
	{ "&&", TOKEN_AND }, { "||", TOKEN_OR }, { "==", TOKEN_EQ }, { "!=", TOKEN_NE },
	{ "<=", TOKEN_LE }, { ">=", TOKEN_GE }, { "=", TOKEN_EQ }, { "<", TOKEN_LT },
	{ ">", TOKEN_GT }, { "&", TOKEN_MASK }, { "~", TOKEN_MATCH }, { "!", TOKEN_NOT },
	{ "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { "[", TOKEN_LIST_OPEN },
	{ "]", TOKEN_LIST_CLOSE }, { NULL, TOKEN_END },
};

static const struct symbol words[] = {
	{ "and", TOKEN_AND }, { "or", TOKEN_OR }, { "not", TOKEN_NOT }, { NULL, TOKEN_END },
};

/* a comma separates the values of a list and is blank elsewhere */
static const char blanks[] = " \t\r\n,";

bool filter_is_blank(const char *text)
{
	return !text || !text[strspn(text, blanks)];
}

int lexer_next(struct lexer *lexer, struct token *ret, unsigned *column, struct why *why)
{
	const struct symbol *symbol;

	lexer->at += strspn(lexer->at, blanks);
	*ret = (struct token){ .text = lexer->at,
				.column = (unsigned)(lexer->at - lexer->start) + 1 };
	if (!*lexer->at) {
		ret->kind = TOKEN_END;
		return 0;
	}
	if (*lexer->at == '"' || *lexer->at == '\'')
		return quoted(lexer, ret, column, why);
	for (symbol = symbols; symbol->text; symbol++) {
		ret->n = strlen(symbol->text);
		if (!strncmp(lexer->at, symbol->text, ret->n)) {
			ret->kind = symbol->kind;
			lexer->at += ret->n;
			return 0;
		}
	}
	if (*lexer->at == '|')
		return fail(lexer, lexer->at, column, why, "a single | means nothing, or is ||");
	while (!ends_word(*lexer->at))
		lexer->at++;
	ret->n = (size_t)(lexer->at - ret->text);
	ret->kind = TOKEN_WORD;
	for (symbol = words; symbol->text; symbol++) {
		if (strlen(symbol->text) == ret->n && !memcmp(symbol->text, ret->text, ret->n))
			ret->kind = symbol->kind;
	}
	return 0;
}
